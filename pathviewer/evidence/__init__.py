"""Evidence of a completion: archives, values for the browser, overlays."""

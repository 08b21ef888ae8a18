"""Questions, completions, and the map of a slide's questions."""

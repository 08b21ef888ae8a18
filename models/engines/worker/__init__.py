"""An engine in its own process."""

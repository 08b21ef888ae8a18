"""Questions, completions, and what a slide was asked."""

"""Domain-free helpers; they import nothing else of `pathviewer`."""

"""Small helpers without a domain; they import nothing else of `pathviewer`."""

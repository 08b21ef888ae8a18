"""Visibility of other raters' feedback and votes."""

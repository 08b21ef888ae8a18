"""Rows for charts and statistics."""

"""Worklists, their items and item assignments."""

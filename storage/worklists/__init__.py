"""Worklists, their items and assignments."""

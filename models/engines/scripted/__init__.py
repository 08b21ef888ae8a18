"""Canned answers with given attention."""

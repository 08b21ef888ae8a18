"""Scripted engine: canned completions with given attention."""

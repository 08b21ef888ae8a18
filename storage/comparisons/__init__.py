"""Pairs of completions, their assignment, votes."""

"""Pairs of completions, comparison assignments and votes."""

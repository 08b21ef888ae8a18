"""Pairs of completions, shown side by side."""

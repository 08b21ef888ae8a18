"""Comparisons: pairs of completions side by side."""

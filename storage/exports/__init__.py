"""Exports: which completions went into which version of a data set."""

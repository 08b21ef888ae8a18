"""A checkpoint run by transformers, in the process that calls it."""

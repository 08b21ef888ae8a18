"""Checkpoints run by transformers in the calling process."""

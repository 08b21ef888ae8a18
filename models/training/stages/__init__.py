"""Stages of post-training."""

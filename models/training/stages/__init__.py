"""The stages of post-training."""

"""The embedded model: its network, its language and its training data."""

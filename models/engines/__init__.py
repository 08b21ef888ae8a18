"""Engines behind the interface in `base`."""

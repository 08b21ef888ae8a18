"""The engines behind the seam in `base`."""

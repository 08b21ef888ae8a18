"""Benchmarks of running and training a model."""

"""Benchmarks: commands that print ratios to a peer or a limit."""

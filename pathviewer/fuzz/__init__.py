"""Fuzzing of the running program with random and damaged input."""

"""Feedback on completions and the reward that follows from it."""

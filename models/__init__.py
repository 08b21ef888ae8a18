"""Models: engines, prompts, attention, reasoning traces, judges, evaluation and training.

Imports nothing from `pathviewer` or `storage`.
"""

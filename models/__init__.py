"""Models: engines, prompts, attention, reasoning traces, evaluation, training. Imports nothing of
ours.
"""

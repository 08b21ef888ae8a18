"""Evaluation of models: questions, answers, figures with intervals, controls."""

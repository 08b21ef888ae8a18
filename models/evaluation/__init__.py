"""Measuring a model: questions, answers, figures with their intervals, controls."""

"""Feedback of raters, and labels by judge models."""

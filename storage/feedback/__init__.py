"""Feedback of raters and labels of judge models."""

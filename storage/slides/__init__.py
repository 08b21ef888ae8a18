"""Slides, regions, entered scales and uploads."""

"""Rows that charts are made of."""

"""Shapes of the JSON API, one module a noun.

Requests that services below the API take stand with these services.
"""

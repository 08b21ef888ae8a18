"""Attention maps: values for the browser, overlays, archives."""

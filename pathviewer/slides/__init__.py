"""Slides: files, geometry, tiles, the library and GeoJSON."""

"""Slides: files, geometry, tiles, the library, GeoJSON."""

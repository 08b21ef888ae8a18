"""Worklists: items to be judged, their answers made beforehand and frozen, handed out in turn."""

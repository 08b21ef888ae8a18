"""Training data: tiles, splits, checks that splits are disjoint."""

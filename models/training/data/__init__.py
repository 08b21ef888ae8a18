"""Training data: tiles, splits, proof that splits are disjoint."""

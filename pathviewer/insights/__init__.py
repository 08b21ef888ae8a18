"""What the labels say: agreement, ranking, charts with their numbers."""

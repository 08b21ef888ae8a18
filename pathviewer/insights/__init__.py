"""Statistics of feedback: agreement, rankings, charts with their numbers."""

"""Parser of reasoning traces."""

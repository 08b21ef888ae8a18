"""The parser of reasoning traces."""

"""From a region and a question to an answer that can be kept."""

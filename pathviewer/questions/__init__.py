"""Questions about regions, from the request to the stored completions."""

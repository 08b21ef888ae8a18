"""What a rater may see of others' feedback and votes."""

"""What raters say of a completion, and the reward that follows."""

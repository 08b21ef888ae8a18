"""What running a model costs, measured."""

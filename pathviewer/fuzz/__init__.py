"""Random and damaged input for the running program."""

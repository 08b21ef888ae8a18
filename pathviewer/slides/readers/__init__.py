"""Reader processes, which open slides: a file that ends its reader affects nothing else."""

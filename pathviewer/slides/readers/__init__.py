"""Slides are opened in processes of their own: a file that ends its reader ends nothing else."""

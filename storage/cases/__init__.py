"""Cases: slides that belong to one patient."""

"""Which slides belong to one patient, and what is known of them: a table from outside."""

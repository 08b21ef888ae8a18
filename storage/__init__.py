"""What the program remembers: tables, migrations and the records read from them."""

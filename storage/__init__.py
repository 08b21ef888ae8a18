"""Database tables, migrations and records."""

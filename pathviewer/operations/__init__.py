"""Looking after what is kept: backup, restore, taking back, the audit log."""

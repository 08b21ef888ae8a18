"""Operations: backup, restore, withdrawal, retention, metrics, the audit log."""

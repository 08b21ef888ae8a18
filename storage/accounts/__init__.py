"""Accounts, sessions, tokens and consents."""

"""The error root of the access rules."""


class AccessError(Exception):
    """An unacceptable setting, name or password; the message gives the reason and the remedy."""

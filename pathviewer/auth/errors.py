"""The one error root of the access rules."""


class AccessError(Exception):
    """A setting, name or password that cannot be accepted; the message says why and what to do."""

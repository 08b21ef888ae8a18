"""Passwords, session and bearer tokens, account names: creation, checks, hashes."""

from __future__ import annotations

import re
import secrets
from functools import cache
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pathviewer.auth import user_messages
from pathviewer.auth.errors import AccessError

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024
RESERVED_NAMES = frozenset({"local", "visitor"})
"""Names of the two identities without a login."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
hasher = PasswordHasher()
"""Argon2id at the library's cost. The tests lower it; one test checks the cost in production."""


def account_name(text: str) -> str:
    """Return the stored form of a name: trimmed, lower case. Raises `AccessError` if invalid."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise AccessError(user_messages.account_name_malformed(text))
    if name in RESERVED_NAMES:
        raise AccessError(user_messages.account_name_reserved(name))
    return name


def hash_password(password: str) -> str:
    """Return the Argon2 hash; takes about 50 ms. Raises `AccessError` for a bad length."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccessError(
            user_messages.wrong_password_length(SHORTEST_PASSWORD, LONGEST_PASSWORD, len(password))
        )
    return hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether a password is right; without a hash it is wrong, but takes as long."""
    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        return hasher.verify(password_hash or _placeholder_hash(), password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _placeholder_hash() -> str:
    return hasher.hash(secrets.token_urlsafe())


def new_token() -> str:
    """Return a secret of 256 bits, 43 characters."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the stored hash of a token. Tokens are random, so a fast hash is enough."""
    return sha256(token.encode()).hexdigest()


def needs_rehash(password_hash: str) -> bool:
    """Return whether a hash was made with parameters weaker than the current ones."""
    return hasher.check_needs_rehash(password_hash)

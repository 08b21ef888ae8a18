"""Access rules of a run, and the identity behind a request's credentials."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pathviewer.auth import user_messages
from pathviewer.auth.account_marker import MARKER_NAME, had_accounts, remember_accounts
from pathviewer.auth.credentials import account_name, token_hash
from pathviewer.auth.ended_logins import EndedLogins
from pathviewer.auth.errors import AccessError as AccessError
from pathviewer.auth.hosts import allowed_names, is_loopback, names_this_machine
from pathviewer.auth.identity import LOCAL, VISITOR, Identity
from pathviewer.auth.identity_cache import CACHE_SECONDS, CachedIdentity, IdentityCache
from pathviewer.auth.proxy import TrustedProxies, Visit
from pathviewer.auth.roles import Role
from pathviewer.auth.slide_access_log import SlideAccessLog
from pathviewer.auth.visitors import Visitors
from pathviewer.common.work_queue import WRITES
from storage.accounts.sessions import Credential, find_session, find_token
from storage.accounts.store import accounts_exist, add_account, find_account
from storage.audit import add_entry

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pathviewer.settings import Settings
    from storage.accounts.store import AccountRecord
    from storage.database import Database

COOKIE = "pathviewer_session"
_COOKIE = re.compile(rb"(?:^|;)[ \t]*pathviewer_session=([A-Za-z0-9_-]{43})[ \t]*(?=;|$)")
_BEARER = re.compile(rb"(?i:bearer) +([A-Za-z0-9_-]{43})")


class Access:
    """Access rules of one run; raises `AccessError` for contradictory settings."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.proxies = TrustedProxies(settings)
        self.hosts = allowed_names(settings)
        self.visitors = Visitors(database, settings.visits_per_address)
        self.ended_logins = EndedLogins(database, settings.content / "ended-logins.json")
        self.access_log = SlideAccessLog(database, public_demo=settings.public_demo)
        self._cache = IdentityCache()
        self._login_required = not settings.public_demo and (
            not is_loopback(settings.host)
            or bool(settings.oidc_issuer)
            or bool(settings.proxy_user_header)
        )
        self._local_until = 0.0
        _check_settings(settings)

    def check_exposure(self) -> None:
        """Raise `AccessError` if anyone who reaches the address would have all rights.

        Also raised if the installation had accounts and its database has none.
        """
        settings = self.settings
        other_logins = settings.oidc_issuer or (
            settings.proxy_user_header and settings.trusted_proxies
        )
        if settings.public_demo:
            return
        with self.database.read_only() as session:
            if accounts_exist(session):
                remember_accounts(settings)
                return
        if other_logins:
            return
        if had_accounts(settings):
            raise AccessError(user_messages.accounts_missing(MARKER_NAME))
        if is_loopback(settings.host):
            return
        raise AccessError(user_messages.open_to_everyone(settings.host))

    @property
    def needs_login(self) -> bool:
        """Whether credentials are required, as far as is known at this moment."""
        return self._login_required

    def identify_from_cache(self, cookie: bytes | None, host: bytes) -> Identity | None:
        """Return the identity if it is known without waiting, else None.

        `host` is an allowed Host header. The request must carry no forwarding headers and no
        visitor name.
        """
        if self._login_required:
            return None if cookie is None else self._cache.get(cookie)
        if self.settings.public_demo:
            return VISITOR
        fresh = time.monotonic() < self._local_until
        return LOCAL if fresh and names_this_machine(host) else None

    async def identify(self, visit: Visit) -> Identity | None:
        """Return the identity of a request; None if a login is needed. Raises `StorageError`."""
        if self.settings.public_demo:
            return self.visitors.identify(visit.visitor)
        if not self._login_required:
            await self._look_for_accounts()
        if not self._login_required:
            at_home = visit.at_this_machine and names_this_machine(visit.host)
            return LOCAL if at_home else None
        return await self._identify_by_credentials(visit)

    def forget(self) -> None:
        """Clear the identity cache after a logout or a change of an account."""
        self._cache.clear()

    async def _look_for_accounts(self) -> None:
        """Require logins at most `CACHE_SECONDS` after another process has created an account."""
        if time.monotonic() < self._local_until:
            return
        started = time.monotonic()
        if await self._cache.load(b"\0accounts", self._find_any_account) is None:
            self._local_until = started + CACHE_SECONDS
        else:
            self._login_required = True
            remember_accounts(self.settings)

    def _find_any_account(self) -> CachedIdentity | None:
        with self.database.read_only() as session:
            return (VISITOR, None) if accounts_exist(session) else None

    async def _identify_by_credentials(self, visit: Visit) -> Identity | None:
        # NUL cannot occur in a header, so keys of different kinds never collide
        bearer = visit.headers.get(b"authorization", b"")
        if bearer[:7].lower() == b"bearer ":
            match = _BEARER.fullmatch(bearer)
            return (
                await self._identify_by_token(b"\0bearer " + match[1], find_token, match[1])
                if match
                else None
            )
        if visit.user:
            key = b"\0user " + visit.user.encode()
            return self._cache.get(key) or await self._identify_proxy_user(key, visit.user)
        cookie = visit.headers.get(b"cookie", b"")
        match = _COOKIE.search(cookie)
        if match is None or self.ended_logins.holds(match[1]):
            return None
        return await self._identify_by_token(cookie, find_session, match[1])

    async def _identify_by_token(
        self, key: bytes, find: Callable[[Session, str], Credential | None], token: bytes
    ) -> Identity | None:
        def look_up() -> CachedIdentity | None:
            with self.database.read_only() as session:
                credential = find(session, token_hash(token.decode()))
            return (
                None
                if credential is None
                else (account_identity(credential.account), credential.expires_at)
            )

        return self._cache.get(key) or await self._cache.load(key, look_up)

    async def _identify_proxy_user(self, key: bytes, user: str) -> Identity | None:
        try:
            name = account_name(user)
        except AccessError:
            return None
        found: AccountRecord | None = None

        def look_up() -> CachedIdentity | None:
            nonlocal found
            with self.database.read_only() as session:
                found = find_account(session, name)
            return None if found is None or found.disabled else (account_identity(found), None)

        cached_identity = await self._cache.load(key, look_up)
        if cached_identity is not None or found is not None:
            return cached_identity
        account = await WRITES.run(lambda: self._add_proxy_user(name), name)
        return None if account.disabled else account_identity(account)

    def _add_proxy_user(self, name: str) -> AccountRecord:
        with self.database.session() as session:
            account = find_account(session, name)
            if account is None:
                account = add_account(session, name=name, role=self.settings.proxy_default_role)
                add_entry(session, account.id, "account_added", name, {"by": "proxy"})
        return account


def account_identity(account: AccountRecord) -> Identity:
    """Return the identity of an account's requests."""
    return Identity(account.id, account.name, Role(account.role), account.rater)


def session_token(cookie_header: bytes) -> str | None:
    """Return the session token in a Cookie header; None if there is no well-formed one."""
    match = _COOKIE.search(cookie_header)
    return match[1].decode() if match else None


def _check_settings(settings: Settings) -> None:
    if settings.cookie_samesite == "none" and settings.secure_cookies == "never":
        raise AccessError(user_messages.COOKIES_NEED_TLS)
    if settings.proxy_user_header and not settings.trusted_proxies:
        raise AccessError(user_messages.NO_TRUSTED_PROXY)
    if not settings.oidc_issuer:
        return
    issuer = urlsplit(settings.oidc_issuer)
    safe = issuer.scheme == "https" or is_loopback(issuer.hostname or "")
    if not safe or not issuer.netloc or not settings.oidc_client_id:
        raise AccessError(user_messages.OIDC_SETTINGS_INCOMPLETE)

"""Start and end of a login: the session in the database and its cookie."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pathviewer.auth import user_messages
from pathviewer.auth.access import COOKIE
from pathviewer.auth.credentials import new_token, token_hash
from pathviewer.auth.errors import AccessError
from storage.accounts.sessions import add_session, delete_expired_sessions
from storage.audit import add_entry
from storage.tables import now

if TYPE_CHECKING:
    from starlette.responses import Response

    from pathviewer.auth.proxy import Visit
    from pathviewer.settings import Settings
    from storage.accounts.store import AccountRecord
    from storage.database import Database


def begin(
    settings: Settings, database: Database, account: AccountRecord, visit: Visit, way: str
) -> str:
    """Store a login by way of `password` or `oidc`; return its token. Raises `StorageError`."""
    token = new_token()
    ends = now() + timedelta(hours=settings.session_hours)
    with database.session() as session:
        delete_expired_sessions(session)
        add_session(session, token_hash=token_hash(token), account_id=account.id, expires_at=ends)
        detail = {"way": way, "address": visit.address}
        add_entry(session, account.id, "login", account.name, detail)
    return token


def is_secure(settings: Settings, visit: Visit) -> bool:
    """Return whether cookies are Secure. Raises `AccessError` if the browser would drop them."""
    secure = {"always": True, "never": False, "auto": visit.secure}[settings.secure_cookies]
    if settings.cookie_samesite == "none" and not secure:
        raise AccessError(user_messages.REQUEST_WITHOUT_TLS)
    return secure


def set_cookie(response: Response, settings: Settings, visit: Visit, token: str) -> None:
    """Set the session cookie; raises what `is_secure` raises."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=settings.session_hours * 3600,
        path=settings.root_path or "/",
        secure=is_secure(settings, visit),
        httponly=True,
        samesite=settings.cookie_samesite,
    )
    _partition(response, settings)


def drop_cookie(response: Response, settings: Settings) -> None:
    """Delete the session cookie."""
    response.delete_cookie(
        COOKIE,
        path=settings.root_path or "/",
        secure=settings.cookie_samesite == "none",
        httponly=True,
        samesite=settings.cookie_samesite,
    )
    _partition(response, settings)


def _partition(response: Response, settings: Settings) -> None:
    """Partition the cookie by the framing site (CHIPS).

    A framed page can then have a cookie where browsers block those of frames. Starlette supports
    this only from Python 3.14 on.
    """
    if settings.cookie_samesite == "none":
        name, value = response.raw_headers[-1]
        response.raw_headers[-1] = (name, value + b"; Partitioned")

"""Login with name and password, and logout."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pathviewer.auth import login_session, user_messages
from pathviewer.auth.access import session_token
from pathviewer.auth.client_addresses import client_group
from pathviewer.auth.consent import Consents, consent_routes
from pathviewer.auth.credentials import account_name, hash_password, needs_rehash, verify_password
from pathviewer.auth.errors import AccessError
from pathviewer.auth.guard import merge_headers
from pathviewer.auth.hash_queue import HashQueue, TooManyLogins
from pathviewer.auth.identity import SCOPE_KEY
from pathviewer.auth.login_forms import read_form
from pathviewer.auth.oidc import oidc_routes
from pathviewer.auth.public_pages import login_page, safe_path, style_sheet
from pathviewer.auth.throttle import Throttle
from pathviewer.common.work_queue import READS, WRITES
from storage.accounts.store import find_account, set_password_hash
from storage.audit import add_entry
from storage.errors import StorageError

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.auth.access import Access
    from pathviewer.auth.proxy import Visit
    from pathviewer.settings import Settings
    from storage.accounts.store import AccountRecord
    from storage.database import Database


BUSY_SECONDS = 5


def auth_routes(settings: Settings, database: Database, access: Access) -> list[Route]:
    """Routes of the login; the guard leaves them open by name."""
    consents = Consents(settings, database)
    login = Login(settings, database, access, consents)

    async def style(_: Request) -> Response:
        return style_sheet()

    return [
        Route("/login", login.form, methods=["GET"]),
        Route("/login", login.submit, methods=["POST"]),
        Route("/login.css", style),
        Route("/logout", login.logout, methods=["POST"]),
        *consent_routes(settings, consents),
        *oidc_routes(settings, database, access, consents),
    ]


class Login:
    """Login of one run, with its counts of failures."""

    def __init__(
        self, settings: Settings, database: Database, access: Access, consents: Consents
    ) -> None:
        self._settings = settings
        self._consents = consents
        self._database = database
        self._access = access
        self._throttle = Throttle(settings.login_attempts, settings.login_window_seconds)
        self._hashing = HashQueue()

    async def form(self, request: Request) -> Response:
        """`GET /login`: the form, or a redirect to the page if already logged in."""
        next_path = safe_path(request.query_params.get("next", "/"))
        if SCOPE_KEY in request.scope:
            return RedirectResponse(self._settings.root_path + next_path, 303)
        return login_page(self._settings, next_path=next_path)

    async def submit(self, request: Request) -> Response:
        """`POST /login`: name, password, next."""
        form = await read_form(request)
        if form is None:
            return self._page(413, user_messages.LOGIN_FORM_TOO_LONG, {})
        visit = self._access.proxies.visit(request.scope, merge_headers(request.scope["headers"]))
        name = form.get("name", "").strip().lower()[:64]
        keys = (f"name {name}", f"address {client_group(visit.address)}")
        # other clients' failures do not lock out a client that has logged in before
        counted = keys[1:] if self._throttle.has_succeeded(*keys) else keys
        wait = math.ceil(self._throttle.seconds_to_wait(counted))
        if wait:
            message = user_messages.too_many_failed_logins(wait)
            return self._page(429, message, form, {"retry-after": str(wait)})
        rank = self._throttle.rank(*keys)
        self._throttle.count_attempt(keys)
        try:
            login_session.is_secure(self._settings, visit)
            account = await self._check(form, visit, rank)
            if account is None:
                return self._page(401, user_messages.WRONG_LOGIN, form)
            self._throttle.note_success(*keys)
            token = await WRITES.run(
                lambda: login_session.begin(
                    self._settings, self._database, account, visit, "password"
                ),
                account.id,
            )
            await WRITES.run(self._access.ended_logins.store)
            wanted_path = safe_path(form.get("next", "/"))
            next_path = await READS.run(
                lambda: self._consents.first_path(account, wanted_path), account.id
            )
        except TooManyLogins:
            self._throttle.uncount_attempt(keys)
            return self._page(
                503, user_messages.TOO_MANY_LOGINS, form, {"retry-after": str(BUSY_SECONDS)}
            )
        except AccessError as error:
            return self._page(400, str(error), form)
        except StorageError as error:
            return self._page(503, str(error), form)
        target = self._settings.root_path + next_path
        response = RedirectResponse(target, 303)
        login_session.set_cookie(response, self._settings, visit, token)
        return response

    async def logout(self, request: Request) -> Response:
        """`POST /logout`: end the login and return to the form."""
        identity = request.scope[SCOPE_KEY]
        token = session_token(request.headers.get("cookie", "").encode("latin-1"))
        if token is not None:
            self._access.ended_logins.end(token, identity.account_id, identity.name)
            self._access.forget()
            await WRITES.run(self._access.ended_logins.store)
        response = RedirectResponse(f"{self._settings.root_path}/login", 303)
        login_session.drop_cookie(response, self._settings)
        return response

    async def _check(self, form: dict[str, str], visit: Visit, rank: int) -> AccountRecord | None:
        """Return the account if the password is right; a failure goes to the audit log."""
        address = client_group(visit.address)
        account = await READS.run(lambda: self._find(form.get("name", "")), address)
        known_hash = account.password_hash if account and not account.disabled else None
        password = form.get("password", "")
        right = await self._hashing.run(rank, partial(verify_password, known_hash, password))
        if account is None or not right:
            await WRITES.run(lambda: self._note_failure(account, visit), visit.address)
            return None
        if known_hash and needs_rehash(known_hash):
            await WRITES.run(lambda: self._rehash(account, password), account.id)
        return account

    def _find(self, text: str) -> AccountRecord | None:
        try:
            name = account_name(text)
        except AccessError:
            return None
        with self._database.read_only() as session:
            return find_account(session, name)

    def _note_failure(self, account: AccountRecord | None, visit: Visit) -> None:
        # the typed name is not stored: people type passwords into the wrong field
        name = account.name if account else "unknown name"
        with self._database.session() as session:
            detail = {"address": visit.address}
            add_entry(session, account.id if account else None, "login_failed", name, detail)

    def _rehash(self, account: AccountRecord, password: str) -> None:
        with self._database.session() as session:
            set_password_hash(session, account.id, hash_password(password))

    def _page(
        self, status: int, message: str, form: dict[str, str], headers: dict[str, str] | None = None
    ) -> Response:
        return login_page(
            self._settings,
            status=status,
            next_path=form.get("next", "/"),
            name=form.get("name", "")[:64],
            message=message,
            headers=headers,
        )

"""Consent of raters to the use of their labels, asked at their first login."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from pathviewer.auth import user_messages
from pathviewer.auth.identity import Forbidden, require
from pathviewer.auth.login_forms import read_form
from pathviewer.auth.public_pages import consent_page, safe_path
from pathviewer.auth.roles import Action, Role, allows
from pathviewer.common.work_queue import READS, WRITES
from storage.accounts.consents import add_consent, has_agreed
from storage.audit import add_entry

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.auth.identity import Identity
    from pathviewer.settings import Settings
    from storage.accounts.store import AccountRecord
    from storage.database import Database

PATH = "/consent"


class Consents:
    """Consent to the configured licence, with a cache of the accounts that agreed."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.licence = settings.label_licence
        self._database = database
        self._agreed: set[str] = set()

    def is_settled(self, account_id: str) -> bool:
        """Return whether an account is known, without a query, to need no consent."""
        return not self.licence or account_id in self._agreed

    def needs_consent(self, account_id: str) -> bool:
        """Return whether an account must still agree before it judges; False without a licence."""
        if self.is_settled(account_id):
            return False
        with self._database.read_only() as session:
            agreed = has_agreed(session, account_id, self.licence)
        if agreed:
            self._agreed.add(account_id)
        return not agreed

    async def require_consent(self, identity: Identity) -> None:
        """Raise Forbidden if a rater has not agreed. Visitors are exempt: the page has informed
        them."""
        if not identity.visiting and not self.is_settled(identity.account_id):
            account = identity.account_id
            await READS.run(lambda: self.check_consent(account), identity.bound_key)

    def check_consent(self, account_id: str) -> None:
        """Raise Forbidden if an account has not agreed yet."""
        if self.needs_consent(account_id):
            raise Forbidden(user_messages.CONSENT_NEEDED)

    def first_path(self, account: AccountRecord, next_path: str) -> str:
        """Return the path after a login: the consent page if consent is missing."""
        judges = account.rater and allows(Role(account.role), Action.judge)
        if judges and self.needs_consent(account.id):
            return f"{PATH}?next={quote(safe_path(next_path), safe='')}"
        return next_path

    def record_consent(self, account_id: str) -> None:
        """Store that an account agreed."""
        with self._database.session() as session:
            if add_consent(session, account_id, self.licence):
                add_entry(session, account_id, "agreed", self.licence)


def consent_routes(settings: Settings, consents: Consents) -> list[Route]:
    """Routes that show the consent page and take the answer."""

    async def ask(request: Request) -> HTMLResponse:
        require(request.scope, Action.judge)
        next_path = safe_path(request.query_params.get("next", "/"))
        return consent_page(settings, next_path)

    async def answer(request: Request) -> Response:
        account = require(request.scope, Action.judge).account_id
        form = await read_form(request) or {}
        if consents.licence:
            await WRITES.run(lambda: consents.record_consent(account), account)
        return RedirectResponse(settings.root_path + safe_path(form.get("next", "/")), 303)

    return [Route(PATH, ask, methods=["GET"]), Route(PATH, answer, methods=["POST"])]

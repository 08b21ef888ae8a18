"""Login through the organisation's OpenID Connect provider: code flow with PKCE."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pathviewer.auth import login_session, user_messages
from pathviewer.auth.errors import AccessError
from pathviewer.auth.guard import merge_headers
from pathviewer.auth.oidc_accounts import account_of
from pathviewer.auth.public_pages import go_on_page, notice_page, safe_path
from pathviewer.common.work_queue import READS, WRITES
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from pathviewer.auth.access import Access
    from pathviewer.auth.consent import Consents
    from pathviewer.auth.proxy import Visit
    from pathviewer.settings import Settings
    from storage.database import Database

COOKIE = "pathviewer_oidc"
MINUTES = 10
"""Time that a person has at the provider, minutes."""

MOST_PENDING_LOGINS = 1000
"""Most pending logins."""

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Accepted signatures: none with a shared secret, and not `none`."""

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
UNREACHABLE = (httpx2.HTTPError, httpx2.InvalidURL)
SCOPES = "openid profile email"
TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class PendingLogin:
    """A login in progress at the provider."""

    nonce: str
    """Returned inside the signed id token."""

    verifier: str
    """The secret half of PKCE."""

    browser: str
    """Cookie value of the browser that started the login."""

    next_path: str
    """Path to open after the login."""

    until: float
    """Expiry, in `time.monotonic()` seconds."""


class ProviderError(Exception):
    """The provider cannot be reached or sent an invalid response."""


def oidc_routes(
    settings: Settings, database: Database, access: Access, consents: Consents
) -> list[Route]:
    """Return `GET /login/oidc` and `GET /login/oidc/callback`; 404 while no issuer is set."""
    login = OidcLogin(settings, database, access, consents)
    return [
        Route("/login/oidc", login.start, methods=["GET"]),
        Route("/login/oidc/callback", login.callback, methods=["GET"]),
    ]


class OidcLogin:
    """OpenID Connect login of one run."""

    def __init__(
        self, settings: Settings, database: Database, access: Access, consents: Consents
    ) -> None:
        self._settings = settings
        self._consents = consents
        self._database = database
        self._access = access
        self._pending: OrderedDict[str, PendingLogin] = OrderedDict()
        self._path = f"{settings.root_path}/login/oidc"

    async def start(self, request: Request) -> Response:
        """Redirect the browser to the provider."""
        if not self._settings.oidc_issuer:
            return self._notice(404, user_messages.NO_PROVIDER)
        visit = self._visit(request)
        try:
            secure = login_session.is_secure(self._settings, visit)
            metadata = await self._metadata()
        except AccessError as error:
            return self._notice(400, str(error))
        except ProviderError as error:
            return self._notice(502, str(error))
        state, pending = self._remember(request.query_params.get("next", "/"))
        async with self._client(visit) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=state,
                nonce=pending.nonce,
                code_verifier=pending.verifier,
            )
        response = RedirectResponse(url, 303)
        # Lax: the redirect back from the provider is a cross-site navigation
        response.set_cookie(
            COOKIE, pending.browser, MINUTES * 60, path=self._path, secure=secure, httponly=True,
            samesite="lax",
        )  # fmt: skip
        return response

    async def callback(self, request: Request) -> Response:
        """Handle the redirect from the provider and log its account in."""
        pending = self._recall(request.query_params.get("state", ""))
        browser = request.cookies.get(COOKIE, "")
        if pending is None or not secrets.compare_digest(
            browser.encode(), pending.browser.encode()
        ):
            return self._notice(400, user_messages.LOGIN_TOO_SLOW)
        code = request.query_params.get("code")
        if not code:
            return self._notice(401, user_messages.LOGIN_REFUSED_BY_PROVIDER)
        visit = self._visit(request)
        try:
            claims = await self._claims(visit, code, pending)
            account = await WRITES.run(
                lambda: account_of(self._settings, self._database, claims), visit.address
            )
            token = await WRITES.run(
                lambda: login_session.begin(self._settings, self._database, account, visit, "oidc"),
                account.id,
            )
            next_path = await READS.run(
                lambda: self._consents.first_path(account, pending.next_path), account.id
            )
            response = go_on_page(self._settings, next_path)
            login_session.set_cookie(response, self._settings, visit, token)
        except ProviderError as error:
            return self._notice(502, str(error))
        except AccessError as error:
            return self._notice(403, str(error))
        except StorageError as error:
            return self._notice(503, str(error))
        response.delete_cookie(COOKIE, path=self._path, httponly=True)
        return response

    def _remember(self, next_path: str) -> tuple[str, PendingLogin]:
        pending = PendingLogin(
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            browser=secrets.token_urlsafe(32),
            next_path=safe_path(next_path),
            until=time.monotonic() + MINUTES * 60,
        )
        state = secrets.token_urlsafe(32)
        self._pending[state] = pending
        while len(self._pending) > MOST_PENDING_LOGINS:
            self._pending.popitem(last=False)
        return state, pending

    def _recall(self, state: str) -> PendingLogin | None:
        """Return a pending login, once and before its expiry; otherwise None."""
        pending = self._pending.pop(state, None)
        return pending if pending and time.monotonic() < pending.until else None

    def _visit(self, request: Request) -> Visit:
        return self._access.proxies.visit(request.scope, merge_headers(request.scope["headers"]))

    def _notice(self, status: int, message: str) -> Response:
        return notice_page(self._settings, message, status=status)

    def _client(self, visit: Visit) -> AsyncOAuth2Client:
        scheme = "https" if visit.secure else "http"
        return AsyncOAuth2Client(
            self._settings.oidc_client_id,
            self._settings.oidc_client_secret.get_secret_value(),
            redirect_uri=f"{scheme}://{visit.host.decode('latin-1')}{self._path}/callback",
            scope=SCOPES,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
        )

    async def _metadata(self) -> Mapping[str, Any]:
        issuer = self._settings.oidc_issuer.rstrip("/")
        metadata = await fetch_json(f"{issuer}/.well-known/openid-configuration")
        if str(metadata.get("issuer", "")).rstrip("/") != issuer:
            raise ProviderError(user_messages.other_issuer(metadata.get("issuer")))
        for endpoint in ENDPOINTS:
            if not isinstance(metadata.get(endpoint), str):
                raise ProviderError(user_messages.endpoint_missing(endpoint))
        return metadata

    async def _claims(self, visit: Visit, code: str, pending: PendingLogin) -> Mapping[str, Any]:
        """Return the verified claims of the id token, with names added if missing."""
        metadata = await self._metadata()
        try:
            async with self._client(visit) as client:
                token = await client.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=pending.verifier
                )
                claims = await self._check_token(metadata, token["id_token"], pending.nonce)
                if not {"preferred_username", "email"} & claims.keys():
                    claims = await self._add_names(client, metadata, claims)
        except (*UNREACHABLE, AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            raise ProviderError(user_messages.LOGIN_RESPONSE_INVALID) from error
        return claims

    async def _check_token(
        self, metadata: Mapping[str, Any], id_token: str, nonce: str
    ) -> dict[str, Any]:
        keys = KeySet.import_key_set(await fetch_json(metadata["jwks_uri"]))  # type: ignore[arg-type]
        claims = jwt.decode(id_token, keys, algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True, "value": metadata["issuer"]},
            aud={"essential": True, "value": self._settings.oidc_client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
        return claims

    async def _add_names(
        self, client: AsyncOAuth2Client, metadata: Mapping[str, Any], claims: dict[str, Any]
    ) -> dict[str, Any]:
        if "userinfo_endpoint" not in metadata:
            return claims
        answer = (await client.get(metadata["userinfo_endpoint"])).raise_for_status().json()
        if not isinstance(answer, dict):
            raise ProviderError(user_messages.USER_INFORMATION_INVALID)
        return {**answer, **claims} if answer.get("sub") == claims["sub"] else claims


async def fetch_json(url: str) -> dict[str, Any]:
    """Fetch a JSON object from the provider; raises `ProviderError`."""
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            answer = (await client.get(url)).raise_for_status().json()
    except (*UNREACHABLE, ValueError) as error:
        raise ProviderError(user_messages.PROVIDER_UNREACHABLE) from error
    if not isinstance(answer, dict):
        raise ProviderError(user_messages.PROVIDER_RESPONSE_INVALID)
    return answer

"""Login through a real OpenID provider that runs beside the tests."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask
import httpx
import pytest
import werkzeug.serving

from tests.pathviewer.auth.small_site import Site, site

os.environ.setdefault("AUTHLIB_INSECURE_TRANSPORT", "1")  # the provider of the tests has no TLS
import oidc_provider_mock


@dataclass
class Provider:
    """A running provider that insists on PKCE."""

    issuer: str
    """Its address."""

    challenges: list[str] = field(default_factory=list)
    """Code challenges it was sent."""

    verified: list[bool] = field(default_factory=list)
    """Whether each code verifier belonged to the challenge before it."""

    userinfo: str = ""
    """What it answers when asked for more on a user; empty leaves that to the mock."""

    def set_user(self, subject: str, **claims: object) -> None:
        """Make a person known to it."""
        httpx.put(f"{self.issuer}/users/{subject}", json=claims).raise_for_status()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """A WSGI app on a free port; its URL."""
    server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def saying(body: str) -> flask.Flask:
    """A server whose discovery document is that text; URL in it stands for its own address."""
    app = flask.Flask("saying")
    app.add_url_rule(
        "/.well-known/openid-configuration",
        view_func=lambda: body.replace("URL", flask.request.host_url.rstrip("/")),
    )
    return app


@pytest.fixture
def provider() -> Iterator[Provider]:
    app: flask.Flask = oidc_provider_mock.app(require_nonce=True)
    made = Provider("")

    @app.before_request
    def watch() -> flask.Response | None:
        if flask.request.path == "/userinfo" and made.userinfo:
            return flask.Response(made.userinfo, mimetype="application/json")
        if flask.request.path == "/oauth2/authorize":
            assert flask.request.args["code_challenge_method"] == "S256"
            made.challenges.append(flask.request.args["code_challenge"])
        if flask.request.path == "/oauth2/token":
            digest = hashlib.sha256(flask.request.form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            made.verified.append(challenge in made.challenges[-1:])
            if flask.request.form["code"] == "break":
                flask.abort(500)
        return None

    with serving(app) as made.issuer:
        yield made


@contextmanager
def joined(data: Path, provider: Provider, **settings: Any) -> Iterator[Site]:
    with site(
        data,
        oidc_issuer=provider.issuer,
        oidc_client_id="pathviewer",
        oidc_client_secret="between us",
        **settings,
    ) as running:
        yield running


def back_from(provider_url: str, subject: str = "42") -> str:
    """Log in at the provider; the URL that it sends the browser back to."""
    answer = httpx.post(provider_url, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def start(running: Site, next_path: str = "/") -> str:
    answer = running.client.get("/login/oidc", params={"next": next_path}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def log_in(running: Site, subject: str = "42", next_path: str = "/") -> Any:
    return running.client.get(back_from(start(running, next_path), subject))


def test_a_person_of_the_provider_logs_in_with_pkce_and_nonce(
    tmp_path: Path, provider: Provider
) -> None:
    provider.set_user("42", preferred_username="Ada.Lovelace")
    with joined(tmp_path, provider) as running:
        assert running.who() == 401  # an issuer alone closes the site
        assert "/login/oidc?next=/" in running.client.get("/login").text
        answer = log_in(running, next_path="/?slide=1")
        assert answer.status_code == 200
        assert 'content="0;url=/?slide=1"' in answer.text
        assert running.client.get("/who").json()["role"] == "viewer"
        assert running.who() == "ada.lovelace"
        assert provider.verified == [True]
        actions = [(entry.action, entry.detail.get("way")) for entry in running.audit()]
    assert actions == [("account_added", None), ("login", "oidc")]


def test_the_next_login_is_the_same_account_whatever_the_name_became(
    tmp_path: Path, provider: Provider
) -> None:
    provider.set_user("42", preferred_username="ada")
    with joined(tmp_path, provider, oidc_default_role="clinician") as running:
        log_in(running)
        first = running.client.get("/who").json()
        provider.set_user("42", preferred_username="ada.king")
        log_in(running)
        assert running.client.get("/who").json() == first


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "ada"}, "ada-2"),  # a local ada is somebody else
        ({"preferred_username": "local"}, "local-2"),
        ({"preferred_username": "Ada Lovelace"}, "ada-lovelace"),
        ({"email": "Ada@Hospital.example"}, "ada@hospital.example"),
        ({"preferred_username": "éé"}, "user"),
        ({"preferred_username": "x" * 200}, "x" * 56),
        ({}, "42"),
    ],
)
def test_a_person_never_takes_over_a_local_account(
    tmp_path: Path, provider: Provider, claims: dict[str, object], name: str
) -> None:
    provider.set_user("42", **claims)
    with joined(tmp_path, provider) as running:
        running.add("ada", "admin")
        log_in(running)
        answer = running.client.get("/who").json()
    assert (answer["name"], answer["role"]) == (name, "viewer")


def test_a_disabled_account_stays_out(tmp_path: Path, provider: Provider) -> None:
    with joined(tmp_path, provider) as running:
        log_in(running)
        with running.database.session() as session:
            session.connection().exec_driver_sql("UPDATE accounts SET disabled = 1")
        running.client.cookies.clear()
        answer = log_in(running)
        assert answer.status_code == 403
        assert "is disabled" in answer.text
        running.access.forget()
        assert running.who() == 401


def test_a_way_back_that_another_browser_began_is_refused(
    tmp_path: Path, provider: Provider
) -> None:
    with joined(tmp_path, provider) as running:
        back = back_from(start(running))
        running.client.cookies.clear()
        answer = running.client.get(back)
        assert answer.status_code == 400
        assert "started elsewhere" in answer.text
        assert running.who() == 401


def test_a_way_back_works_once(tmp_path: Path, provider: Provider) -> None:
    with joined(tmp_path, provider) as running:
        back = back_from(start(running))
        assert running.client.get(back).status_code == 200
        assert running.client.get(back).status_code == 400


@pytest.mark.parametrize("query", ["", "?state=x&code=y", "?code=y", "?state=%00&code=%ff"])
def test_a_way_back_from_nowhere_is_refused(tmp_path: Path, provider: Provider, query: str) -> None:
    with joined(tmp_path, provider) as running:
        assert running.client.get(f"/login/oidc/callback{query}").status_code == 400


def test_a_person_who_declines_is_told_so(tmp_path: Path, provider: Provider) -> None:
    with joined(tmp_path, provider) as running:
        state = httpx.URL(start(running)).params["state"]
        answer = running.client.get(f"/login/oidc/callback?state={state}&error=access_denied")
    assert answer.status_code == 401
    assert "did not log you in" in answer.text


@pytest.mark.parametrize("code", ["made-up", "break"])
def test_a_code_the_provider_rejects_or_breaks_on_is_refused(
    tmp_path: Path, provider: Provider, code: str
) -> None:
    with joined(tmp_path, provider) as running:
        state = httpx.URL(start(running)).params["state"]
        answer = running.client.get(f"/login/oidc/callback?state={state}&code={code}")
        assert answer.status_code == 502
        assert running.who() == 401


def test_an_id_token_for_another_login_is_refused(tmp_path: Path, provider: Provider) -> None:
    with joined(tmp_path, provider) as running:
        url = httpx.URL(start(running))
        back = back_from(str(url.copy_set_param("nonce", "another")))
        assert running.client.get(back).status_code == 502
        assert running.who() == 401


@pytest.mark.parametrize("answer", ["[]", '"ada"', "5", "null", "not json"])
def test_odd_news_of_a_user_are_a_sentence(tmp_path: Path, provider: Provider, answer: str) -> None:
    provider.set_user("42")  # the id token has no name in it, so the user is asked for
    provider.userinfo = answer
    with joined(tmp_path, provider) as running:
        assert log_in(running).status_code == 502
        assert running.who() == 401


def test_an_issuer_under_another_name_is_refused(tmp_path: Path) -> None:
    with serving(saying('{"issuer": "https://login.example"}')) as url:  # noqa: SIM117
        with joined(tmp_path, Provider(url)) as running:
            answer = running.client.get("/login/oidc")
    assert answer.status_code == 502
    assert "PATHVIEWER_OIDC_ISSUER" in answer.text


@pytest.mark.parametrize("body", ["not json", "[]", '{"issuer": 5}', '{"issuer": "URL"}'])
def test_a_provider_that_talks_nonsense_is_a_sentence(tmp_path: Path, body: str) -> None:
    with serving(saying(body)) as url, joined(tmp_path, Provider(url)) as running:
        answer = running.client.get("/login/oidc")
    assert answer.status_code == 502
    assert "The OpenID provider" in answer.text


def test_a_provider_that_is_down_is_a_sentence_and_passwords_still_work(tmp_path: Path) -> None:
    with joined(tmp_path, Provider("http://127.0.0.1:9")) as running:
        answer = running.client.get("/login/oidc")
        assert answer.status_code == 502
        assert "cannot be reached" in answer.text
        running.add()
        assert running.log_in().status_code == 303


def test_without_an_issuer_there_is_no_such_login(tmp_path: Path) -> None:
    with site(tmp_path) as running:
        assert running.client.get("/login/oidc").status_code == 404
        assert "/login/oidc" not in running.client.get("/login").text


def test_under_a_sub_path_behind_tls_the_way_back_is_the_public_one(
    tmp_path: Path, provider: Provider
) -> None:
    with joined(
        tmp_path,
        provider,
        root_path="/viewer",
        allowed_hosts=("viewer.example",),
        trusted_proxies=("127.0.0.1",),
    ) as running:
        running.client.headers["x-forwarded-proto"] = "https"
        running.client.headers["x-forwarded-host"] = "viewer.example"
        answer = running.client.get("/login/oidc", follow_redirects=False)
    back = httpx.URL(answer.headers["location"]).params["redirect_uri"]
    assert back == "https://viewer.example/viewer/login/oidc/callback"
    cookie = answer.headers["set-cookie"].lower()
    for part in ("secure", "httponly", "samesite=lax", "path=/viewer/login/oidc"):
        assert part in cookie

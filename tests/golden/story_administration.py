"""Pages, logins, insights, exports, the audit log; and every route asked by every role."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

from tests.golden.exports import files_of_export
from tests.golden.recorder import Recorder
from tests.golden.site import PASSWORD

SECONDS = 60.0
UNRECORDED_HEADERS = {"date", "content-length", "server"}


def tell_service(recorder: Recorder) -> None:
    """Health, the own account, metrics, pages, and a login in a browser."""
    ask = recorder.ask
    ask("service: health", "", "GET", "/api/health", 200)
    for account in ("", "ada", "eve", "rex", "vic"):
        ask(
            f"service: me as {account or 'a stranger'}",
            account,
            "GET",
            "/api/me",
            200 if account else 401,
        )
    ask("service: metrics", "eve", "GET", "/api/metrics", 200)
    ask("service: metrics as a stranger", "", "GET", "/api/metrics", 401)
    for path in ("/", "/compare"):
        answer = recorder.clients["eve"].get(path, timeout=SECONDS)
        headers = {name: answer.headers[name] for name in {*answer.headers} - UNRECORDED_HEADERS}
        recorder.note(f"service: all headers of {path}", headers)
    ask("service: style of the page", "eve", "GET", "/ui/core/page.css", 200)
    for page in ("compare", "insights", "export"):
        ask(f"service: page {page}", "rex", "GET", f"/{page}", 200)
        ask(f"service: page {page} as a stranger", "", "GET", f"/{page}", 401)
    ask("service: no such page", "eve", "GET", "/api/nothing", 404)
    tell_login(recorder)


def tell_login(recorder: Recorder) -> None:
    """A login with a password, and its end."""
    ask, client = recorder.ask, recorder.clients[""]
    client.headers["Origin"] = str(client.base_url).rstrip("/")
    ask("service: login page", "", "GET", "/login?next=/insights", 200)
    ask("service: login style", "", "GET", "/login.css", 200)
    for step, status, form in (
        ("log in with a wrong password", 401, {"name": "ada", "password": "wrong"}),
        ("log in", 303, {"name": "Ada", "password": PASSWORD, "next": "/insights"}),
    ):
        ask(f"service: {step}", "", "POST", "/login", status, data=form)
    ask("service: me by cookie", "", "GET", "/api/me", 200)
    ask("service: login page when logged in", "", "GET", "/login", 303)
    ask("service: log out", "", "POST", "/logout", 303)
    ask("service: me after logging out", "", "GET", "/api/me", 401)
    bob = {"name": "bob", "password": PASSWORD}
    ask("service: log in and stay", "", "POST", "/login", 303, data=bob)
    client.cookies.clear()


def tell_insights(recorder: Recorder, slide: str) -> None:
    """All charts with their numbers, filtered and as CSV; the map of a slide."""
    ask = recorder.ask
    insights = ask("insights: all", "rex", "GET", "/api/insights", 200).json()
    ask("insights: all as an administrator", "eve", "GET", "/api/insights?votes=blind", 200)
    ask("insights: of no rater", "eve", "GET", "/api/insights?rater=none", 400)
    ask("insights: odd filter", "rex", "GET", "/api/insights?colour=red", 400)
    ask("insights: all as a rater", "bob", "GET", "/api/insights", 403)
    for name in (chart["name"] for chart in insights["charts"]):
        ask(f"insights: {name}", "eve", "GET", f"/api/insights/{name}.csv", 200)
    ask("insights: no chart", "rex", "GET", "/api/insights/none.csv", 404)
    ask("slides: map", "ada", "GET", f"/api/slides/{slide}/map", 200)
    ask("slides: map as a researcher", "rex", "GET", f"/api/slides/{slide}/map", 200)
    ask("slides: map as a viewer", "vic", "GET", f"/api/slides/{slide}/map", 403)


def tell_exports(recorder: Recorder, folder: Path) -> dict[str, str]:
    """An export of each format, one that fails, one that is refused; the files of the good ones."""
    ask = recorder.ask
    files: dict[str, str] = {}
    choices = ask("exports: choices", "eve", "GET", "/api/exports/choices", 200).json()
    ask("exports: choices as a rater", "bob", "GET", "/api/exports/choices", 403)
    for format_ in choices["formats"]:
        name = format_["name"]
        body = {"format": name, "splits": "1,0,0", "comments": True}
        job = finish_export(recorder, name, body)
        path = f"/api/exports/{job['id']}"
        assert job["state"] == "done", job
        archive = ask(f"exports: archive {name}", "eve", "GET", f"{path}.zip", 200)
        with zipfile.ZipFile(io.BytesIO(archive.content)) as packed:
            packed.extractall(folder / name)
        files |= files_of_export(folder / name, recorder.volatile)
    by_majority = {"format": "unpaired", "rule": "majority", "since": "2020-01-01", "zone": "UTC"}
    finish_export(recorder, "majority", by_majority | {"models": ["scripted"]})
    finish_export(recorder, "nothing", {"format": "preference", "until": "2020-01-01"})
    ask("exports: no format", "eve", "POST", "/api/exports", 400, json={"format": "none"})
    ask("exports: as a rater", "bob", "POST", "/api/exports", 403, json={})
    ask("exports: list", "eve", "GET", "/api/exports", 200)
    ask("exports: list of another", "rex", "GET", "/api/exports", 200)
    ask("exports: list as a rater", "bob", "GET", "/api/exports", 403)
    ask("exports: another's", "rex", "GET", path, 404)
    ask("exports: another's archive", "rex", "GET", f"{path}.zip", 404)
    return files


def finish_export(recorder: Recorder, step: str, body: dict[str, Any]) -> dict[str, Any]:
    """Begin an export and wait for its end; how it ended."""
    answer = recorder.ask(f"exports: begin {step}", "eve", "POST", "/api/exports", 202, json=body)
    recorder.records["exports"][-1]["body"] = "<how far it is at this moment>"
    path, until = f"/api/exports/{answer.json()['id']}", time.monotonic() + SECONDS
    while recorder.clients["eve"].get(path).json()["state"] == "running":
        assert time.monotonic() < until, path
        time.sleep(0.02)
    ended: dict[str, Any] = recorder.ask(f"exports: end of {step}", "eve", "GET", path, 200).json()
    return ended


def tell_roles(recorder: Recorder) -> None:
    """Every route asked with nothing: what a stranger, a viewer and a rater are told."""
    outcomes = {}
    for name, method, path in recorder.routes.samples():
        outcomes[name] = {
            who: outcome(recorder, account, method, path)
            for who, account in (("stranger", ""), ("viewer", "vic"), ("rater", "cyd"))
        }
    recorder.note("roles: every route with nothing sent", outcomes)


def outcome(recorder: Recorder, account: str, method: str, path: str) -> str:
    """Status and error of a request."""
    body: Any = {} if method in ("POST", "PATCH", "PUT") else None
    answer = recorder.clients[account].request(method, path, json=body)
    if answer.status_code < 400:
        return str(answer.status_code)
    recorder.routes.note(method, path, good=False)
    if not answer.content or not answer.headers["content-type"].endswith("json"):
        return f"{answer.status_code} {answer.headers.get('content-type')}"
    error = answer.json()["error"]
    return f"{answer.status_code} {error['code']}: {error['message']}"


def tell_endpoints(recorder: Recorder) -> None:
    """Names and parameters of the named endpoints for scripts."""
    info = recorder.clients["eve"].get("/gradio_api/info", timeout=60).raise_for_status().json()
    parameters = {
        name: [
            {
                "name": parameter["parameter_name"],
                "type": json.dumps(parameter["type"].get("type"), sort_keys=True),
                "default": parameter.get("parameter_default"),
            }
            for parameter in endpoint["parameters"]
        ]
        for name, endpoint in info["named_endpoints"].items()
    }
    recorder.note("endpoints: parameters", parameters)


def tell_audit(recorder: Recorder) -> None:
    """The audit log, and who may not read it."""
    recorder.ask("audit: beginning", "eve", "GET", "/api/audit?limit=20", 200)
    recorder.ask("audit: after the end", "eve", "GET", "/api/audit?after=99999", 200)
    recorder.ask("audit: as a researcher", "rex", "GET", "/api/audit", 403)

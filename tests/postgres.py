"""A PostgreSQL server of the tests' own, or the one at PATHVIEWER_TEST_POSTGRES."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

START_SECONDS = 30
UNPRIVILEGED = ("postgres", "nobody")
"""Who runs the server where root runs the tests: PostgreSQL refuses root."""
OPTIONS = (
    "listen_addresses=",  # a socket in its own folder: no port to be taken
    "fsync=off",  # what is tested is SQL; SQLite's tests see to it that files outlive a kill
    "max_connections=100",
)


@dataclass(frozen=True)
class Postgres:
    """A server on which databases may be made."""

    url: URL
    """Of one of its databases, for an account that may make others."""

    @contextmanager
    def database(self, like: str = "template1") -> Iterator[str]:
        """The address of a new database, dropped in the end: empty, or as another one is."""
        name = f"pathviewer_test_{uuid.uuid4().hex}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        try:
            yield self.url.set(database=name).render_as_string(hide_password=False)
        finally:
            self.run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def run(self, statement: str) -> None:
        """Run one statement outside a transaction."""
        address = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """The server that PATHVIEWER_TEST_POSTGRES names, else one started for the tests."""
    named = os.environ.get("PATHVIEWER_TEST_POSTGRES")
    if named:
        yield Postgres(make_url(named).set(drivername="postgresql+psycopg"))
        return
    folder = Path(tempfile.mkdtemp(prefix="pathviewer-postgres-"))
    user = unprivileged()
    if user is not None:
        shutil.chown(folder, user)
    try:
        with started(folder, user):
            account = user or pwd.getpwuid(os.getuid()).pw_name
            query = {"host": str(folder)}
            yield Postgres(
                URL.create("postgresql+psycopg", account, database="postgres", query=query)
            )
    finally:
        shutil.rmtree(folder)


def unprivileged() -> str | None:
    """Whose rights the server gets; None for those of whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name for account in pwd.getpwall()}
    return next(name for name in UNPRIVILEGED if name in known)


@contextmanager
def started(folder: Path, user: str | None) -> Iterator[None]:
    """A new cluster in the folder, its server up."""
    cluster = folder / "cluster"
    make: list[str | Path] = [program("initdb"), "-D", cluster]
    make += ["--auth=trust", "--encoding=UTF8", "--no-sync"]
    subprocess.run(make, cwd=folder, user=user, check=True, capture_output=True)
    command: list[str | Path] = [program("postgres"), "-D", cluster, "-k", folder]
    for option in OPTIONS:
        command += ["-c", option]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [str(word) for word in command], cwd=folder, user=user, stdout=log, stderr=log
        )
    try:
        wait_until_up(folder, server)
        yield
    finally:
        server.send_signal(signal.SIGINT)  # do not wait for connections that are still open
        server.wait(START_SECONDS)


def wait_until_up(folder: Path, server: subprocess.Popen[bytes]) -> None:
    """Until the server takes connections."""
    until = time.monotonic() + START_SECONDS
    ask = [program("pg_isready"), "-q", "-h", str(folder)]
    while subprocess.run(ask, check=False).returncode:
        if server.poll() is not None or time.monotonic() > until:
            message = f"PostgreSQL did not start: {(folder / 'log').read_text()}"
            raise RuntimeError(message)
        time.sleep(0.05)


def program(name: str) -> str:
    """Where a program of PostgreSQL's is; Debian keeps them out of PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(map(str, places[::-1])))
    if found is None:
        message = f"{name} of PostgreSQL is missing: python3 tests/run.py installs it."
        raise RuntimeError(message)
    return found

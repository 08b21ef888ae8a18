"""The installation of the scenario: slides, accounts, worklists, made as a user makes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from pathviewer.commands.main import app
from pathviewer.server.application import Services, build_app, open_services
from pathviewer.server.connections import ConnectionLimits
from pathviewer.settings import Settings
from pathviewer.slides.phantom import write_phantom
from tests.commands import called
from tests.databases import lay_database
from tests.golden.volatile import Volatile
from tests.icc_profiles import matrix_profile
from tests.library_app import write_slide
from tests.servers import serving
from tests.slide_files import tissue
from tests.slide_profiles import write_profiled

SCRIPTS = Path(__file__).parent / "scripts"
ROLES = {
    "ada": "clinician",
    "bob": "clinician",
    "cyd": "clinician",
    "rex": "researcher",
    "eve": "admin",
    "vic": "viewer",
}
SLIDES = 4
"""Slides that `add_slides` makes; a further file is none."""
PASSWORD = "correct horse battery"


@dataclass
class Site:
    """Folders, settings and tokens of one recording."""

    folder: Path
    """Everything is in it."""
    volatile: Volatile
    """Names of what differs between runs."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Bearer token of each account."""
    printed: list[str] = field(default_factory=list)
    """What commands printed."""

    def command(self, *arguments: str, code: int = 0, typed: str = "") -> str:
        """Call a command and record what it prints."""
        done = called(app, *arguments, typed=typed)
        assert done.code == code, (arguments, done)
        self.volatile.step = " ".join(arguments[:2])
        lines = [f"$ pathviewer {' '.join(arguments)}", done.stdout.rstrip(), done.stderr.rstrip()]
        self.printed.append("\n".join(self.volatile.text(line) for line in lines if line))
        return done.stdout

    def path(self, name: str, text: str) -> str:
        """The path of a new file in the folder."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


@contextmanager
def environment(folder: Path, data: str = "state") -> Iterator[None]:
    """The settings of the site, as environment variables."""
    settings = {
        "DATA": folder / data,
        "SLIDES": folder / "slides",
        "LABEL_LICENCE": "cc-by-4.0",
        "SHOW_ASSOCIATED_IMAGES": "1",
        "WASHOUT_DAYS": "0",
        "READERS": "2",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(f"PATHVIEWER_{name}", str(value))
        yield


def add_slides(folder: Path, cmu: Path) -> None:
    """A phantom, a scan with a label, one with a colour profile, one of no scale, and no slide."""
    slides = folder / "slides"
    slides.mkdir()
    write_phantom(slides / "a.tiff", width=2000, height=2000, seed=7)
    (slides / "a.json").unlink(missing_ok=True)
    shutil.copyfile(cmu, slides / "b.svs")
    write_profiled(slides / "c.tiff", tissue(300, 200), matrix_profile("Scanner"))
    write_slide(slides / "d.tiff", seed=3)
    (slides / "broken.svs").write_text("no slide")


def add_accounts(site: Site) -> None:
    """Accounts of every role and their tokens; one that is shut again."""
    typed = f"{PASSWORD}\n"
    for name, role in ROLES.items():
        judges = "--no-rater" if name == "eve" else "--rater"
        adding = "user", "add", name, "--role", role, judges, "--password-stdin"
        site.command(*adding, typed=typed)
        token = called(
            app, "user", "token", name, "--label", "golden", "--days", "1"
        ).stdout.strip()
        site.tokens[name] = token
        site.volatile.add_word(token, f"<token of {name}>")
    site.command("user", "add", "ada", "--role", "viewer", "--password-stdin", code=1, typed=typed)
    site.command("user", "role", "vic", "viewer")
    site.command("user", "disable", "vic")
    site.command("user", "enable", "vic")
    token = called(app, "user", "token", "vic", "--label", "golden").stdout.strip()
    site.tokens["vic"] = token
    site.volatile.add_word(token, "<token of vic>")


def add_cases(site: Site) -> None:
    """Two cases, one of two slides; a table that says the same once more is refused."""
    table = site.path(
        "cases.csv",
        "case,slide,organ,specimen,stain,scanner,reference answer,source\n"
        "S-1,a.tiff,lung,biopsy,H&E,,tumour,sign-out\nS-1,b.svs,lung,,H&E,,,\nS-2,d.tiff,skin,,,,,\n",
    )
    site.command("cases", "import", table)
    site.command("cases", "import", table, code=1)
    site.command("cases", "list")


def add_worklists(site: Site) -> None:
    """A blind list, a teaching list, and pairs of two models' answers."""
    question = {"slide": "a.tiff", "question": "How cellular is it?", "options": ["low", "high"]}
    rows = [question | {"box": [280 * n, 0, 240, 240], "answer": "low"} for n in range(3)]
    text = "\n".join(map(json.dumps, rows))
    site.command("worklist", "import", site.path("blind.jsonl", text), "--repeats", "1")
    teaching = "worklist", "import", site.path("teach.jsonl", text), "--name", "teaching"
    site.command(*teaching, "--no-blind", "--teaching", "--overlap", "0", "--repeats", "0")
    pairs = site.path("pairs.jsonl", "\n".join(json.dumps(row) for row in rows[:2]))
    site.command("worklist", "import", pairs, "--no-blind", "--repeats", "1")
    fast, other = (f"scripted:{SCRIPTS / name}.toml" for name in ("fast", "other"))
    for name in ("blind", "teaching"):
        site.command("worklist", "generate", name, "--model", fast)
    for model in (fast, other):
        generate = "worklist", "generate", "pairs", "--model", model, "--beside"
        site.command(*generate, "--samples", "2", "--seed", "1")
    drawing = (
        "worklist",
        "pairs",
        "pairs",
        "--plan",
        "between-models",
        "--count",
        "4",
        "--seed",
        "1",
    )
    site.command(*drawing)
    site.command(*drawing, code=1)
    site.command("worklist", "list")


@contextmanager
def server(site: Site, script: str) -> Iterator[tuple[Services, dict[str, httpx.Client]]]:
    """The running application with a script's answers, and a client of each account."""
    settings = Settings(model=f"scripted:{SCRIPTS / script}.toml", port=0)
    lay_database(settings.database)
    services = open_services(settings)
    limits = ConnectionLimits.from_settings(settings)
    with serving(build_app(services), 0, limits) as base, ExitStack() as stack:
        site.volatile.add_word(base, "<server>")
        site.volatile.add_word(base.removeprefix("http://"), "<server>")
        keys: dict[str, dict[str, str]] = {"": {}}
        for name, token in site.tokens.items():
            keys[name] = {"Authorization": f"Bearer {token}"}
        yield (
            services,
            {
                name: stack.enter_context(httpx.Client(base_url=base, headers=headers))
                for name, headers in keys.items()
            },
        )

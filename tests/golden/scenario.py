"""Fill an installation with everything the product knows, and record what it answers."""

from __future__ import annotations

import platform
from pathlib import Path

from pathviewer import __version__
from pathviewer.commands.main import app
from pathviewer.server.application import build_routes
from pathviewer.settings import Settings
from tests.commands import called
from tests.databases import lay_database
from tests.golden import site as sites
from tests.golden import story_administration as administration
from tests.golden import story_feedback as feedback
from tests.golden import story_questions as questions
from tests.golden import story_slides as slides
from tests.golden import story_worklists as worklists
from tests.golden.commands import help_pages
from tests.golden.database_dump import dump_database
from tests.golden.exports import files_of_backup
from tests.golden.recorder import Recorder
from tests.golden.renames import read_renames
from tests.golden.routes import routes_of
from tests.golden.site import Site
from tests.golden.steady import steady_defaults
from tests.golden.story_judge import judge_traces
from tests.golden.volatile import Volatile


def record(folder: Path, cmu: Path) -> tuple[dict[str, str], list[str]]:
    """The golden files by name, and what is wrong with them; `cmu` is a scan's path."""
    renames = read_renames()
    with steady_defaults(renames) as ids, sites.environment(folder):
        words = {str(folder): "<folder>", f"{platform.node()} 127.0.0.1": "<host>"}
        words |= {str(sites.SCRIPTS): "<scripts>", f"pathviewer {__version__}": "<program>"}
        volatile = Volatile(ids.names, words)
        site = Site(folder, volatile)
        lay_database(Settings().database)
        sites.add_slides(folder, cmu)
        sites.add_accounts(site)
        sites.add_cases(site)
        sites.add_worklists(site)
        files, gaps = record_servers(site)
        files |= finish(site)
        files |= dump_database(Settings().database, volatile, renames)
    return files | help_pages(), gaps


def record_servers(site: Site) -> tuple[dict[str, str], list[str]]:
    """Two runs of the server: one with slow answers, closed amid one, and one with fast ones."""
    with sites.server(site, "slow") as (services, clients):
        recorder = Recorder(clients, site.volatile, routes_of(build_routes(services)))
        questions.wait_until_ready(services, clients["ada"], sites.SLIDES)
        slide_ids = list(slides.slide_ids(recorder).values())
        slow_ids = questions.tell_slow_questions(recorder, services, slide_ids[0])
    with sites.server(site, "fast") as (services, clients):
        recorder.clients = clients
        questions.wait_until_ready(services, clients["ada"], sites.SLIDES)
        questions.tell_ended_questions(recorder, slow_ids)
        slides.tell_slides(recorder, slide_ids)
        slides.tell_regions(recorder, slide_ids[0])
        slides.tell_uploads(recorder, site.folder)
        reading_ids = questions.tell_questions(recorder, services, slide_ids[0])
        questions.tell_answers(recorder, reading_ids)
        feedback.tell_consent(recorder)
        feedback.tell_feedback(recorder, reading_ids)
        lists = worklists.tell_worklists(recorder)
        asking = questions.Questions(recorder, services)
        worklists.tell_comparisons(recorder, asking, lists, slide_ids[0])
        administration.tell_insights(recorder, slide_ids[0])
        files = administration.tell_exports(recorder, site.folder)
        administration.tell_service(recorder)
        administration.tell_endpoints(recorder)
        administration.tell_audit(recorder)
        administration.tell_roles(recorder)
    return files | recorder.files(), recorder.problems + recorder.routes.gaps()


def finish(site: Site) -> dict[str, str]:
    """Commands on the filled database: exports checked, a backup restored, a case withdrawn."""
    folder = site.folder
    site.command("check-export", str(folder / "unpaired" / "export"))
    judge_traces(site)
    site.command("backup", "--out", str(folder / "backup"), "--uploads")
    files = files_of_backup(folder / "backup", site.volatile)
    site.command("restore", "--check", str(folder / "backup"))
    site.command("user", "retire", "cyd")
    site.command("user", "list")
    tokens = called(app, "user", "list").stdout
    (token,) = [line.split()[1] for line in tokens.splitlines() if "token" in line][-1:]
    site.command("user", "revoke", token)
    site.command("withdraw", "--case", "S-2", "--yes")
    site.command("withdraw", "--case", "S-9", "--yes", code=1)
    site.command("audit")
    return files | {"commands/printed.txt": "\n\n".join(site.printed) + "\n"}

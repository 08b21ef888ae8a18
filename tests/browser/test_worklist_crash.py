"""The server is killed while raters are halfway through: all of it is there afterwards."""

from __future__ import annotations

import json
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Route, expect
from sqlalchemy import select

from pathviewer.bench.chromium import FLAGS, find_chromium
from pathviewer.bench.server_process import ServerProcess, running_servers
from storage.database import open_database
from storage.tables import Account, Feedback
from tests.browser.conftest import PATIENCE
from tests.browser.logins import add_clinician, log_in, log_out
from tests.browser.readings import SAVED, judgment, scripted_settings, state
from tests.browser.test_compare import open_list, wait
from tests.browser.viewer_page import ViewerPage
from tests.browser.worklists import OPTIONS, choose, command, foot, rater, wait_item

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from pathviewer.settings import Settings

RATERS = ("ada", "bob", "dan", "eve", "fay", "gil", "hal")
ANSWERS = """
seconds_per_token = 0.0
[[answer]]
texts = ["<think>Step 1: Nuclei in rows.\\nStep 2: No keratin.</think><answer>B</answer>",
  "<think>Step 1: Nuclei in nests.\\nStep 2: Some keratin.</think><answer>A</answer>"]
"""
TWO = ("--samples", "2")
KEPT = re.compile("Kept in this browser, sent again by itself")
STANDING = """() => {
  const { store } = window.PathViewer;
  const [item, worklist, completion, draft, judged] = ["item", "worklist", "completion", "draft",
    "judged"].map((name) => store.get(name));
  const form = document.querySelector(".pv-first");
  const checked = [...(form?.querySelectorAll("[aria-checked='true']") ?? [])];
  return {
    item, completion, draft, progress: worklist.progress, known: judged?.known,
    history: judged?.history, open: store.get("reading").completions.map(({ text }) => text),
    typed: form?.querySelector("input")?.value, chosen: checked.map((node) => node.textContent),
  };
}"""
"""Where a rater of a list stands: item, progress, what is stored and what is only begun."""
PAIR = """() => ["comparison", "ballot"].map((name) => window.PathViewer.store.get(name))"""
"""Where a rater of pairs stands: the pair with its sides and progress, and the vote begun."""


def write_list(folder: Path, name: str, *options: str, items: int = 2, **fields: Any) -> None:
    """A list about the slide, with two answers to each item."""
    row = {"slide": "phantom", "question": "Which tumour is it?"} | fields
    rows = [row | {"box": [300 + 200 * place, 400, 280, 240]} for place in range(items)]
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    command("worklist", "import", str(path), *options)
    command("worklist", "generate", name, "--model", f"scripted:{folder}/script.toml", *TWO)


@dataclass(frozen=True)
class Site:
    """A server that can be killed, and what it runs with."""

    server: ServerProcess
    """`python -m pathviewer serve` in processes of its own."""
    settings: Settings
    """Its data and slides."""

    @property
    def base(self) -> str:
        """Base URL, the same after a restart."""
        return self.server.base


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, assets: Path, small_phantom: Path
) -> Iterator[Site]:
    """A blind list whose answers are typed, one whose answers are chosen, and one of pairs."""
    folder = tmp_path_factory.mktemp("crash")
    settings = scripted_settings(folder, assets, small_phantom, ANSWERS)
    for name in RATERS:
        add_clinician(settings, name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATHVIEWER_DATA", str(settings.data))
        patch.setenv("PATHVIEWER_SLIDES", str(settings.slides[0]))
        write_list(folder, "typed", "--repeats", "0")
        write_list(folder, "chosen", "--repeats", "1", items=1, options=OPTIONS)
        write_list(folder, "pairs", "--repeats", "0", "--no-blind", options=OPTIONS)
        command("worklist", "pairs", "pairs", "--count", "2")
    server = ServerProcess(
        settings.data,
        settings.slides[0],
        "none",
        environment={"PATHVIEWER_WASHOUT_DAYS": "0"},
    )
    with running_servers(server):
        yield Site(server, settings)


@contextmanager
def pairs_rater(browser: Browser, base: str, name: str) -> Iterator[Page]:
    """A rater with a pair of the list, in a browser of their own."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    open_list(page, base, name)
    yield page
    context.close()


@contextmanager
def own_browser(browser: Browser, profile: Path) -> Iterator[Page]:
    """A page of a browser whose cookies and storage outlast it."""
    context = browser.browser_type.launch_persistent_context(
        profile,
        executable_path=find_chromium(),
        args=[*FLAGS],
        viewport={"width": 1440, "height": 900},
    )
    context.set_default_timeout(PATIENCE)
    yield context.pages[0]
    context.close()


def type_own(page: Page, answer: str) -> None:
    """Type an own answer and choose how sure, not kept yet."""
    form = page.get_by_role("form", name="Your own answer")
    form.get_by_label("Your answer").fill(answer)
    form.get_by_role("radio", name="4").click()


def begin(page: Page) -> None:
    """Take an item and store an own answer."""
    choose(page, "typed")
    type_own(page, "Some tumour")
    keep_own(page)


def keep_own(page: Page) -> None:
    """Freeze what stands in the form, and see the model's answer."""
    page.get_by_role("button", name="Keep my answer").click()
    wait_told(page)


def wait_told(page: Page) -> None:
    """Until the page knows what is stored about the answer on the screen."""
    page.wait_for_function("window.PathViewer?.store.get('judged')?.loaded")


def draft(page: Page) -> None:
    """Say something of every kind, submit none; the last words still have the keyboard."""
    for key in ("j", "3", "7"):
        page.keyboard.press(key)
    judgment(page).get_by_label("Comment").fill("Look at the ed")
    page.get_by_role("button", name="Flag step 1").click()
    page.get_by_role("checkbox", name="contradicts").click()
    page.get_by_role("button", name="Rewrite").click()
    page.get_by_label("Step 1 rewritten").fill("Nuclei in")
    page.get_by_label("The words it concerns").press_sequentially("Nuclei")


def submit(page: Page, *keys: str) -> None:
    """Submit the draft as these keys complete it."""
    for key in keys:
        page.keyboard.press(key)
    comment = judgment(page).get_by_label("Comment")
    comment.press("Control+Enter")
    expect(state(page)).to_have_text(SAVED)
    comment.press("Escape")


def next_answer(page: Page) -> None:
    """On to the item's second answer, by the one key."""
    page.keyboard.press("u")
    expect(foot(page)).to_contain_text("Judge answer 2 of 2")
    wait_told(page)


def finish(page: Page) -> None:
    """Judge the second answer and go on, to another item."""
    next_answer(page)
    submit(page, "c")
    page.keyboard.press("u")
    expect(foot(page)).to_contain_text("1 of 2 judged")
    wait_item(page)


def reloaded(page: Page) -> Any:
    """Where a rater stands after a reload."""
    page.reload()
    wait_item(page)
    if page.evaluate("window.PathViewer.store.get('item').first_answer"):
        wait_told(page)
    return page.evaluate(STANDING)


def hold_reply(page: Page, path: str) -> list[Route]:
    """Let the server carry out the next request to a path; its route, with the reply held back."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        assert route.fetch().ok
        held.append(route)

    page.route(path, hold, times=1)
    return held


def wait_held(page: Page, held: list[Route]) -> Route:
    """The route once the server has carried its request out."""
    until = time.monotonic() + PATIENCE / 1000
    while not held:
        assert time.monotonic() < until
        page.wait_for_timeout(20)
    return held[0]


def kill(site: Site, fay: Page, ada: Page) -> None:
    """Fay's feedback is stored but no reply reached her; ada's own answer is on its way."""
    held = hold_reply(fay, "**/api/feedback")
    fay.keyboard.press("c")
    fay.keyboard.press("Enter")
    route = wait_held(fay, held)
    web = site.server.process
    assert web
    web.send_signal(signal.SIGSTOP)
    with ada.expect_request("**/first-answer"):
        ada.get_by_role("button", name="Keep my answer").click()
    site.server.kill()
    route.abort()
    expect(state(fay)).to_have_text(KEPT)
    expect(ada.get_by_text("What you see stays; try again.")).to_be_visible()


def said(site: Site) -> dict[str, dict[str, int]]:
    """Rows of feedback by rater and kind; of the same kind about one answer only one is allowed."""
    database = open_database(site.settings.database)
    with database.read_only() as session:
        rows = session.execute(
            select(
                Account.name, Feedback.kind, Feedback.completion_id, Feedback.other_completion_id
            ).join(Account, Feedback.rater_id == Account.id)
        ).all()
    database.close()
    assert not [row for row, times in Counter(map(tuple, rows)).items() if times > 1]
    return {name: Counter(row.kind for row in rows if row.name == name) for name, *_ in rows}


@pytest.mark.timeout(600)  # six pages and two starts of the server: 80 s alone on two cores
def test_raters_go_on_where_they_were_when_the_server_was_killed(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    with ExitStack() as open_pages:
        ada, bob, fay = (
            open_pages.enter_context(rater(browser, site.base, name))
            for name in ("ada", "bob", "fay")
        )
        dan = open_pages.enter_context(pairs_rater(browser, site.base, "dan"))
        choose(ada, "typed")
        type_own(ada, "Perhaps a squa")
        begin(bob)
        draft(bob)
        dan.keyboard.press("m")
        dan.get_by_label("Comment").press_sequentially("mitoses are n")
        with own_browser(browser, tmp_path / "profile") as eve:
            log_in(eve, site.base, "eve")
            begin(eve)
            submit(eve, "c")
            next_answer(eve)
            judgment(eve).get_by_label("Comment").fill("Judge the ot")
            before = [page.evaluate(STANDING) for page in (ada, bob, eve)]
            pair = dan.evaluate(PAIR)
            begin(fay)
            kill(site, fay, ada)
        check_before(before, pair)
        assert bob.evaluate(STANDING) == before[1]  # its page goes on without a reload
        site.server.start()
        expect(state(fay)).to_have_text(SAVED)
        assert [reloaded(page) for page in (ada, bob)] == before[:2]
        dan.reload()
        wait(dan, "ready")
        assert dan.evaluate(PAIR) == pair
        with own_browser(browser, tmp_path / "profile") as eve:
            eve.goto(site.base)  # logged in, and without the address of the item
            ViewerPage(eve, site.base).wait_loaded()
            eve.keyboard.press("u")
            wait_item(eve)
            wait_told(eve)
            assert eve.evaluate(STANDING) == before[2]
            submit(eve, "c")
            eve.keyboard.press("u")
            expect(foot(eve)).to_contain_text("1 of 2 judged")
        finish(fay)
        submit(bob)
        finish(bob)
        keep_own(ada)
        assert ada.evaluate(STANDING)["item"]["first_answer"] == "Perhaps a squa"
        submit(ada, "c")
        finish(ada)
        vote_on_all(dan)
    two = {"verdict": 2, "labels": 2}
    assert said(site) == {
        "ada": two,
        "bob": two | {"edited_trace": 1},
        "dan": {"preference": 2},
        "eve": two,
        "fay": two,
    }


def check_before(before: list[Any], pair: Any) -> None:
    """What is begun is in what is compared, so that it is missed where a kill takes it."""
    ada, bob, eve = before
    assert (ada["typed"], ada["chosen"]) == ("Perhaps a squa", ["4"])
    assert ada["open"] == []
    assert bob["item"]["first_answer"] == "Some tumour"
    assert bob["history"] == []
    assert bob["draft"]["verdict"] == "incorrect"
    assert bob["draft"]["comment"] == "Look at the ed"
    assert bob["draft"]["edits"] == {"0": "Nuclei in"}
    assert bob["draft"]["absences"]
    step = bob["draft"]["steps"]["0"]
    assert (step["quote"], step["events"]) == ("Nuclei", ["contradiction"])
    assert [one["judged"] for one in eve["item"]["completions"]] == [True, False]
    assert (eve["completion"], eve["draft"]["comment"]) == (1, "Judge the ot")
    assert pair[1] == {"reasons": ["missed_finding"], "comment": "mitoses are n"}


def vote_on_all(dan: Page) -> None:
    """The first vote is stored without a reply, and tried again."""
    held = hold_reply(dan, "**/vote")
    dan.keyboard.press("a")
    wait_held(dan, held).abort()
    expect(dan.get_by_text("Not saved: The server cannot be reached. What")).to_be_visible()
    dan.keyboard.press("a")
    wait(dan, "voted")
    dan.keyboard.press("n")
    wait(dan, "ready")
    dan.keyboard.press("t")
    wait(dan, "voted")
    expect(dan.locator(".pv-compare-progress")).to_contain_text("all 2 pairs done")


def test_two_raters_of_one_browser_see_nothing_of_each_other(page: Page, site: Site) -> None:
    form = page.get_by_role("form", name="Your own answer")
    log_in(page, site.base, "gil")
    choose(page, "chosen")
    page.keyboard.press("2")
    form.get_by_role("radio", name="4").click()
    log_out(page)
    log_in(page, site.base, "hal")
    choose(page, "chosen")
    expect(form.get_by_role("radio", checked=True)).to_have_count(0)
    log_out(page)
    log_in(page, site.base, "gil")
    choose(page, "chosen")
    expect(form.get_by_role("radio", checked=True)).to_have_text(["2Adenocarcinoma", "4"])
    held = hold_reply(page, "**/first-answer")
    page.get_by_role("button", name="Keep my answer").click()
    wait_held(page, held).abort()
    expect(form.get_by_role("alert")).to_contain_text("try again")
    keep_own(page)
    expect(page.locator(".pv-message > span")).to_be_hidden()  # no word of another tab
    repeat_anew(page)
    log_out(page)
    open_list(page, site.base, "gil")
    page.keyboard.press("t")
    undo = page.get_by_role("button", name="Undo the vote")
    wait(page, "voted")
    held = hold_reply(page, "**/undo")
    undo.click()
    wait_held(page, held).abort()
    expect(page.get_by_text("What you see stays; try again.")).to_be_visible()
    undo.click()
    wait(page, "ready")
    page.keyboard.press("t")
    expect(undo).to_be_visible()
    page.request.post(f"{site.base}/logout", headers={"Origin": site.base})
    open_list(page, site.base, "hal")
    expect(page.get_by_role("button", name="Pass over")).to_be_visible()
    expect(undo).to_be_hidden()


def repeat_anew(page: Page) -> None:
    """What was begun in an item's first round, and never submitted, is not there in its repeat."""
    submit(page, "c")
    next_answer(page)
    judgment(page).get_by_label("Comment").fill("Never submitted")
    judgment(page).get_by_label("Comment").press("Escape")
    page.keyboard.press("Shift+U")
    expect(foot(page)).to_contain_text("1 of 1 judged")
    wait_item(page)
    form = page.get_by_role("form", name="Your own answer")
    expect(form.get_by_role("radio", checked=True)).to_have_count(0)
    page.keyboard.press("1")
    keep_own(page)
    standing = page.evaluate(STANDING)
    assert (standing["item"]["round"], standing["completion"]) == (1, 0)
    page.get_by_role("button", name="Answer 2").click()
    wait_told(page)
    expect(judgment(page).get_by_label("Comment")).to_have_value("")

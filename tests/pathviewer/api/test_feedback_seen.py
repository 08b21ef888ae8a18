"""Who may judge over HTTP, and who sees whose judgments."""

from __future__ import annotations

import pytest

from pathviewer.feedback.feedback_json import pseudonym
from storage.questions.store import add_completion, freeze_first_answer
from tests.pathviewer.api.feedback_site import Site
from tests.storage.reading_rows import COMPLETION, stored_reading


def test_nobody_sees_anothers_before_his_own_judgment(either_site: Site) -> None:
    site = either_site
    site.send("ada", verdict="incorrect", comment="Ada's reason")
    site.send("ada", key="l", kind="labels", absences=["missing_knowledge"], steps=[])
    for name in ("rex", "eve"):
        told = site.shown(name)
        assert (told["others"], told["others_withheld"]) == (None, True)
        assert told["history"] == []
        assert "Ada's reason" not in str(told)
        assert set(told["reward"].values()) == {None, 1.0}  # only the form is known
    # one of the two alone does not open the door, nor does a judgment of another answer
    site.send("rex", key="l", kind="labels", absences=[], steps=[])
    site.send("rex", key="m", completion=site.completions[1])
    assert site.shown("rex")["others"] is None
    site.send("rex", key="n")
    (other,) = site.shown("rex")["others"]
    assert other["rater"] == "Rater A"
    assert (other["verdict"]["verdict"], other["verdict"]["comment"]) == (
        "incorrect",
        "Ada's reason",
    )
    assert other["labels"]["absences"] == ["missing_knowledge"]
    assert site.people["ada"].account_id not in str(other)
    site.send("eve")
    assert site.shown("eve")["others"] is None
    site.send("eve", key="l", kind="labels", absences=[], steps=[])
    assert [rater["rater"] for rater in site.shown("eve")["others"]] == ["Rater A", "Rater B"]
    # a change of mind does not change the pseudonym
    site.send("ada", key="k9", verdict="unsure")
    first = site.shown("eve")["others"][0]
    assert (first["rater"], first["verdict"]["verdict"]) == ("Rater A", "unsure")


def test_only_who_may_see_the_reading_may_judge_it(site: Site) -> None:
    path = f"/api/completions/{site.completions[0]}/feedback"
    for answer in (site.send("bob"), site.seen_by("bob").get(path)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "reading_not_found")
    for answer in (site.send("vic"), site.seen_by("vic").get(path)):
        assert answer.status_code == 403
    assert site.send("rex").status_code == 201
    for unknown in ("nothing", "%00", "x" * 300):
        answer = site.seen_by("ada").get(f"/api/completions/{unknown}/feedback")
        assert answer.status_code == 404, unknown


def test_a_blind_reading_is_judged_after_the_first_answer(site: Site) -> None:
    with site.database.session() as session:
        ada = site.people["ada"].account_id
        reading = stored_reading(session, account_id=ada, blind=True).id
        blind = add_completion(session, reading, COMPLETION).id
    path = f"/api/completions/{blind}/feedback"
    for name in ("ada", "eve"):
        assert site.send(name, completion=blind).status_code == 409
        assert site.seen_by(name).get(path).status_code == 409
    with site.database.session() as session:
        freeze_first_answer(session, reading, "benign", None)
    assert site.send("ada", completion=blind).status_code == 201
    assert site.seen_by("ada").get(path).status_code == 200


def test_what_is_said_for_another_account_is_kept_for_nobody(site: Site) -> None:
    """As by a tab that was left open, when somebody else has logged in since."""
    ada, eve = (site.people[name].account_id for name in ("ada", "eve"))
    answer = site.send("eve", account=ada)
    assert answer.status_code == 403
    assert "Another account is logged in" in answer.json()["error"]["message"]
    for odd, status in (("", 403), (7, 400), ([ada], 400)):
        assert site.send("eve", account=odd).status_code == status
    assert site.shown("eve")["history"] == []
    assert site.send("eve", account=eve).status_code == 201
    assert site.send("eve").status_code == 200  # for whom it was is no part of it


@pytest.mark.parametrize(
    ("number", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA")]
)
def test_pseudonyms_go_on_after_z(number: int, name: str) -> None:
    assert pseudonym(number) == f"Rater {name}"

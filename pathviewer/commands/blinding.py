"""The page docs/blinding.md: the policy of blinding in tables, made by asking the policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from storage.blinding.policy import (
    Assignment,
    Comparison,
    Content,
    Mode,
    State,
    Viewer,
    decide,
)
from storage.user_messages import BLINDING_REFUSALS

INTRODUCTION = """\
# Who may see what

**No rater sees another rater's label before they have given their own.** Otherwise two labels are
not independent, and their agreement proves nothing. This page says exactly when each piece of
information becomes visible. It is made by `python -m pathviewer blinding > docs/blinding.md`, which
asks the program's own rule (`storage/blinding/policy.py`) for every cell; the server asks the same
rule on every page, report, export, chart and map. [access.md](access.md) describes accounts and
roles.

Words: a *question* is asked about a region of a slide, and a model's *answers* to it are judged. A
*rater* is an account that judges. In a *worklist* all raters judge the same answers; in a *blind*
worklist each rater first writes down their own answer. *Feedback* is a verdict, labels of the
reasoning, a corrected text or a marked region. A *vote* prefers one of two answers. A *repeat* asks
a rater again after weeks, to measure how stable their judgment is.

Cells say what is visible, or what the rater has to do first: **answer first** (write down their own
answer), **judge first** (give verdict and labels), **vote first**. **Hidden** means that the server
answers as if there were no such question. Where two words stand in a cell, the first holds for
clinicians, the second for raters who are researchers or administrators, whose role lets them see
all questions. A dash: there is nothing to see yet.
"""
PAIRS_INTRODUCTION = """\
If two answers are to be compared as a pair, the following holds besides the tables above; where two
cells differ, the stricter one holds. In a worklist that is not blind:
"""
REFERENCE_NOTE = """
In a list made for teaching the reference answer is visible after the first verdict or vote. The
correct answer of a whole case becomes visible when it is so for every question of worklists about
that case. A rater who has judged one of several answers sees others' corrected answers to it, which
say what these raters think of the question; to keep raters apart until the end, give a question one
answer.
"""
NAMES_NOTE = """
A rater who had the item of a pair before, or compared one of its answers in another pair, may know
a model's name by then. Such a vote is stored as *not blind* ([compare.md](compare.md)).
"""
LIMITS = """\
## Who is not blinded

An account that does not rate (`user add --no-rater`, `user retire`) sees everything that its role
allows; it can never rate again. One thing waits even for it: the answers to a blind question stay
hidden until the person who asked it has answered.

The operator of the server, who runs `export`, `backup` or reads the database, sees everything.

## What anybody may know

- How many items a worklist has, and how far they themselves are. If items are divided among raters,
  their own share becomes smaller when another rater receives an item.
- How much feedback is hidden from them, in insights and exports: a number over all questions and
  kinds, whatever the filters.
- The pseudonyms of raters and the names of models that occur at all, as filters of insights and
  exports. They are not linked to a question.
- Researchers and administrators: how many raters judged, repeated or skipped items of a worklist.
- Administrators: the audit log, which records who gave which kind of feedback on which answer and
  when, and never what it says.

## What stays closed

If only a part of a worklist goes to every rater, an item or pair that went to others never comes to
a rater. To one who sees all questions it stays at *answer first* or *vote first*.

## What the program cannot know

That two accounts are one person, that two raters talk, or what a rater saw on another's screen.
"""


@dataclass(frozen=True)
class Situation:
    """A row of a table."""

    text: str
    """What has happened."""

    state: State
    """What the policy knows of it."""

    looks_back: bool = False
    """Whether the viewer has given feedback or a vote before."""


CLINICIAN = Viewer("clinician", rates=True, sees_all=False)
RESEARCHER = Viewer("researcher", rates=True, sees_all=True)

_GIVEN = Assignment.item_open
_COMPLETE = State(
    assignment=Assignment.item_ended,
    has_answered=True,
    has_full_feedback=True,
    has_all_feedback=True,
    has_rated=True,
)
_QUESTION_CONTENTS = {
    Content.answers: "the model's answers",
    Content.own_feedback: "their own earlier feedback",
    Content.feedback: "others' feedback on an answer",
    Content.first_answers: "others' own answers",
    Content.reference: "the reference answer",
}
_COMPARED_CONTENTS = {
    content: _QUESTION_CONTENTS[content] for content in (Content.answers, Content.feedback)
}
_PAIR_CONTENTS = {
    Content.sides: "the two texts",
    Content.names: "the models' names, and how the pair was drawn",
    Content.own_vote: "their own earlier vote",
    Content.votes: "others' votes",
}
_BLIND = (
    Situation("The item has not come to them.", State()),
    Situation("They have it; their own answer is missing.", State(assignment=_GIVEN)),
    Situation(
        "They have answered; their feedback is missing.",
        State(assignment=_GIVEN, has_answered=True),
    ),
    Situation(
        "They have judged this answer, and not yet another one to the same question.",
        State(assignment=_GIVEN, has_answered=True, has_rated=True, has_full_feedback=True),
        looks_back=True,
    ),
    Situation("They have judged all answers.", _COMPLETE, looks_back=True),
    Situation(
        "They judge it again; their own answer is missing.",
        State(assignment=_GIVEN, is_repeating=True),
        looks_back=True,
    ),
    Situation(
        "They judge it again and have answered.",
        State(assignment=_GIVEN, has_answered=True, is_repeating=True),
        looks_back=True,
    ),
)
_OPEN = (
    Situation("The item has not come to them.", State()),
    Situation("They have it; their feedback is missing.", State(assignment=_GIVEN)),
    Situation("They have judged all answers.", _COMPLETE, looks_back=True),
    Situation("They judge it again.", State(assignment=_GIVEN, is_repeating=True), looks_back=True),
)
_PAIRED = (
    Situation(
        "A pair of its answers has been drawn, and neither item nor pair has come to them.",
        State(comparison=Comparison.pair_drawn),
    ),
    Situation("They have the pair and have not voted.", State(comparison=Comparison.pair_open)),
    Situation("They have voted.", State(comparison=Comparison.vote_given)),
    Situation("They have skipped the pair.", State(comparison=Comparison.pair_skipped)),
)
_OWN = (
    Situation("Somebody else asked.", State()),
    Situation("Somebody else asked, blind, and has not answered.", State(awaits_author=True)),
    Situation("They asked.", State(is_asker=True)),
    Situation(
        "They asked, blind, and have not answered.", State(is_asker=True, awaits_author=True)
    ),
    Situation(
        "They asked and have judged it.",
        State(is_asker=True, has_full_feedback=True, has_all_feedback=True),
        looks_back=True,
    ),
)
_PAIRS = (
    Situation("The pair has not come to them.", State(comparison=Comparison.pair_drawn)),
    Situation("They have it and have not voted.", State(comparison=Comparison.pair_open)),
    Situation(
        "They have voted.",
        State(comparison=Comparison.vote_given, has_voted=True),
        looks_back=True,
    ),
    Situation(
        "They have undone the vote.", State(comparison=Comparison.pair_open), looks_back=True
    ),
    Situation("They have skipped it.", State(comparison=Comparison.pair_skipped)),
    Situation(
        "They compare it again after weeks.",
        State(comparison=Comparison.pair_open, is_repeating_pair=True),
        looks_back=True,
    ),
)


def blinding_page() -> str:
    """Return the page as Markdown."""
    sections = [
        INTRODUCTION,
        "## A question of a blind worklist\n",
        *_table(Mode.blind_list, _BLIND, _QUESTION_CONTENTS),
        REFERENCE_NOTE,
        "## A question of a worklist that is not blind\n",
        *_table(Mode.open_list, _OPEN, _QUESTION_CONTENTS),
        "\n## A question whose answers are compared\n",
        PAIRS_INTRODUCTION,
        *_table(Mode.open_list, _PAIRED, _COMPARED_CONTENTS),
        "\nIn a blind worklist:\n",
        *_table(Mode.blind_list, _PAIRED, _COMPARED_CONTENTS),
        "\n## A pair\n",
        *_table(Mode.open_list, _PAIRS, _PAIR_CONTENTS),
        NAMES_NOTE,
        "## A question outside worklists\n",
        *_table(Mode.own_question, _OWN, _QUESTION_CONTENTS),
        "\nFor a blind question it is the person who asked who has to answer first.\n",
        "\n## What the server says\n",
        "| if | it says |\n|---|---|",
        *(f"| {name.replace('_', ' ')} | {text} |" for name, text in BLINDING_REFUSALS.items()),
        "",
        LIMITS,
    ]
    return "\n".join(sections)


def _table(
    mode: Mode, situations: Iterable[Situation], contents: Mapping[Content, str]
) -> Iterable[str]:
    yield "| what the rater has done | " + " | ".join(contents.values()) + " |"
    yield "|---" * (len(contents) + 1) + "|"
    for each in situations:
        cells = [_cell(content, mode, each) for content in contents]
        yield f"| {each.text} | {' | '.join(cells)} |"


def _cell(content: Content, mode: Mode, situation: Situation) -> str:
    """Return the access of a clinician and, if it differs, of a researcher; "-" for nothing."""
    if content in (Content.own_feedback, Content.own_vote) and not situation.looks_back:
        return "-"
    viewers = (CLINICIAN, RESEARCHER)
    words = [decide(content, viewer, mode, situation.state).access for viewer in viewers]
    return " / ".join(dict.fromkeys(words))

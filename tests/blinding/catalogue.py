"""What the commands made: worklists, items, questions, completions, pairs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from storage.blinding.policy import Mode
from tests.blinding.tokens import find_tokens

if TYPE_CHECKING:
    from tests.blinding.site import Site

Pair = tuple[str, str]
"""Two completions, the smaller id first."""


@dataclass(frozen=True)
class Worklist:
    """A worklist."""

    id: str
    name: str
    blind: bool
    teaching: bool

    @property
    def mode(self) -> Mode:
        """Where its questions come from."""
        return Mode.blind_list if self.blind else Mode.open_list


@dataclass(frozen=True)
class Slide:
    """A slide."""

    id: str
    alias: str
    organ: str
    case: str


@dataclass(frozen=True)
class Completion:
    """A completion."""

    id: str
    question: str
    index: int
    text: str
    answer: str | None

    @property
    def tokens(self) -> set[str]:
        """Words of its text that nothing else contains."""
        return find_tokens(self.text)


@dataclass
class Question:
    """A question, of a worklist or of an account."""

    id: str
    slide: Slide
    model: str
    revision: str | None
    asker: str = ""
    """Name of the account; empty for a worklist's."""
    blind: bool = False
    """Whether the person who asked answers first."""
    item: str = ""
    """The item that it was asked for."""
    is_of_item: bool = False
    """Whether it is the item's own, not that of a further model."""
    worklist: Worklist | None = None
    completions: list[Completion] = field(default_factory=list)
    """By index."""

    @property
    def mode(self) -> Mode:
        """Where it comes from."""
        return Mode.own_question if self.worklist is None else self.worklist.mode


@dataclass
class Catalogue:
    """Everything by id."""

    accounts: dict[str, str] = field(default_factory=dict)
    """Ids of accounts by name."""
    slides: dict[str, Slide] = field(default_factory=dict)
    worklists: dict[str, Worklist] = field(default_factory=dict)
    """By name."""
    questions: dict[str, Question] = field(default_factory=dict)
    completions: dict[str, Completion] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)
    """Each item's own question."""
    pairs: list[Pair] = field(default_factory=list)
    judged_by_model: set[str] = field(default_factory=set)
    """Completions with labels of a judge model."""
    references: dict[str, set[str]] = field(default_factory=dict)
    """Questions by the token of a correct answer of their item."""
    case_references: dict[str, str] = field(default_factory=dict)
    """Case by the token of its correct answer."""

    def add_question(self, site: Site, question: Question) -> None:
        """Add a question with its completions, as the database has them."""
        self.questions[question.id] = question
        statement = 'SELECT id, question_id, "index", text, answer FROM completions '
        rows = site.rows(statement + 'WHERE question_id = ? ORDER BY "index"', question.id)
        question.completions = [Completion(*row) for row in rows]
        self.completions |= {each.id: each for each in question.completions}

    def forget_organ(self, case: str) -> None:
        """Forget the organ of a case's slides, as withdrawing the case does."""
        self.slides = {
            id_: replace(slide, organ="") if slide.case == case else slide
            for id_, slide in self.slides.items()
        }

    def find_worklist(self, question: str) -> Worklist | None:
        """The worklist of a question."""
        return self.questions[question].worklist


def read_catalogue(site: Site) -> Catalogue:
    """Read what the commands made, in an order that is the same in every run."""
    made = Catalogue(accounts=dict(site.rows("SELECT name, id FROM accounts")))
    for row in site.rows("SELECT id, alias, organ, case_id FROM slides ORDER BY relative_path"):
        made.slides[row[0]] = Slide(*row)
    for row in site.rows("SELECT id, name, blind, teaching FROM worklists ORDER BY name"):
        made.worklists[row[1]] = Worklist(row[0], row[1], bool(row[2]), bool(row[3]))
    lists = {each.id: each for each in made.worklists.values()}
    items = site.rows("SELECT id, worklist_id, question_id, reference_answer FROM worklist_items")
    made.items = {row[0]: row[2] for row in items}
    of_item = {row[2]: row for row in items}
    beside = dict(site.rows("SELECT question_id, item_id FROM worklist_questions"))
    by_id = {row[0]: row for row in items}
    for id_, slide, model, revision in site.rows(
        "SELECT id, slide_id, model, model_revision FROM questions ORDER BY question, model"
    ):
        item = of_item.get(id_) or by_id[beside[id_]]
        question = Question(id_, made.slides[slide], model, revision)
        question.item, question.is_of_item = item[0], id_ in of_item
        question.worklist = lists[item[1]]
        made.add_question(site, question)
        made.references.setdefault(item[3], set()).add(id_)
    for row in site.rows("SELECT one_completion_id, other_completion_id FROM worklist_pairs"):
        made.pairs.append((row[0], row[1]))
    made.judged_by_model = {row[0] for row in site.rows("SELECT completion_id FROM judge_labels")}
    made.case_references = dict(site.rows("SELECT reference_answer, id FROM cases"))
    return made

"""Names are nouns of the field, or imperative verb and noun: see CONTRIBUTING.md.

Names that break the rule are counted for each package and may only become fewer: whoever removes
some lowers `names_budget.toml`, which the test then holds.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUDGET = tomllib.loads((ROOT / "tests" / "names_budget.toml").read_text())
PACKAGES = ("pathviewer", "models", "storage")

PRONOUNS = frozenset(
    [
        "all",
        "another",
        "any",
        "both",
        "each",
        "everything",
        "he",
        "him",
        "his",
        "it",
        "its",
        "mine",
        "nobody",
        "none",
        "nothing",
        "one",
        "others",
        "ours",
        "own",
        "she",
        "some",
        "somebody",
        "something",
        "that",
        "theirs",
        "them",
        "they",
        "this",
        "what",
        "which",
        "who",
        "whose",
        "you",
        "your",
    ]
)
PARTICIPLES = frozenset(
    [
        "asked",
        "begun",
        "bound",
        "built",
        "chosen",
        "drawn",
        "felt",
        "found",
        "given",
        "gone",
        "handed",
        "held",
        "hidden",
        "kept",
        "known",
        "laid",
        "left",
        "listed",
        "looked",
        "lost",
        "made",
        "meant",
        "met",
        "paid",
        "put",
        "read",
        "said",
        "seen",
        "sent",
        "shown",
        "sold",
        "spent",
        "stated",
        "stood",
        "struck",
        "swept",
        "taken",
        "thrown",
        "told",
        "whole",
        "won",
        "worn",
        "written",
    ]
)
DIALECT = frozenset(
    [
        "ballot",
        "ballots",
        "doors",
        "glow",
        "handed",
        "judged",
        "judging",
        "judgment",
        "judgments",
        "kept",
        "lot",
        "lots",
        "reading",
        "readings",
        "said",
        "tissues",
        "told",
        "unjudged",
        "whoever",
        "withheld",
    ]
)
"""Words that no name holds: the glossary of CONTRIBUTING.md has another one for each."""

FIELD_NOUNS = frozenset(
    [
        "blinding",
        "embedding",
        "encoding",
        "feed",
        "finding",
        "finetuning",
        "hashing",
        "heading",
        "logging",
        "packaging",
        "padding",
        "preprocessing",
        "processing",
        "ranking",
        "rating",
        "reasoning",
        "resampling",
        "ring",
        "sampling",
        "scoring",
        "seed",
        "setting",
        "settings",
        "spacing",
        "speed",
        "spelling",
        "splitting",
        "staining",
        "string",
        "tokenizing",
        "training",
        "warning",
    ]
)
"""Single words that look like a participle and are what the field says."""

VERBS = frozenset({"put", "read"})
"""Participles that are imperatives too, for functions and methods."""


@dataclass(frozen=True)
class Name:
    """A public name."""

    kind: str
    """module, class, function, constant, attribute or parameter."""

    text: str
    module: str
    """Path of its module from the root."""


def public_names(path: Path) -> Iterator[Name]:
    """The public names of a module, its own among them."""
    module = path.relative_to(ROOT).as_posix()
    stem = path.parent.name if path.stem == "__init__" else path.stem
    yield Name("module", stem, module)
    for node in ast.parse(path.read_text()).body:
        for kind, text in names_of(node, within_class=False):
            yield Name(kind, text, module)


def names_of(node: ast.stmt, *, within_class: bool) -> Iterator[tuple[str, str]]:
    """Kinds and texts of what a statement makes public."""
    if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
        yield "class", node.name
        for child in node.body:
            yield from names_of(child, within_class=True)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
        yield "function", node.name
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            yield "parameter", argument.arg
    elif isinstance(node, ast.AnnAssign | ast.Assign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and not target.id.startswith("_"):
                yield "attribute" if within_class else "constant", target.id


def words(text: str) -> list[str]:
    """The words of a name, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)]


def fault(name: Name) -> str | None:
    """What is wrong with a name, `None` for a good one.

    Attributes and parameters may be adjectives, such as `masked`; all others name a thing or an
    act.
    """
    parts = words(name.text)
    if DIALECT & set(parts):
        return "holds a word that the glossary replaces"
    if len(parts) != 1 or parts[0] in FIELD_NOUNS:
        return None
    word = parts[0]
    if word in PRONOUNS:
        return "is a pronoun"
    if word in PARTICIPLES:
        return None if word in VERBS and name.kind == "function" else "is a bare participle"
    adjective = name.kind in {"attribute", "parameter"}
    if word.endswith(("ed", "ing")) and not adjective:
        return "is a bare participle"
    return None


def package_of(module: str) -> str:
    """The entry of the budget that counts a module, such as `pathviewer/slides`."""
    parts = Path(module).parts
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def is_prescribed(name: Name) -> bool:
    """Whether something outside the code asks for a name, such as a key of JSON."""
    return name.text in BUDGET["prescribed"].get(name.module, {})


def faulty_names() -> dict[str, list[str]]:
    """Sentences about faulty names, by package."""
    found: dict[str, list[str]] = {}
    for top in PACKAGES:
        for path in sorted((ROOT / top).rglob("*.py")):
            if "versions" in path.parts:
                continue
            for name in public_names(path):
                reason = fault(name)
                if reason is not None and not is_prescribed(name):
                    sentence = f"{name.module}: {name.kind} {name.text} {reason}"
                    found.setdefault(package_of(name.module), []).append(sentence)
    return found


FAULTY = faulty_names()


def test_no_package_has_more_faulty_names_than_its_budget() -> None:
    budget = BUDGET["names"]
    counts = {package: len(sentences) for package, sentences in FAULTY.items()}
    excess = {
        package: sentences
        for package, sentences in FAULTY.items()
        if len(sentences) > budget.get(package, 0)
    }
    assert excess == {}
    assert counts == budget, "lower names_budget.toml to these numbers"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("module", "kept"),
        ("class", "Shown"),
        ("function", "told"),
        ("function", "joined"),
        ("class", "LiveReading"),
        ("parameter", "what"),
        ("attribute", "reading_id"),
        ("constant", "LOST"),
    ],
)
def test_names_of_the_old_dialect_are_refused(kind: str, text: str) -> None:
    assert fault(Name(kind, text, "")) is not None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("module", "scoring"),
        ("class", "AttentionMap"),
        ("function", "read"),
        ("function", "join_pages"),
        ("attribute", "masked"),
        ("parameter", "skipped"),
        ("constant", "LONGEST_NAME"),
    ],
)
def test_names_of_the_field_are_accepted(kind: str, text: str) -> None:
    assert fault(Name(kind, text, "")) is None


@pytest.mark.parametrize(
    ("module", "text"),
    [(module, text) for module, texts in BUDGET["prescribed"].items() for text in texts],
)
def test_a_prescribed_name_is_in_use(module: str, text: str) -> None:
    assert any(name.text == text and fault(name) for name in public_names(ROOT / module))


NOT_SAID = re.compile(r"\b(he|his|him|himself|whoever|whomever)\b", re.IGNORECASE)
"""People are "they", and a sentence has a named subject."""


def test_prose_calls_people_they() -> None:
    modules = [path for top in PACKAGES for path in (ROOT / top).rglob("*.py")]
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("models/**/*.md")]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in [*modules, *documents]
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if NOT_SAID.search(line)
    ]
    assert found == []

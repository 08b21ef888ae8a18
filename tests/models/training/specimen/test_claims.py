"""Claims are read by the phrases they are written with, and checked against the truth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ModelError
from models.judges.base import JudgeInput
from models.training.specimen.claims import (
    CONTRADICTORY,
    MeasuredClaimsJudge,
    check_claims,
    find_claims,
    required_claims,
)
from models.training.specimen.facts_column import facts_column, read_facts
from models.training.specimen.grammar import (
    CHOICES,
    CLAIM_VALUES,
    QUESTIONS,
    Facts,
    right_answer,
    write_trace,
)

HIGH = Facts(
    {
        "tissue": ("present",),
        "focus": ("sharp",),
        "cellularity": ("high", "moderate"),
        "open space": ("low",),
        "pattern": ("adenocarcinoma",),
        "most nuclei": ("upper left",),
    }
)
"""A cellular adenocarcinoma near the threshold to moderate."""

facts_strategy = st.fixed_dictionaries(
    {claim: st.sampled_from(values) for claim, values in CLAIM_VALUES.items()}
).map(lambda claims: Facts({claim: (value,) for claim, value in claims.items()}))


def judged(text: str, kind: str = "diagnosis", facts: Facts | None = HIGH) -> float | None:
    """Reward of a completion."""
    (verdict,) = MeasuredClaimsJudge().judge(
        [JudgeInput(text, question_type=kind, facts=facts, id="1")]
    )
    return verdict.reward if verdict else None


@given(facts_strategy, st.sampled_from(sorted(QUESTIONS)))
def test_what_is_written_truly_is_read_as_true(facts: Facts, kind: str) -> None:
    text = write_trace(kind, facts, CHOICES[kind], "A")
    claims = find_claims(text)
    assert claims.keys() >= set(required_claims(kind, facts))
    assert all(facts.nominal(claim) == value for claim, value in claims.items())
    assert judged(text, kind, facts) == 1.0


@given(facts_strategy, facts_strategy, st.sampled_from(sorted(QUESTIONS)))
def test_only_what_is_true_earns_everything(seen: Facts, true: Facts, kind: str) -> None:
    text = write_trace(kind, seen, CHOICES[kind], "A")
    differs = any(
        seen.nominal(claim) != true.nominal(claim) for claim in required_claims(kind, true)
    )
    assert (judged(text, kind, true) == 1.0) <= (not differs)
    if right_answer(kind, seen) != right_answer(kind, true):
        assert judged(text, kind, true) != 1.0


@pytest.mark.parametrize(
    ("reasoning", "claims"),
    [
        ("1. Tissue: present. Focus: sharp.", {"tissue": "present", "focus": "sharp"}),
        ("tissue:present.\nOPEN SPACE : Low.", {"tissue": "present", "open space": "low"}),
        ("Open\nspace: low.", {"open space": "low"}),  # a wrapped line
        ("Cellularity: low to high.", {}),  # hedged
        ("Cellularity: low, high.", {}),
        ("Cellularity: medium.", {}),  # no such value
        ("Cellularity: low. Cellularity: low.", {"cellularity": "low"}),
        ("Cellularity: low. Cellularity: high.", {"cellularity": CONTRADICTORY}),
        ("Cellularity: high", {"cellularity": "high"}),  # cut off after the value
        ("Hypercellularity: high.", {}),
        ("Pattern: adenocarcinoma.", {"pattern": "adenocarcinoma"}),
        ("Pattern: glands lined by atypical cells, as in squamous cell carcinoma.", {}),
        (
            "Pattern: glands lined by atypical cells, as in adenocarcinoma. Not adenocarcinoma: x.",
            {"pattern": CONTRADICTORY},
        ),
        ("Pattern: other tissue. Not adenocarcinoma: x.", {"pattern": "other tissue"}),
        ("The open space is low and the focus sharp.", {}),  # other words are not read
        ("", {}),
    ],
)
def test_odd_reasoning(reasoning: str, claims: dict[str, str]) -> None:
    assert find_claims(f"<think>{reasoning}</think><answer>A</answer>") == claims


def test_the_answer_is_no_claim() -> None:
    assert find_claims("<think>So.</think><answer>Cellularity: high.</answer>") == {}


@given(st.text(alphabet="<>/thinkaswer Tissue:present.Notadenocarcinoma\n", max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert set(find_claims(text)) <= set(CLAIM_VALUES)
    reward = judged(text)
    assert reward is None or 0 <= reward <= 1


RIGHT = write_trace("diagnosis", HIGH, CHOICES["diagnosis"], "B")


@pytest.mark.parametrize(
    ("text", "reward"),
    [
        (RIGHT, 1.0),
        (RIGHT.replace("Cellularity: high", "Cellularity: moderate"), 1.0),  # holds too
        (RIGHT.replace("Cellularity: high", "Cellularity: low"), 0.8),
        (RIGHT.replace("Cellularity: high. ", ""), 0.8),  # saying less earns nothing
        (RIGHT.replace("high.", "high. Cellularity: low."), 0.8),  # nor does saying both
        (RIGHT.replace("high.", "high. Most nuclei: upper left."), 1.0),  # nor more than asked
        (RIGHT.replace("high.", "high. Most nuclei: lower left."), 1 - 1 / 6),
        ("<think>It is adenocarcinoma.</think><answer>B</answer>", 0.0),
        (RIGHT.split("</think>")[0], 1.0),  # cut off: format is another reward's matter
        ("<think></think><answer>B</answer>", None),
        ("", None),
    ],
)
def test_what_a_trace_earns(text: str, reward: float | None) -> None:
    assert judged(text) == (None if reward is None else pytest.approx(reward))


def test_what_cannot_be_seen_is_not_asked_for_and_costs_if_it_is_claimed() -> None:
    glass = Facts({"tissue": ("absent",)})
    assert required_claims("diagnosis", glass) == ("tissue",)
    assert judged("<think>Tissue: absent.</think>", facts=glass) == 1.0
    assert judged("<think>Tissue: absent. Cellularity: low.</think>", facts=glass) == 0.5
    blurred = Facts({**HIGH.claims, "focus": ("blurred",)})
    assert required_claims("diagnosis", blurred) == ("tissue", "focus")
    seen = "Tissue: present. Focus: blurred."
    assert judged(f"<think>{seen}</think>", facts=blurred) == 1.0
    assert judged(f"<think>{seen} Cellularity: high.</think>", facts=blurred) == pytest.approx(
        2 / 3
    )


def test_what_nobody_knows_is_neither_right_nor_wrong() -> None:
    unknown = Facts({claim: values for claim, values in HIGH.claims.items() if claim != "pattern"})
    assert "pattern" not in required_claims("diagnosis", unknown)
    assert judged(RIGHT, facts=unknown) == 1.0
    assert judged(RIGHT, facts=None) is None
    assert judged(RIGHT, kind="grade") is None  # a question type of another set
    assert judged(RIGHT, facts=Facts({})) is None


def test_a_finding_names_claim_words_and_step() -> None:
    text = RIGHT.replace("Open space: low", "Open space: high")
    (verdict,) = MeasuredClaimsJudge().judge(
        [JudgeInput(text, question_type="diagnosis", facts=HIGH)]
    )
    assert verdict
    (finding,) = verdict.findings
    assert (finding.event, finding.evidence, finding.step) == ("open space", "Open space: high", 1)
    checks = {check.claim: check for check in check_claims("diagnosis", HIGH, text)}
    assert checks["open space"].accepted == ("low",)


@given(facts_strategy)
def test_facts_survive_a_column(facts: Facts) -> None:
    assert read_facts(facts_column(facts)) == facts


@pytest.mark.parametrize(
    ("value", "facts"),
    [
        (None, None),
        ("", None),
        ({}, None),
        ({"tissue": ["absent"], "focus": None}, Facts({"tissue": ("absent",)})),  # Arrow's nulls
        ({"tissue": "absent"}, Facts({"tissue": ("absent",)})),
    ],
)
def test_facts_as_data_sets_hold_them(value: object, facts: Facts | None) -> None:
    assert read_facts(value) == facts  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["{", "[1]", {"tissue": ["green"]}, {"colour": ["red"]}])
def test_facts_that_are_none(value: object) -> None:
    with pytest.raises(ModelError, match="facts"):
        read_facts(value)  # type: ignore[arg-type]

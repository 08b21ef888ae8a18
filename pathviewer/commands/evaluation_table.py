"""Results of an evaluation as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Figures = Mapping[str, Any]

VARIANTS = {
    "options permuted": "permuted",
    "without options": "free_form",
    "another picture": "other_image",
    "its colours": "other_colours",
}
"""Keys of the figures on each variant of the questions, by the name in the table."""


def lines(figures: Figures) -> Iterator[str]:
    """Yield the lines of one model, or of two compared models."""
    yield from model_lines(figures)
    if "compared" in figures:
        yield ""
        yield from model_lines(figures["compared"])
        yield ""
        yield from difference_lines(figures)


def model_lines(figures: Figures) -> Iterator[str]:
    """Yield one model's results."""
    run = figures["run"]
    yield f"{run['model']} ({run['revision'][:12]})"
    yield row("accuracy", interval(figures, "accuracy"), chance_text(figures))
    yield row("accuracy in any format", interval(figures, "lenient_accuracy"))
    yield row("questions", f"{figures['n']} in {figures['groups']} groups", skipped_text(figures))
    yield row("well formed", percent(figures["format_rate"]))
    if figures["process_score"] is not None:
        yield row("process score", interval(figures, "process_score"))
    yield row("steps", number(figures["mean_steps"]))
    yield row("tokens/s", number(figures["tokens_per_s"]))
    for name, arm in VARIANTS.items():
        if figures[arm]:
            changed = [f"{interval(figures[arm], 'changed')} of answers change"]
            changed += [f"{count} {reason}" for count, reason in list_absent(figures[arm])]
            yield row(name, interval(figures[arm], "accuracy"), "; ".join(changed))
    if figures["unknown"]:
        rate = interval(figures["unknown"], "confidently_wrong_rate")
        answered = figures["unknown"]["n"] - figures["unknown"]["failed"]
        yield row("unknown labels", rate, f"confidently wrong, of {answered}")
    yield from part_lines("by question type", figures["per_question_type"])
    yield from part_lines("by class", figures["per_class"])
    yield from confusion_lines(figures["confusion"])


def part_lines(title: str, parts: Mapping[str, Figures]) -> Iterator[str]:
    """Yield the accuracy of each part; nothing for a single part."""
    if len(parts) < 2:
        return
    yield f"  {title}"
    for name, part in parts.items():
        yield row(f"  {name}", interval(part, "accuracy"), f"of {part['n']}")


def confusion_lines(confusion: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Yield the confusion matrix: true classes down, answers across."""
    answers = sorted({answer for counts in confusion.values() for answer in counts})
    if not answers:
        return
    yield "  right class (down) and answer (across)"
    for place, answer in enumerate(answers, start=1):
        yield f"    ({place}) {answer}"
    yield f"{'':<30}" + "".join(f"{f'({place})':>7}" for place in range(1, len(answers) + 1))
    for name, counts in confusion.items():
        yield f"    {name[:26]:<26}" + "".join(f"{counts.get(key, 0):>7}" for key in answers)


def difference_lines(figures: Figures) -> Iterator[str]:
    """Yield the first model's advantage over the second."""
    yield "first minus second"
    for name, key in (("accuracy", ""), ("process score", "process_")):
        if figures[f"{key}difference"] is not None:
            low, high = figures[f"{key}difference_low"], figures[f"{key}difference_high"]
            span = f"{points(figures[f'{key}difference'])} [{points(low)}, {points(high)}]"
            yield row(name, span, f"p = {figures[f'{key}p']:.4f}")


def row(name: str, value: str, note: str = "") -> str:
    """Format one line of the table."""
    return f"  {name:<26}{value:<26}{note}".rstrip()


def interval(figures: Figures, key: str) -> str:
    """Format a share with its 95 % interval, in percent."""
    if figures[key] is None:
        return "-"
    low, high = percent(figures[f"{key}_low"]), percent(figures[f"{key}_high"])
    return f"{percent(figures[key])} [{low}, {high}]"


def chance_text(figures: Figures) -> str:
    """Format the accuracy of guessing and of the best constant answer."""
    parts = []
    if figures["chance"] is not None:
        parts.append(f"guessing {percent(figures['chance'])}")
    if figures["constant"] is not None:
        parts.append(f"always the same {percent(figures['constant'])}")
    return ", ".join(parts)


def skipped_text(figures: Figures) -> str:
    """Format the counts of skipped and failed questions."""
    parts = []
    if figures["failed"]:
        parts.append(f"{figures['failed']} failed, counted as wrong")
    if figures["cut_off"]:
        parts.append(f"{figures['cut_off']} cut off at the token limit")
    if figures["skipped"]:
        parts.append(f"{figures['skipped']} skipped")
    return "; ".join(parts)


def list_absent(arm: Figures) -> Iterator[tuple[int, str]]:
    """Yield the counts of questions excluded from the share of changed answers, with reasons."""
    for key, reason in (("left_out", "left out"), ("failed", "failed")):
        if arm.get(key):
            yield arm[key], reason


def percent(value: float | None) -> str:
    """Format a share in percent."""
    return "-" if value is None else f"{100 * value:.1f} %"


def points(value: float | None) -> str:
    """Format a difference of shares in percentage points, with its sign."""
    return "-" if value is None else f"{100 * value:+.1f}"


def number(value: float | None) -> str:
    """Format a value with one decimal."""
    return "-" if value is None else f"{value:.1f}"

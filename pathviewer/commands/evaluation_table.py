"""The figures of an evaluation as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Figures = Mapping[str, Any]


def lines(found: Figures) -> Iterator[str]:
    """The figures of one model, or of two that were compared."""
    yield from model_lines(found)
    if "compared" in found:
        yield ""
        yield from model_lines(found["compared"])
        yield ""
        yield from difference_lines(found)


def model_lines(found: Figures) -> Iterator[str]:
    """What one model reached."""
    run = found["run"]
    yield f"{run['model']} ({run['revision'][:12]})"
    yield row("accuracy", interval(found, "accuracy"), guessing(found))
    yield row("questions", f"{found['n']} in {found['groups']} groups", left_out(found))
    yield row("well formed", percent(found["format_rate"]))
    if found["process_score"] is not None:
        yield row("process score", interval(found, "process_score"))
    yield row("steps", number(found["mean_steps"]))
    yield row("tokens/s", number(found["tokens_per_s"]))
    for name, arm in (("options permuted", "permuted"), ("without options", "free_form")):
        if found[arm]:
            changed = [f"{interval(found[arm], 'changed')} of answers change"]
            changed += [f"{count} {told}" for count, told in absent(found[arm])]
            yield row(name, interval(found[arm], "accuracy"), "; ".join(changed))
    if found["unknown"]:
        rate = interval(found["unknown"], "confidently_wrong_rate")
        answered = found["unknown"]["n"] - found["unknown"]["failed"]
        yield row("unknown labels", rate, f"confidently wrong, of {answered}")
    yield from part_lines("by question type", found["per_question_type"])
    yield from part_lines("by class", found["per_class"])
    yield from confusion_lines(found["confusion"])


def part_lines(title: str, parts: Mapping[str, Figures]) -> Iterator[str]:
    """Accuracy of each part; nothing where there is one part only."""
    if len(parts) < 2:
        return
    yield f"  {title}"
    for name, part in parts.items():
        yield row(f"  {name}", interval(part, "accuracy"), f"of {part['n']}")


def confusion_lines(confusion: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Right classes down, answers across."""
    answers = sorted({answer for counts in confusion.values() for answer in counts})
    if not answers:
        return
    yield "  right class (down) and answer (across)"
    for place, answer in enumerate(answers, start=1):
        yield f"    ({place}) {answer}"
    yield f"{'':<30}" + "".join(f"{f'({place})':>7}" for place in range(1, len(answers) + 1))
    for name, counts in confusion.items():
        yield f"    {name[:26]:<26}" + "".join(f"{counts.get(key, 0):>7}" for key in answers)


def difference_lines(found: Figures) -> Iterator[str]:
    """How much better the first model is."""
    yield "first minus second"
    for name, key in (("accuracy", ""), ("process score", "process_")):
        if found[f"{key}difference"] is not None:
            low, high = found[f"{key}difference_low"], found[f"{key}difference_high"]
            span = f"{points(found[f'{key}difference'])} [{points(low)}, {points(high)}]"
            yield row(name, span, f"p = {found[f'{key}p']:.4f}")


def row(name: str, value: str, note: str = "") -> str:
    """One figure."""
    return f"  {name:<26}{value:<26}{note}".rstrip()


def interval(found: Figures, key: str) -> str:
    """A share with its 95 % interval, in percent."""
    if found[key] is None:
        return "-"
    return (
        f"{percent(found[key])} [{percent(found[f'{key}_low'])}, {percent(found[f'{key}_high'])}]"
    )


def guessing(found: Figures) -> str:
    """What guessing would reach, and what the best answer that never changes."""
    told = []
    if found["chance"] is not None:
        told.append(f"guessing {percent(found['chance'])}")
    if found["constant"] is not None:
        told.append(f"always the same {percent(found['constant'])}")
    return ", ".join(told)


def left_out(found: Figures) -> str:
    """What was not asked or not answered."""
    told = []
    if found["failed"]:
        told.append(f"{found['failed']} failed, counted as wrong")
    if found["skipped"]:
        told.append(f"{found['skipped']} skipped")
    return "; ".join(told)


def absent(arm: Figures) -> Iterator[tuple[int, str]]:
    """How many questions are not in the share of changed answers, and why."""
    for key, told in (("left_out", "not permuted"), ("failed", "failed")):
        if arm.get(key):
            yield arm[key], told


def percent(value: float | None) -> str:
    """A share in percent."""
    return "-" if value is None else f"{100 * value:.1f} %"


def points(value: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    return "-" if value is None else f"{100 * value:+.1f}"


def number(value: float | None) -> str:
    """A figure with one decimal."""
    return "-" if value is None else f"{value:.1f}"

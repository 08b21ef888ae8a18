"""The data set's card: what it is, how it came about, and what was left out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pathviewer.common.plural import format_count
from pathviewer.export.manifest import file_sha256
from pathviewer.export.plan import ExportPlan, ExportTally
from pathviewer.export.splits import SPLITS

_NOT_FOR_DIAGNOSIS = (
    "Not for diagnosis. Pictures and questions may come from patients: judge who may see them."
)

_OF_A_RATER = (
    " It was made by somebody who judges, and has of others' judgments only those of what he "
    "judged himself."
)


def write_card(folder: Path, plan: ExportPlan, tally: ExportTally) -> None:
    """`README.md`, whose head tells `datasets.load_dataset` which file is which split."""
    parts = [_head(folder, plan, tally), *_body(plan, tally)]
    (folder / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _head(folder: Path, plan: ExportPlan, tally: ExportTally) -> str:
    splits = [split for split in SPLITS if tally.rows[split]]
    files = [{"split": split, "path": f"{split}.parquet"} for split in splits]
    digests = ", ".join(f"{split} {file_sha256(folder / f'{split}.parquet')}" for split in splits)
    head: dict[str, Any] = {
        # `datasets` keeps what it has read under the folder's name and a hash of this entry alone:
        # without the digests it would hand out the rows of another export in a folder of this name
        "configs": [{"config_name": "default", "data_files": files, "description": digests}],
        "tags": ["pathology", "preference", f"pathviewer-{plan.format.name}"],
    }
    if plan.licence:
        head["license"] = plan.licence
    # every JSON is YAML
    return f"---\n{json.dumps(head, indent=1, sort_keys=True)}\n---"


def _body(plan: ExportPlan, tally: ExportTally) -> list[str]:
    licence = plan.licence or "not stated; ask whoever gave you this folder"
    if plan.licence:
        licence += (
            f" ({len(tally.raters & tally.consenting_raters)} of {len(tally.raters)} raters agreed)"
        )
    return [
        f"# PathViewer labels: {plan.format.name}",
        "What people said of a vision-language model's answers about regions of whole-slide "
        f"images, for {plan.format.trainer}. {_NOT_FOR_DIAGNOSIS}",
        f"Licence: {licence}. Judgments up to {tally.last_feedback_at}. Models that answered: "
        f"{', '.join(sorted(tally.models))}. Raters whose judgments became rows: "
        f"{len(tally.raters)}, under pseudonyms.",
        *_forbidden(tally),
        _rule(plan, tally),
        "## Splits",
        _splits(tally),
        "## What was said",
        _table(("judgment", "times"), sorted(tally.outcomes.items())),
        *_known(tally),
        "## What made no row",
        _without_row(tally),
        "## Where it should have looked",
        _evidence(tally),
        "## Columns",
        _table(("column", "what"), _columns(plan)),
        _files(tally),
    ]


def _forbidden(tally: ExportTally) -> list[str]:
    """A warning of models that may not be trained on the answers of."""
    lines = [
        f"{name} ({each.licence or 'licence not known'})"
        for name in sorted(tally.models)
        for each in sorted(tally.models[name], key=str)
        if each.train_allowed is False
    ]
    if not lines:
        return []
    return [
        f"**Do not train on this**: the licence forbids it of the answers of {', '.join(lines)}."
    ]


def _rule(plan: ExportPlan, tally: ExportTally) -> str:
    return (
        f"{plan.rule.sentence()} Judged: {format_count(tally.items, 'item')}; on {tally.conflicts} "
        f"of them raters contradict each other, and {tally.undecided} made no row for want of "
        "agreement." + (_OF_A_RATER if plan.selection.viewer_id is not None else "")
    )


def _known(tally: ExportTally) -> list[str]:
    """Of votes that were not blind."""
    if not tally.names_known:
        return []
    votes = format_count(tally.names_known, "vote")
    return [
        "Cast when the rater may have known who wrote the answers, since he had judged one of "
        f"them by itself or voted on a pair with it: {votes} (`blind` is false)."
    ]


def _splits(tally: ExportTally) -> str:
    counts = [
        (split, tally.rows[split], len(tally.groups[split]), len(tally.pictures[split]))
        for split in SPLITS
        if tally.rows[split]
    ]
    table = _table(("split", "rows", "groups", "pictures"), counts)
    groups, pictures = tally.count_crossings()
    proof = (
        "A group is a case, or a slide where no case is known; slides with the same file or the "
        "same picture are one group. Read again from the files: "
        f"{groups} groups and {pictures} pictures stand in two splits."
    )
    alone = sum(len(names) for names in tally.groups.values()) == 1
    single = " There is a single group, so everything is in one split." if alone else ""
    return f"{table}\n\n{proof}{single}"


def _without_row(tally: ExportTally) -> str:
    missing_pictures, commands = tally.missing_pictures, tally.with_control_token
    parts = [
        _table(("judgment", "times"), sorted(tally.without_row.items()))
        if tally.without_row
        else "",
        f"Left out since the picture is gone: {format_count(missing_pictures, 'judged reading')}."
        if missing_pictures
        else "",
        "Left out since a text holds what tokenizers read as a command, such as an image token: "
        f"{format_count(commands, 'row')}."
        if commands
        else "",
    ]
    return "\n\n".join(part for part in parts if part) or "Every judgment made a row."


def _evidence(tally: ExportTally) -> str:
    rows, all_rows = tally.with_evidence, sum(tally.rows.values())
    if not rows:
        return "No rater of these rows marked where the model should have looked."
    return (
        f"{rows} of {format_count(all_rows, 'row')} have boxes that their raters drew: `evidence` "
        "on the slide, `evidence_pixels` in the picture."
    )


def _columns(plan: ExportPlan) -> list[tuple[str, str]]:
    return [(f"`{each.name}`", f"{each.description} ({each.kind})") for each in plan.columns]


def _files(tally: ExportTally) -> str:
    queue = (
        " `adjudication.jsonl` holds the items whose raters contradict each other."
        if tally.conflicts
        else ""
    )
    return f"`manifest.json` holds the SHA-256 of every file.{queue}"


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    names = list(head)
    lines = [_line(names), _line(["---"] * len(names))]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"

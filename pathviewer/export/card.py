"""The data set card: contents, origin and omissions."""

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
    "Not for diagnosis. Pictures and questions may come from patients: decide who may see them."
)

_OF_A_RATER = (
    " It was made by a rater and contains others' feedback only on what that rater has judged."
)


def write_card(folder: Path, plan: ExportPlan, tally: ExportTally) -> None:
    """Write `README.md`; its header maps files to splits for `datasets.load_dataset`."""
    parts = [_head(folder, plan, tally), *_body(plan, tally)]
    (folder / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _head(folder: Path, plan: ExportPlan, tally: ExportTally) -> str:
    splits = [split for split in SPLITS if tally.rows[split]]
    files = [{"split": split, "path": f"{split}.parquet"} for split in splits]
    digests = ", ".join(f"{split} {file_sha256(folder / f'{split}.parquet')}" for split in splits)
    head: dict[str, Any] = {
        # `datasets` caches by the folder's name and a hash of this entry alone. Without the digests
        # it would return the rows of an earlier export in a folder of this name.
        "configs": [{"config_name": "default", "data_files": files, "description": digests}],
        "tags": ["pathology", "preference", f"pathviewer-{plan.format.name}"],
    }
    if plan.licence:
        head["license"] = plan.licence
    # JSON is valid YAML
    return f"---\n{json.dumps(head, indent=1, sort_keys=True)}\n---"


def _body(plan: ExportPlan, tally: ExportTally) -> list[str]:
    licence = plan.licence or "not stated; ask the source of this folder"
    if plan.licence:
        licence += (
            f" ({len(tally.raters & tally.consenting_raters)} of {len(tally.raters)} raters agreed)"
        )
    return [
        f"# PathViewer labels: {plan.format.name}",
        "Feedback of people on a vision-language model's answers about regions of whole-slide "
        f"images, for {plan.format.trainer}. {_NOT_FOR_DIAGNOSIS}",
        f"Licence: {licence}. Feedback up to {tally.last_feedback_at}. Models: "
        f"{', '.join(sorted(tally.models))}. Raters with rows: "
        f"{len(tally.raters)}, under pseudonyms.",
        *_forbidden(tally),
        _rule(plan, tally),
        "## Splits",
        _splits(tally),
        "## Feedback",
        _table(("feedback", "count"), sorted(tally.outcomes.items())),
        *_known(tally),
        "## Feedback without a row",
        _without_row(tally),
        "## Evidence",
        _evidence(tally),
        "## Columns",
        _table(("column", "contents"), _columns(plan)),
        _files(tally),
    ]


def _forbidden(tally: ExportTally) -> list[str]:
    """Return a warning about models whose answers must not be used for training."""
    lines = [
        f"{name} ({each.licence or 'licence not known'})"
        for name in sorted(tally.models)
        for each in sorted(tally.models[name], key=str)
        if each.train_allowed is False
    ]
    if not lines:
        return []
    return [
        f"**Do not train on this**: the licence of these models forbids it: {', '.join(lines)}."
    ]


def _rule(plan: ExportPlan, tally: ExportTally) -> str:
    viewer = plan.selection.viewer
    is_blinded = viewer is not None and viewer.rates
    return (
        f"{plan.rule.sentence()} Judged: {format_count(tally.items, 'item')}; on {tally.conflicts} "
        f"of them raters contradict each other, and {tally.undecided} made no row for lack of "
        "agreement." + (_OF_A_RATER if is_blinded else "")
    )


def _known(tally: ExportTally) -> list[str]:
    """Return the count of votes that were not blind."""
    if not tally.names_known:
        return []
    votes = format_count(tally.names_known, "vote")
    return [
        "Cast by raters who may have known the models, because they had judged one of the "
        f"answers by itself or voted on a pair with it: {votes} (`blind` is false)."
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
        "same picture are one group. Read back from the files: "
        f"{groups} groups and {pictures} pictures are in two splits."
    )
    alone = sum(len(names) for names in tally.groups.values()) == 1
    single = " There is a single group, so everything is in one split." if alone else ""
    return f"{table}\n\n{proof}{single}"


def _without_row(tally: ExportTally) -> str:
    missing_pictures, commands = tally.missing_pictures, tally.with_control_token
    parts = [
        _table(("feedback", "count"), sorted(tally.without_row.items()))
        if tally.without_row
        else "",
        f"Left out without a picture: {format_count(missing_pictures, 'judged question')}."
        if missing_pictures
        else "",
        "Left out because a text holds a control token, such as an image token: "
        f"{format_count(commands, 'row')}."
        if commands
        else "",
    ]
    return "\n\n".join(part for part in parts if part) or "All feedback made a row."


def _evidence(tally: ExportTally) -> str:
    rows, all_rows = tally.with_evidence, sum(tally.rows.values())
    if not rows:
        return "No rater of these rows marked an evidence region."
    return (
        f"{rows} of {format_count(all_rows, 'row')} have boxes drawn by their raters: `evidence` "
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

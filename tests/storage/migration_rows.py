"""Rows that fill a database of each revision, in the tables and columns of that revision.

A new migration adds an entry to `ROWS`: rows of the tables that it creates, and a row for each
column that it adds. Rows of earlier revisions stay as they are.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Rows = dict[str, list[dict[str, Any]]]
"""Rows by table; a table comes after those that it refers to."""

AT = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
PIXELS, ATTENTION, EVIDENCE = "a" * 64, "b" * 64, "c" * 64

ACCOUNTS: Rows = {
    "accounts": [
        {"id": "a1", "name": "ada", "role": "clinician", "password_hash": "h"}
        | {"disabled": False, "rater": True, "created_at": AT},
        {"id": "a2", "name": "grace", "role": "viewer", "issuer": "https://login", "subject": "g"}
        | {"disabled": True, "rater": False, "created_at": AT},
    ],
    "sessions": [{"token_hash": "s" * 64, "account_id": "a1", "created_at": AT, "expires_at": AT}],
    "tokens": [
        {"id": "t1", "token_hash": "h" * 64, "account_id": "a1", "label": "notebook"}
        | {"created_at": AT, "expires_at": AT, "revoked_at": AT}
    ],
    "consents": [{"id": "n1", "account_id": "a1", "licence": "CC0-1.0", "agreed_at": AT}],
}

SLIDES: Rows = {
    "cases": [
        {"id": "k1", "name": "S24-1", "reference_answer": "benign", "reference_source": "report"}
        | {"created_at": AT}
    ],
    "slides": [
        {"id": "s1", "folder": "f", "relative_path": "a.svs", "quickhash": "q", "alias": "Lung"}
        | {"file_name": "lung.svs", "instances": ["1.2.3"], "first_seen_at": AT, "case_id": "k1"}
        | {"organ": "lung", "specimen": "biopsy", "stain": "H&E", "scanner": "GT450"},
        {"id": "s2", "folder": "f", "relative_path": "b.svs", "alias": "Liver"}
        | {"first_seen_at": AT, "replaced_at": AT},
    ],
    "scale_entries": [
        {"slide_id": "s1", "account_id": "a1", "entered_at": AT, "mpp_x": 0.25, "mpp_y": 0.25}
        | {"claimed_x": 0.5, "claimed_y": 0.5, "line": {"um": 100}}
    ],
    "uploads": [
        {"id": "u1", "account_id": "a1", "file_name": "lung.svs", "byte_count": 2**40}
        | {"folder_id": "u1", "series": "1.2", "begun_at": AT, "arrived_at": AT}
    ],
    "regions": [
        {"id": "r1", "slide_id": "s1", "account_id": "a1", "name": "gland", "shape": "polygon"}
        | {"points": [[1, 2.5], [3, 4], [5, 0]], "x": 1, "y": 0, "width": 4, "height": 4}
        | {"created_at": AT, "updated_at": AT}
    ],
}

QUESTION: dict[str, Any] = {
    "account_id": "a1",
    "slide_id": "s1",
    "x": 1,
    "y": 2,
    "width": 3,
    "height": 4,
    "paint_outside": False,
    "question": "What?",
    "options": ["benign"],
    "context": {"organ": "lung"},
    "outside_known_types": True,
    "prompt": "What?",
    "pixels_sha256": PIXELS,
    "model": "m",
    "sampling": {"seed": 1},
    "count": 2,
    "min_pixels": 1,
    "max_pixels": 2,
    "blind": False,
    "created_at": AT,
    "ended_at": AT,
}
"""Columns that every question has."""

QUESTIONS: Rows = {
    "blobs": [
        {"sha256": PIXELS, "kind": "pixels", "media_type": "image/png", "byte_count": 5}
        | {"created_at": AT},
        {"sha256": ATTENTION, "kind": "attention", "media_type": "application/x-npz"}
        | {"byte_count": 7, "created_at": AT, "removed_at": AT},
    ],
    "questions": [
        {"id": "g1", "state": "done", **QUESTION}
        | {"quickhash": "q", "points": [[1, 2], [4, 2], [4, 6]], "mpp": 0.25}
        | {"scale": {"source": "file"}, "slide_identity": {"quickhash": "q"}, "task": "organ"}
        | {"system": "Be brief.", "pixel_width": 28, "pixel_height": 28, "columns": 1, "rows": 1}
        | {"prompt_tokens": 9, "colours": {"corrected": False}, "writer": "host:7860"}
        | {"model_revision": "0" * 40, "model_info": {"layers": 2}}
        | {"first_answer": "benign", "first_confidence": 4, "first_answer_at": AT},
        {"id": "g2", "state": "failed", "failure": "No memory.", **QUESTION},
    ],
    "completions": [
        {"id": "c1", "question_id": "g1", "index": 0, "text": "<answer>A</answer>", "answer": "A"}
        | {"token_ids": [1], "token_ends": [16], "finish": "stop", "well_formed": True}
        | {"seconds": 1.5, "first_token_seconds": 0.5, "attention_sha256": ATTENTION}
        | {"created_at": AT},
        {"id": "c2", "question_id": "g1", "index": 1, "text": "<think>x", "token_ids": [1, 2]}
        | {"token_ends": [7, 8], "finish": "length", "well_formed": False}
        | {"seconds": 1.5, "first_token_seconds": 0.5, "created_at": AT},
    ],
    "deletion_checks": [
        {"id": "d1", "completion_id": "c1", "account_id": "a1", "passage": "all", "as_is": -0.1}
        | {"blanked": -0.9, "attended_masked": -0.8, "random_masked": [-0.2, -0.3]}
        | {"verdict": "used", "sentence": "It used the picture.", "created_at": AT}
    ],
}

KINDS_OF_FEEDBACK: list[tuple[str, dict[str, Any]]] = [
    ("verdict", {"verdict": "unsure"}),
    (
        "verdict",
        {"verdict": "incorrect", "corrected_answer": "B", "confidence": 3, "supersedes_id": "f0"}
        | {"seconds": 2.5, "overlay_seen": True, "comment": "No glands."},
    ),
    ("labels", {"absences": [{"kind": "lacks"}], "steps": [{"step": 0}]}),
    ("edited_trace", {"edited_steps": ["Glands."], "edited_text": "Glands."}),
    (
        "evidence",
        {"x": 1, "y": 2, "width": 3, "height": 4, "points": [[1, 2], [4, 2], [4, 6]]},
    ),
    (
        "preference",
        {"other_completion_id": "c2", "left_completion_id": "c2", "choice": "right"}
        | {"reasons": ["clearer"]},
    ),
]
"""One row of feedback of each kind, and a verdict in place of an earlier one."""

FEEDBACK: Rows = {
    "feedback": [
        {"id": f"f{number}", "idempotency_key": f"k{number}", "kind": kind, **values}
        | {"rater_id": "a1", "completion_id": "c1", "created_at": AT}
        for number, (kind, values) in enumerate(KINDS_OF_FEEDBACK)
    ],
    "current_feedback": [
        {"rater_id": "a1", "completion_id": "c1", "kind": "verdict"}
        | {"other": "", "feedback_id": "f1"},
        {"rater_id": "a1", "completion_id": "c1", "kind": "preference"}
        | {"other": "c2", "feedback_id": "f5"},
    ],
    "judge_labels": [
        {"id": "j1", "completion_id": "c1", "judge": "m", "events": [{"step": 0}]}
        | {"created_at": AT}
    ],
}

WORKLISTS: Rows = {
    "worklists": [
        {"id": "w1", "name": "list", "blind": True, "teaching": False, "overlap": 1.0}
        | {"repeats": 0.1, "account_id": "a1", "created_at": AT}
    ],
    "worklist_items": [
        {"id": "i1", "worklist_id": "w1", "position": 0, "slide_id": "s1", "x": 1, "y": 2}
        | {"width": 3, "height": 4, "question": "What?", "options": ["benign"], "task": "organ"}
        | {"reference_answer": "benign", "question_id": "g1"}
    ],
    "worklist_assignments": [
        {"id": "o1", "item_id": "i1", "rater_id": "a1", "round": 0, "started_at": AT}
        | {"first_answer": "benign", "first_confidence": 2, "first_answer_at": AT}
        | {"ended_at": AT, "skipped": False}
    ],
    "worklist_questions": [{"question_id": "g2", "item_id": "i1"}],
    "worklist_pairs": [
        {"id": "p1", "item_id": "i1", "one_completion_id": "c1", "other_completion_id": "c2"}
        | {"plan": "all", "seed": 3, "probability": 0.5, "created_at": AT}
    ],
    "comparisons": [
        {"id": "m1", "rater_id": "a1", "pair_id": "p1", "round": 0, "flipped": True}
        | {"started_at": AT, "ended_at": AT, "skipped": False, "feedback_id": "f5"},
        {"id": "m2", "rater_id": "a1", "question_id": "g1", "round": 0, "flipped": False}
        | {"started_at": AT, "skipped": False},
    ],
}

HISTORY: Rows = {
    "withdrawals": [
        {"id": "x1", "at": AT, "kind": "rater", "subject_id": "a9", "account_id": "a1"}
        | {"detail": {"feedback": 2}}
    ],
    "audit_entries": [
        {"at": AT, "account_id": "a1", "action": "login", "subject": "ada", "detail": {"a": 1}}
    ],
}

ROWS: dict[str, Rows] = {
    "2026_baseline": ACCOUNTS | SLIDES | QUESTIONS | FEEDBACK | WORKLISTS | HISTORY,
    "2026_token_logprobs": {
        "completions": [
            {"id": "c3", "question_id": "g2", "index": 0, "text": "Glands.", "token_ids": [1]}
            | {"token_ends": [7], "finish": "stop", "well_formed": False, "seconds": 1.5}
            | {"first_token_seconds": 0.5, "created_at": AT, "token_logprobs": [-0.25]}
        ]
    },
    "2026_exported_completions": {
        "exported_completions": [
            {"dataset_sha256": "d" * 64, "completion_id": "c1", "format": "sft"}
            | {"account_id": "a1", "exported_at": AT}
        ]
    },
    "2026_check_controls": {
        "blobs": [
            {"sha256": EVIDENCE, "kind": "evidence", "media_type": "application/x-npz"}
            | {"byte_count": 3, "created_at": AT}
        ],
        "completions": [
            {"id": "c4", "question_id": "g2", "index": 1, "text": "Glands.", "token_ids": [1]}
            | {"token_ends": [7], "finish": "stop", "well_formed": False, "seconds": 1.5}
            | {"first_token_seconds": 0.5, "created_at": AT, "evidence_sha256": EVIDENCE}
        ],
        "deletion_checks": [
            {"id": "d2", "completion_id": "c1", "account_id": "a1", "passage": "all", "as_is": 0.9}
            | {"blanked": 0.8, "attended_masked": 0.7, "random_masked": [], "created_at": AT}
            | {"verdict": "neither", "sentence": "It used no picture.", "fill": "blur"}
            | {"version": 2, "controls": {"n": 30}}
        ],
    },
}
"""Rows that each revision adds, by revision."""

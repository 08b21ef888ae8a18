"""What the questions package says to people."""

from __future__ import annotations

from storage.user_messages import BLINDING_REFUSALS

# deletion_check
ANSWER_MISSING = "The deletion check needs an answer, and the model gave none."
STEP_SENTENCES = {
    "attended area mattered": "This step depends on the area the model looked at.",
    "image mattered": "This step depends on the region, but not more on the area the model looked "
    "at than on others.",
    "neither": "This step hardly depends on the region: the question and what is written before "
    "it give it.",
}
"""Sentence of each verdict on a step."""


def passage_missing(passage: str) -> str:
    return f"This answer has no passage {passage!r}."


# engine
NO_MODEL_RUNNING = "No model is running. Set PATHVIEWER_MODEL to start one."


# evidence
NO_EVIDENCE_YET = "This answer has no evidence map yet."


# model_input
def too_few_points(count: int, least: int) -> str:
    return f"An outline has at least {least} points, this one has {count}."


def nuclei_too_small(width: float, width_um: float, least: float) -> str:
    """`width` and `least` are pixels of the picture, `width_um` is the assumed size in µm."""
    return (
        f"Nuclei will be about {width:.1f} px wide ({width_um:g} µm assumed); this "
        f"question needs {least:g} px. Choose a smaller region or a larger budget."
    )


def region_enlarged(width: int, height: int, enlargement: float) -> str:
    return (
        f"The region has only {width} × {height} px of the scan, drawn "
        f"{enlargement:.0f} times as large for the model: there is little to see. Choose a larger "
        "region."
    )


# question_json
ANSWER_NOT_COMPLETED = "The answer was not completed. Ask again."


# preparation
def attention_too_large(
    count: int, tokens: int, cells: int, layers: int, mib: float, most_mib: float
) -> str:
    """`mib` is the size of the attention and `most_mib` the largest that is kept, MiB."""
    answers = "1 answer" if count == 1 else f"{count} answers"
    remedy = "allow fewer tokens or lower the pixel budget."
    return (
        f"The attention of {answers} of up to {tokens:,} tokens over {cells:,} cells in {layers} "
        f"layers takes {mib:,.0f} MiB of memory; at most {most_mib:,.0f} MiB are kept. "
        + (f"Ask for fewer answers, {remedy}" if count > 1 else remedy.capitalize())
    )


# rerun
def other_model_running(asked_model: str, running_model: str) -> str:
    return (
        f"{asked_model} answered this question, but {running_model} is running now and may "
        "answer differently. Ask a new question."
    )


def weights_changed(model: str) -> str:
    return (
        f"The weights of {model} have changed since it answered this question; it may "
        "answer differently. Ask a new question."
    )


# run
NO_MAPS_YET = "This answer has no maps, or none yet."

# service
INTERNAL_ERROR = "An internal error occurred; the server's log has the details. Ask again."


def answer_not_stored(reason: str) -> str:
    return f"The answer could not be stored. {reason}"


# snapshot
NO_ANSWER_YET = "This answer does not exist, or not yet."

# store
MAPS_REMOVED = "This answer has no maps, or they were removed."
NO_MAPS = "This answer has no maps."
NO_QUESTION = BLINDING_REFUSALS["not_theirs"]  # the same, so that nobody learns that it exists
PAGE_QUESTION_MISSING = "The question to continue from does not exist; reload the list."


def attention_unavailable(reason: str) -> str:
    return f"The attention of this answer cannot be shown. {reason}"


def evidence_unavailable(reason: str) -> str:
    return f"The evidence map of this answer cannot be shown. {reason}"


def picture_unavailable(reason: str) -> str:
    return f"The picture of this question cannot be shown. {reason}"

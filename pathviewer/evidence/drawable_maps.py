"""Evidence maps as overlays draw them."""

from __future__ import annotations

from pathviewer.attention.overlay import DrawableMap
from pathviewer.evidence import user_messages
from pathviewer.evidence.evidence_json import CompletionEvidence


def list_evidence_maps(completion: CompletionEvidence) -> list[tuple[str, DrawableMap]]:
    """Return the name and map of every passage, in nats, or without a unit in the quick form.

    Raises ModelError for an empty completion.
    """
    return [
        (name, _drawable(completion, name, tokens)) for name, tokens in completion.list_passages()
    ]


def _drawable(completion: CompletionEvidence, name: str, tokens: range) -> DrawableMap:
    losses, _ = completion.losses(name, tokens)
    top, test = float(losses.max()), completion.evidence.tests.get(name)
    quick = completion.evidence.words is None
    lines: tuple[str, ...]
    if quick:
        lines = (user_messages.QUICK_FORM,)
    elif test is None:
        lines = (user_messages.NOT_TESTED,)
    else:
        lines = (test.sentence, user_messages.scale_caption(top))
    shows_place = top > 0 and (quick or (test is not None and test.claim == "place"))
    return DrawableMap(completion.placement, losses, max(top, 1e-9), (), shows_place, lines)

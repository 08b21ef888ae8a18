"""A model behind an endpoint that judges the labelled traces."""

from __future__ import annotations

import json
from typing import Any

from models.reward import EVENTS
from tests.golden.site import Site
from tests.models.judges.odd_endpoint import chat, odd_endpoint

QUOTE = "Step 1"
"""Words of every trace that the scripts write."""


def judge_traces(site: Site) -> None:
    """Have them judged, and once more, when none is left."""
    verdicts: dict[str, Any] = {event: {"quote": QUOTE, "happened": False} for event in EVENTS}
    verdicts["contradiction"] = {"quote": QUOTE, "happened": True}
    reply = chat(json.dumps(verdicts))
    with odd_endpoint(lambda handler, _: handler.reply(reply)) as server:
        site.volatile.add_word(server.url, "<endpoint>")
        table = f'[judge]\nurl = "{server.url}"\nmodel = "judge-a"\nretries = 0\n'
        config = site.path("judge.toml", table)
        site.command("judge", "--config", config, "--json")
        site.command("judge", "--config", config)

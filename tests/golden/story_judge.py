"""A model behind an endpoint that judges the labelled traces."""

from __future__ import annotations

import json
from typing import Any

from models.reasoning.trace import parse
from models.reward import EVENTS
from tests.golden.site import Site
from tests.models.judges.odd_endpoint import Body, Handler, chat, odd_endpoint


def find_contradiction(handler: Handler, body: Body) -> None:
    """A judge's reply that quotes the first step of the trace, and finds a contradiction in it."""
    material = json.loads(body["messages"][1]["content"][-1]["text"])
    quote = parse(material["trace"]).steps[0].text
    verdicts: dict[str, Any] = {event: {"quote": quote, "happened": False} for event in EVENTS}
    verdicts["contradiction"] = {"quote": quote, "happened": True}
    handler.reply(chat(json.dumps(verdicts)))


def judge_traces(site: Site) -> None:
    """Have them judged, and once more, when none is left."""
    with odd_endpoint(find_contradiction) as server:
        site.volatile.add_word(server.url, "<endpoint>")
        table = f'[judge]\nurl = "{server.url}"\nmodel = "judge-a"\nretries = 0\n'
        config = site.path("judge.toml", table)
        site.command("judge", "--config", config, "--json")
        site.command("judge", "--config", config)

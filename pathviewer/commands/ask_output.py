"""Output of `ask`: overlay files, a summary for a terminal, a JSON object."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.deletion_check import DeletionCheck
from pathviewer.attention.overlay import drawable_attention, overlay_png
from pathviewer.evidence.check_method import check_method_json
from pathviewer.questions.ask import CompletionResult, PassageMaps
from pathviewer.questions.region_picture import RegionPicture
from pathviewer.slides.slide_identity import identity_text

Overlays = Mapping[str, Path]
"""Written files by passage name."""

Identity = Mapping[str, Any] | None
"""The slide's identity as it is stored with a question."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that could control a terminal or reverse its text."""


def plain(text: str) -> str:
    """Make a model's text safe for a terminal: control characters become U+FFFD."""
    return _CONTROLS.sub("\ufffd", text)


def write_overlays(
    target: Path, picture: RegionPicture, result: CompletionResult
) -> dict[str, Path]:
    """Write `name-step1.png`, ..., `name-answer.png` beside `name.png`, which covers all tokens.

    Each shows the prompt's first picture. Raises OSError when the folder cannot be written.
    """
    suffix = target.suffix or ".png"
    paths = {}
    for maps in result.passage_maps:
        part = "" if maps.name == "all" else "-" + maps.name.replace(" ", "")
        path = target.with_name(f"{target.stem}{part}{suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        title = "the whole completion" if maps.name == "all" else maps.name
        drawable = drawable_attention(maps.relative_or_raw[0])
        png = overlay_png(picture.pixels, drawable, title[0].upper() + title[1:])
        path.write_bytes(png)
        paths[maps.name] = path
    return paths


def summary(
    result: CompletionResult,
    identity: Identity,
    overlays: Overlays,
    check: DeletionCheck | None,
) -> Iterator[str]:
    """Yield lines for a terminal: slide, answer, problems, attention per passage, check."""
    trace, end = result.trace, result.end
    yield f"Slide: {plain(identity_text(identity))}"
    yield f"Answer: {plain(trace.answer) if trace.answer else 'none'}"
    for problem in trace.problems:
        yield f"Not as asked: {problem}"
    for maps in result.passage_maps:
        yield _map_line(maps, overlays.get(maps.name))
    if check:
        others = f", {check.random_mean:.3g} other tenths masked" if check.random_masked else ""
        yield (
            f"Deletion: answer {check.as_is:.3g} as it is, {check.blanked:.3g} blanked, "
            f"{check.attended_masked:.3g} attended tenth masked{others}. {check.sentence}"
        )
        yield check.method.describe(result.started.model.name)
    count = len(end.completion.token_ends)
    yield (
        f"{result.started.model.name}: {count} tokens in {end.seconds:.2f} s, "
        f"first after {end.first_token_seconds:.2f} s, ended by {end.completion.finish}. "
        "Not for diagnosis."
    )


def as_json(
    result: CompletionResult,
    identity: Identity,
    picture: RegionPicture,
    overlays: Overlays,
    check: DeletionCheck | None,
) -> dict[str, Any]:
    """Return the same with its provenance as JSON values; coordinates are level-0 pixels."""
    trace, end, started = result.trace, result.end, result.started
    region, placement = picture.region, started.placements[0]
    return {
        "slide_identity": identity,
        "answer": trace.answer,
        "steps": [asdict(step) for step in trace.steps],
        "well_formed": trace.well_formed,
        "problems": list(trace.problems),
        "text": end.completion.text,
        "finish": end.completion.finish,
        "maps": [_map_values(maps, overlays.get(maps.name)) for maps in result.passage_maps],
        "deletion": _check_values(check) if check else None,
        "region": [region.x, region.y, region.width, region.height],
        "mpp": picture.mpp,
        "scale": None if picture.scale is None else picture.scale.provenance(),
        "quickhash": picture.quickhash,
        "colours": picture.colours,
        "pixel_note": picture.pixel_note,
        "pixels": [placement.pixel_width, placement.pixel_height],
        "grid": [placement.columns, placement.rows],
        "prompt": result.request.prompt.text,
        "system": result.request.prompt.system,
        "sampling": asdict(result.request.sampling),
        "prompt_tokens": started.prompt_tokens,
        "tokens": len(end.completion.token_ends),
        "seconds": end.seconds,
        "first_token_seconds": end.first_token_seconds,
        "model": asdict(started.model),
    }


def _map_line(maps: PassageMaps, file: Path | None) -> str:
    attention_map = maps.relative_or_raw[0]
    state = "localised" if attention_map.is_localised else "diffuse: not localised"
    where = f"  {file}" if file else ""
    share = f"{attention_map.image_share:6.1%} of attention on the region"
    return f"{maps.name:<8} {share}, {state}{where}"


def _map_values(maps: PassageMaps, file: Path | None) -> dict[str, Any]:
    attention_map = maps.relative_or_raw[0]
    return {
        "name": maps.name,
        "first_token": attention_map.tokens.start,
        "tokens": len(attention_map.tokens),
        "image_share": attention_map.image_share,
        "entropy": attention_map.entropy,
        "spread": attention_map.spread,
        "localised": attention_map.is_localised,
        "relative": attention_map.relative,
        "weights": [[round(float(value), 6) for value in row] for row in attention_map.weights],
        "overlay": str(file) if file else None,
    }


def _check_values(check: DeletionCheck) -> dict[str, Any]:
    method = check.method
    controls = asdict(method.controls) if method.controls else None
    return {
        "as_is": check.as_is,
        "blanked": check.blanked,
        "attended_masked": check.attended_masked,
        "random_masked": list(check.random_masked),
        "random_mean": check.random_mean,
        "verdict": check.verdict,
        "method": check_method_json(method.fill, method.version, controls),
    }

"""`bench model`, `attention` and `training`: cost of an answer, of attention capture and of a
step."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from models.errors import ModelError
from models.registry import resolve_model
from pathviewer.bench.load import LoadError
from pathviewer.common.progress import bar

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
DeviceOption = Annotated[
    str | None, typer.Option(help="cpu or cuda; by default CUDA if available.")
]


def bench_model(
    model: Annotated[
        str | None, typer.Option(help="Model to measure; 10 M random weights if not given.")
    ] = None,
    side: Annotated[int, typer.Option(min=28, help="Side of the region, pixels.")] = 448,
    rounds: Annotated[
        int, typer.Option(min=1, help="Rounds, alternating with plain generation.")
    ] = 15,
    device: DeviceOption = None,
    start: Annotated[bool, typer.Option(help="Also time the start of `python app.py`.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Measure first token, 100 tokens, memory and start-up of the model against plain generate."""
    with sentences(), checkpoint(model) as (location, name):
        from models.bench.model import measure_model

        figures = asdict(
            measure_model(location, name=name, side=side, rounds=rounds, device=device)
        )
        info = figures.pop("model")
        figures |= {key: info[key] for key in ("parameters", "device", "dtype", "attention")}
        if start:
            from pathviewer.bench.startup import measure_start

            figures |= asdict(measure_start(location))
    report(figures, MODEL_ROWS, as_json)


def bench_attention(
    size: Annotated[
        str, typer.Option(help="Network with random weights: tiny, small, heads-of-7b or 7b.")
    ] = "tiny",
    cells: Annotated[int, typer.Option(min=2, help="Token cells along a side.")] = 16,
    tokens: Annotated[int, typer.Option(min=2, help="Tokens of the answer.")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the three ways alternate.")] = 15,
    device: DeviceOption = None,
    kernel: Annotated[
        str | None, typer.Option(help="sdpa or flash_attention_2; the fastest if not given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure time and memory of attention capture against none and against eager attention."""
    with sentences():
        from models.bench.attention import measure_attention

        figures = measure_attention(
            size=size, cells=cells, tokens=tokens, rounds=rounds, device=device, kernel=kernel
        )
    report(asdict(figures), ATTENTION_ROWS, as_json)


def bench_maps(
    model: Annotated[str, typer.Option(help="Model to measure.")] = "pathviewer-r1-tiny",
    slides: Annotated[int, typer.Option(min=1, help="Phantoms to draw.")] = 14,
    per_slide: Annotated[int, typer.Option(min=1, help="Regions of each.")] = 3,
    fill: Annotated[
        list[str] | None,
        typer.Option(help="What masks a place, the one that tests methods first; repeatable."),
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Method to measure; repeatable; all if not given.")
    ] = None,
    nuclei: Annotated[
        Path | None,
        typer.Option(help="Folder of tiles NAME.jpg with outlined nuclei NAME_nuclei.png."),
    ] = None,
    claims: Annotated[
        bool, typer.Option(help="Count what is claimed of blank pictures and irrelevant questions.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Measure whether maps point at known evidence, whether it matters, and what is claimed."""
    with sentences(), checkpoint(model) as (location, _):
        from models.deletion_check import FILL
        from models.fills import FILLS
        from pathviewer.bench.map_methods import METHODS
        from pathviewer.bench.maps import Plan, measure_maps

        others = [name for name in FILLS if name != FILL]
        fills = choose("fill", fill, [FILL, *others])
        methods = choose("method", method, list(METHODS))
        plan = Plan(slides, per_slide, fills, methods, nuclei, claims)
        with bar("Mapping") as step:
            figures = measure_maps(resolve_model(model), location, plan, step)
    typer.echo(json.dumps(figures) if as_json else "\n".join(map_lines(figures)))


def choose(kind: str, names: Sequence[str] | None, choices: Sequence[str]) -> Sequence[str]:
    """The given names, or all choices. Raises ModelError for an unknown one."""
    if unknown := [name for name in names or () if name not in choices]:
        raise ModelError(f"There is no {kind} {unknown[0]}; there are: {', '.join(choices)}.")
    return names or choices


def map_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tables of `bench maps`: shares in per cent with their 95 % intervals."""
    yield f"{figures['model']}: {figures['n']} regions of {figures['groups']} phantoms"
    yield from _map_tables(figures)
    if "nuclei" in figures:
        yield ""
        yield f"{figures['nuclei']['n']} real tiles with outlined nuclei"
        yield from _map_tables(figures["nuclei"])
    if "claims" in figures:
        yield ""
        yield "questions | depends on a place | on the region | not on the picture"
        for kind, rows in figures["claims"].items():
            for passages, row in rows.items():
                shares = " | ".join(_percent(row, claim) for claim in ("place", "region", "none"))
                yield f"{kind}, {passages} ({row['n']}) | {shares}"


def _map_tables(figures: Mapping[str, Any]) -> Iterator[str]:
    yield "masked by | true evidence matters | random | true evidence is claimed | random"
    keys = "positive_control", "negative_control", "positive_claims", "negative_claims"
    for fill, row in figures["fills"].items():
        yield " | ".join([fill, *(_percent(row, key) for key in keys)])
    yield "map | right | matters | right, shuffled weights | diffuse | deletion, insertion | cost"
    for name, row in figures["methods"].items():
        areas = "-"
        if row.get("deletion_area") is not None:
            areas = f"{row['deletion_area']:.2f}, {row['insertion_area']:.2f}"
        yield " | ".join(
            [
                name,
                *(_percent(row, key) for key in ("pointing", "matters", "pointing_shuffled")),
                f"{row['diffuse_rate']:.0%}",
                areas,
                f"{row['seconds_ratio']:.1f} answers",
            ]
        )


def _percent(row: Mapping[str, Any], name: str) -> str:
    if row.get(name) is None:
        return "-"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:.0%} ({100 * low:.0f}-{100 * high:.0f})"


def bench_training(
    sequences: Annotated[int, typer.Option(min=1, help="Traces in the batch.")] = 4,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the two formats alternate.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Measure a training step in float32 and in mixed precision; print which is used here."""
    with sentences(), checkpoint(None) as (location, _):
        from models.bench.training import measure_precision

        figures = measure_precision(location, sequences=sequences, rounds=rounds)
    report(asdict(figures), TRAINING_ROWS, as_json)


MODEL_ROWS = {
    "load_s": "worker started to model ready, s",
    "first_token_s": "first token, s (aim 0.7)",
    "answer_s": "100 tokens, s (aim 3)",
    "tokens_per_s": "tokens per s after the first",
    "plain_ratio": "answer over plain generate (aim 1.05)",
    "rss_mib": "worker's resident memory, MiB (aim 1,200 MB)",
    "page_s": "`python app.py` to the page, s (aim 5)",
    "ready_s": "`python app.py` to the model, s (aim 15)",
    "parameters": "weights",
    "device": "device",
    "dtype": "numbers",
    "attention": "attention kernel",
}
ATTENTION_ROWS = {
    "time_ratio": "time with capture over without (aim 1.03)",
    "memory_ratio": "peak memory with capture over without (aim 1.05)",
    "eager_time_ratio": "time of eager with output_attentions over without",
    "eager_memory_ratio": "peak memory of eager with output_attentions over without",
    "max_abs_diff": "largest difference from eager's rows (aim 1e-5 in float32)",
    "tokens_identical": "tokens as without capture (1 yes)",
    "seconds": "answer without capture, s",
    "mebibytes": "peak memory of tensors without capture, MiB",
    "device": "device",
    "dtype": "numbers",
    "kernel": "attention kernel",
}

TRAINING_ROWS = {
    "taken": "number format of training here",
    "taken_ratio": "its time over that of the faster one (aim 1)",
    "bfloat16_ratio": "time in bfloat16 over float32",
    "float32_s": "forward and backward in float32, s",
    "bfloat16_s": "forward and backward in bfloat16, s",
}


def report(figures: Mapping[str, object], rows: Mapping[str, str], as_json: bool) -> None:
    """Print the results as a table or one JSON object."""
    if as_json:
        typer.echo(json.dumps(figures))
        return
    width = max(map(len, rows.values()))
    for key, label in rows.items():
        if key in figures:
            value = figures[key]
            text = f"{value:,.4g}" if isinstance(value, float) else f"{value}"
            typer.echo(f"{label:<{width}}  {text}")


@contextmanager
def checkpoint(model: str | None) -> Iterator[tuple[Path, str]]:
    """Provide a model's folder and name; without a model, a temporary one with random weights."""
    if model is not None:
        registered_model = resolve_model(model)
        if registered_model.location is None:
            raise ModelError(f"“{registered_model.name}” has no weights to measure.")
        yield registered_model.location, registered_model.name
        return
    from models.training.specimen.random_init import write_fresh_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        yield write_fresh_checkpoint(Path(folder) / "fresh"), "random weights"


@contextmanager
def sentences() -> Iterator[None]:
    """Turn an error into a sentence and exit 1; benchmarks need the test requirements."""
    try:
        yield
    except ModuleNotFoundError as error:
        sys.exit(f"Benchmarks need {error.name}: pip install -r requirements-dev.txt installs it.")
    except (LoadError, ModelError) as error:
        sys.exit(str(error))

"""`bench maps`: do maps point at the evidence, and does what they point at matter?

Some regions have a known quadrant with most nuclei: those of phantoms, and of real tiles with
outlined nuclei. The right trace is put in, and each method maps the evidence for the words that
name the quadrant. The top tenth of a map is masked, and so are places of the same shape elsewhere:
the map's place matters if masking it hurts the words more. Two controls test the fill that masks:
the true evidence must matter, and a random map must not. The same methods on shuffled weights
must point nowhere.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.attention import LOCALISED_SPREAD
from models.deletion_check import CheckMethod, deletion_check, draw_other_masks
from models.engines.local.engine import LocalEngine
from models.evaluation.measurement import prompt_writer
from models.evidence import EvidenceMap
from models.occlusion import top_cells
from models.registry import RegisteredModel
from models.resampling import share_interval
from models.training.trainer.weight_shuffling import write_shuffled
from pathviewer.bench.known_regions import KnownRegion
from pathviewer.bench.map_cases import Case, Weights, make_cases, time_answer
from pathviewer.bench.map_claims import measure_claims
from pathviewer.bench.map_curves import draw_curves, mean_curves
from pathviewer.bench.map_methods import METHODS, log_probabilities
from pathviewer.bench.outlined_nuclei import read_outlined
from pathviewer.bench.phantom_regions import draw_regions

OTHER_PLACES = 8
"""Masked places elsewhere, for comparison."""
MOST_TILES = 20
"""Most tiles with outlined nuclei."""
SHUFFLES = 3
"""Networks with shuffled weights, one after another: a single one often favours some quadrant."""
SHUFFLED_NAME = "shuffled weights"

Progress = Callable[[int, int], None]
"""Called with the steps done and all steps."""


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    slides: int
    """Phantoms to draw."""
    per_slide: int
    """Regions of each."""
    fills: Sequence[str]
    """Fills of both controls; the first one also tests the methods and draws the curves."""
    methods: Sequence[str]
    """Methods to compare."""
    nuclei: Path | None = None
    """Folder of real tiles with outlined nuclei."""
    claims: bool = True
    """Whether to count what is claimed of blank pictures and irrelevant questions."""


def measure_maps(
    model: RegisteredModel, folder: Path, plan: Plan, progress: Progress = lambda _done, _all: None
) -> dict[str, Any]:
    """Return the figures as JSON values; `folder` is the checkpoint. Raises ModelError."""
    write = prompt_writer(model)
    with (
        tempfile.TemporaryDirectory() as name,
        closing(LocalEngine(folder, model.name)) as engine,
    ):
        regions = list(draw_regions(Path(name), plan.slides, plan.per_slide))
        cases = list(make_cases(engine, regions, write))
        tiles = list(make_cases(engine, _read_tiles(plan, Path(name)), write))
        measuring = _Measuring(engine, folder, plan, progress, 2 if tiles else 1)
        figures = (
            _describe(engine, cases)
            | {
                "answer_seconds": measuring.time_answers(cases),
            }
            | measuring.measure(cases, curves=True)
        )
        if tiles:
            figures["nuclei"] = {"n": len(tiles)} | measuring.measure(tiles, curves=False)
        if plan.claims:
            figures["claims"] = measure_claims(engine, cases, write)
        return figures


def _read_tiles(plan: Plan, folder: Path) -> list[KnownRegion]:
    """The tiles with outlined nuclei, if a folder of them is given."""
    return [] if plan.nuclei is None else list(read_outlined(plan.nuclei, folder, MOST_TILES))


def _describe(engine: LocalEngine, cases: Sequence[Case]) -> dict[str, Any]:
    info = engine.status().info
    return {
        "model": info.name if info else None,
        "revision": info.revision if info else None,
        "n": len(cases),
        "groups": len({case.group for case in cases}),
    }


@contextmanager
def _shuffled(folder: Path, seed: int) -> Iterator[LocalEngine]:
    """The same network with shuffled weights, which knows nothing."""
    with (
        tempfile.TemporaryDirectory() as name,
        closing(
            LocalEngine(write_shuffled(folder, Path(name) / "x", seed=seed), SHUFFLED_NAME)
        ) as engine,
    ):
        yield engine


def _point_untaught(
    folder: Path, methods: Sequence[str], cases: Sequence[Case]
) -> dict[str, list[float]]:
    """By method, the share of networks with shuffled weights that point right in each case."""
    right = {name: np.zeros((SHUFFLES, len(cases))) for name in methods}
    for seed in range(SHUFFLES):
        with _shuffled(folder, seed) as engine:
            for name in methods:
                right[name][seed] = [case.is_right(METHODS[name](engine, case)) for case in cases]
    return {name: each.mean(axis=0).tolist() for name, each in right.items()}


class _Measuring:
    """Measures fills and methods on cases, counting the steps."""

    def __init__(
        self,
        engine: LocalEngine,
        folder: Path,
        plan: Plan,
        progress: Progress,
        rounds: int,
    ) -> None:
        self._engine = engine
        self._folder = folder
        self._plan = plan
        self._progress = progress
        self._all = rounds * (len(plan.fills) + len(plan.methods))
        self._done = 0
        self._answer_seconds = 1.0

    def time_answers(self, cases: Sequence[Case]) -> float:
        """Median seconds of an answer."""
        self._answer_seconds = median(time_answer(self._engine, case) for case in cases)
        return self._answer_seconds

    def measure(self, cases: Sequence[Case], *, curves: bool) -> dict[str, Any]:
        """Both controls of each fill, and the row of each method, by their names."""
        fills = {fill: self._measure_fill(cases, fill) for fill in self._plan.fills}
        controls = fills[self._plan.fills[0]]
        untaught = _point_untaught(self._folder, self._plan.methods, cases)
        methods = {
            name: self._measure_method(name, cases, curves=curves)
            | _share("pointing_shuffled", untaught[name], cases)
            | controls
            for name in self._plan.methods
        }
        return {"fills": fills, "methods": methods}

    def _measure_fill(self, cases: Sequence[Case], fill: str) -> dict[str, Any]:
        """Both controls: how often a place matters, and how often it is claimed to."""
        self._step()
        shape = cases[0].placement.rows, cases[0].placement.columns
        true = [case.region.evidence(*shape) for case in cases]
        by_chance = [
            np.random.default_rng(seed).random(shape, np.float32) for seed in range(len(cases))
        ]
        row: dict[str, Any] = {}
        for name, maps in (("positive", true), ("negative", by_chance)):
            row |= self._matters(f"{name}_control", maps, cases, fill)
            claimed = [
                claims_place(self._engine, case, weights, fill)
                for weights, case in _pairs(maps, cases)
            ]
            row |= _share(f"{name}_claims", claimed, cases)
        return row

    def _measure_method(self, name: str, cases: Sequence[Case], *, curves: bool) -> dict[str, Any]:
        self._step()
        method, fill = METHODS[name], self._plan.fills[0]
        drawn = [_time(lambda case=case: method(self._engine, case)) for case in cases]  # type: ignore[misc]
        maps = [weights for weights, _ in drawn]
        row: dict[str, Any] = {
            "seconds_ratio": median(each for _, each in drawn) / self._answer_seconds
        }
        row |= _share("pointing", [case.is_right(w) for w, case in _pairs(maps, cases)], cases)
        row |= self._matters("matters", maps, cases, fill)
        row["diffuse_rate"] = float(np.mean([is_diffuse(weights) for weights in maps]))
        if curves:
            row |= mean_curves(
                [draw_curves(self._engine, case, w, fill) for w, case in _pairs(maps, cases)]
            )
        return row

    def _matters(
        self, name: str, maps: Sequence[Weights], cases: Sequence[Case], fill: str
    ) -> dict[str, Any]:
        values = [
            share_less_harmful(self._engine, case, top_cells(weights), fill)
            for weights, case in _pairs(maps, cases)
        ]
        return _share(name, values, cases)

    def _step(self) -> None:
        self._done += 1
        self._progress(min(self._done, self._all), self._all)


def _pairs(maps: Sequence[Weights], cases: Sequence[Case]) -> Iterator[tuple[Weights, Case]]:
    return zip(maps, cases, strict=True)


def _time(work: Callable[[], Weights]) -> tuple[Weights, float]:
    """Return a map and its seconds."""
    began = time.perf_counter()
    weights = work()
    return weights, time.perf_counter() - began


def is_diffuse(weights: Weights) -> bool:
    """Whether a map is diffuse by the rule of the attention maps (`LOCALISED_SPREAD`)."""
    total = float(weights.sum())
    if total <= 0:
        return True
    shares = weights[weights > 0].astype(np.float64) / total
    entropy = float(-(shares * np.log(shares)).sum() / np.log(weights.size))
    return bool(weights.size ** (entropy - 1) > LOCALISED_SPREAD)


def share_less_harmful(
    engine: LocalEngine, case: Case, mask: NDArray[np.bool_], fill: str
) -> float:
    """Share of other places that hurt the words less when masked; ties count half."""
    masks = [mask, *draw_other_masks(mask, OTHER_PLACES, seed=0)]
    first, *others = log_probabilities(engine, case, masks, fill)
    return float(np.mean([(each > first) + 0.5 * (each == first) for each in others]))


def claims_place(engine: LocalEngine, case: Case, weights: Weights, fill: str) -> bool:
    """Whether the deletion check says that the words depend on the strongest tenth of a map."""
    placed = EvidenceMap(0, case.placement, weights, 0.0)
    check = deletion_check(
        engine,
        case.prompt,
        case.target.words,
        placed,
        around=case.target.around,
        method=CheckMethod(fill=fill),
    )
    return check.verdict == "attended area mattered"


def _share(name: str, values: Sequence[float], cases: Sequence[Case]) -> dict[str, Any]:
    interval = share_interval([float(value) for value in values], [case.group for case in cases])
    if interval is None:
        return {name: None}
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}

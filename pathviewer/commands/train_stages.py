"""`python -m pathviewer train vision`, `align`, `sft`, `grpo` and `curves`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from models.errors import ModelError
from pathviewer.commands.train_data import training_errors

Config = Annotated[Path, typer.Option(help="TOML file of the stage; see models/recipes.")]
Start = Annotated[str, typer.Option(help="Checkpoint to start from: folder, hub id or name.")]
Out = Annotated[Path, typer.Option(help="Folder of the run; its result is checkpoint/.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume the run in --out.")]
Data = Annotated[
    list[Path] | None,
    typer.Option("--data", help="Replaces the config's data folders; repeatable."),
]
Seed = Annotated[int | None, typer.Option(help="Replaces the config's seed.")]
Processes = Annotated[
    int, typer.Option(min=1, help="Processes that share each step, one per core or GPU.")
]


def vision(
    config: Config,
    start: Start,
    out: Out,
    resume: Resume = False,
    data: Data = None,
    seed: Seed = None,
    processes: Processes = 1,
) -> None:
    """Stage 1: train the vision tower."""
    with training_errors():
        from models.training.stages.vision import VisionConfig, train_vision

        train = share_stage("vision", processes, config, data, seed) or train_vision
        _train(VisionConfig, train, config, start, out, resume, data, seed)


def align(
    config: Config,
    start: Start,
    out: Out,
    resume: Resume = False,
    data: Data = None,
    seed: Seed = None,
    processes: Processes = 1,
) -> None:
    """Stage 2: train the network to describe what the tower sees."""
    with training_errors():
        from models.training.stages.finetuning import TuningConfig, train_tuning

        train = share_stage("align", processes, config, data, seed) or train_tuning
        _train(TuningConfig, train, config, start, out, resume, data, seed)


def sft(
    config: Config,
    start: Start,
    out: Out,
    resume: Resume = False,
    data: Data = None,
    seed: Seed = None,
    processes: Processes = 1,
) -> None:
    """Stage 3: supervised fine-tuning on traces; `trainer = "trl"` takes any checkpoint."""
    with training_errors():
        from models.training.trainer.run_folder import read_table

        if read_table(config).get("trainer") is None:
            align(config, start, out, resume, data, seed, processes)
            return
        if processes > 1:
            message = f"{config} names TRL's trainer, which runs in one process here."
            raise ModelError(message)
        from models.training.stages.sft_trl import SftConfig, train_sft

        _train(SftConfig, train_sft, config, start, out, resume, data, seed)


def grpo(
    config: Config,
    start: Start,
    out: Out,
    resume: Resume = False,
    data: Data = None,
    seed: Seed = None,
) -> None:
    """Stage 4: reinforcement learning with the outcome reward, optionally with the process
    reward."""
    with training_errors():
        from models.training.stages.grpo import GrpoConfig, train_grpo

        _train(GrpoConfig, train_grpo, config, start, out, resume, data, seed)


def preferences(
    config: Config,
    start: Start,
    out: Out,
    resume: Resume = False,
    dataset: Annotated[
        Path | None, typer.Option("--data", help="Replaces the config's export.")
    ] = None,
    seed: Seed = None,
) -> None:
    """Stage 5: train on feedback from an `export` folder (preference or unpaired)."""
    with training_errors():
        from models.training.stages.preferences import PreferencesConfig, train_preferences
        from models.training.trainer.run_folder import (
            find_start_folder,
            override_table,
            parse_config,
            read_table,
        )

        table = override_table(read_table(config), data=None, seed=seed)
        if dataset:
            table["dataset"] = dataset
        checked = parse_config(table, PreferencesConfig, config)
        train_preferences(checked, find_start_folder(start), out, resume=resume)
        typer.echo(f"Wrote {out / 'checkpoint'}.", err=True)


def average(
    checkpoints: Annotated[
        list[Path], typer.Argument(help="Folders of checkpoints of the same shape.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write; must not exist or be empty.")],
    bfloat16: Annotated[bool, typer.Option("--bfloat16", help="Half the size.")] = False,
) -> None:
    """Write the mean of several checkpoints of one training."""
    with training_errors():
        from models.training.trainer.weight_averaging import write_average

        typer.echo(f"Wrote {write_average(checkpoints, out, small=bfloat16)}.", err=True)


def curves(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or metrics.jsonl files.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")],
) -> None:
    """Plot the metrics of runs over their steps as one offline HTML page."""
    with training_errors():
        from models.training.trainer.curves import write_curves

        write_curves(runs, out)
        typer.echo(f"Wrote {out}.", err=True)


def _train(
    kind: Any,
    train: Callable[..., None],
    config: Path,
    start: str,
    out: Path,
    resume: bool,
    data: list[Path] | None,
    seed: int | None,
) -> None:
    """Read the config, apply the command line's overrides, and train."""
    from models.training.trainer.data_parallel import join_processes
    from models.training.trainer.run_folder import (
        find_start_folder,
        override_table,
        parse_config,
        read_table,
    )

    table = override_table(read_table(config), data=data, seed=seed)
    train(parse_config(table, kind, config), find_start_folder(start), out, resume=resume)
    if join_processes() == (0, 1):  # of several processes, only the parent prints it
        typer.echo(f"Wrote {out / 'checkpoint'}.", err=True)


def share_stage(
    stage: str, processes: int, config: Path, data: list[Path] | None, seed: int | None
) -> Callable[..., None] | None:
    """Return a function that runs a stage in several processes; None if one is enough.

    `config`, `data` and `seed` are those of the stage's command, which each process runs.
    """
    if processes == 1:
        return None
    from models.training.trainer.data_parallel import check_shares, launch_processes

    def train(checked: Any, start: Path, out: Path, *, resume: bool) -> None:
        check_shares(checked.loop.accumulate, processes)
        arguments = ["--config", str(config), "--start", str(start), "--out", str(out)]
        arguments += ["--resume"] if resume else []
        arguments += [part for folder in data or () for part in ("--data", str(folder))]
        arguments += ["--seed", str(seed)] if seed is not None else []
        launch_processes(
            processes, [sys.executable, "-m", "pathviewer", "train", stage, *arguments]
        )

    return train

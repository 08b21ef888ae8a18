"""A step's batches shared out among processes that torchrun began, one to a core or to a GPU.

Each draws and reckons its own batches and holds the same weights; gradients are summed before the
optimiser's step, so the step is that of one process but for the order of additions.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import torch
from torch import Tensor, distributed, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from models.errors import ModelError


@cache
def place_among() -> tuple[int, int]:
    """The number of this process and how many there are; 0 and 1 without torchrun."""
    if not distributed.is_torchelastic_launched():
        return 0, 1
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return distributed.get_rank(), distributed.get_world_size()


def leads() -> bool:
    """Whether this process writes the run's files; one by itself does."""
    return place_among()[0] == 0


def own_batches(count: int) -> range:
    """Numbers of the batches of a step that are this process's.

    Raises ModelError if a process would have none.
    """
    number, processes = place_among()
    if count < processes:
        message = (
            f"{processes} processes cannot share {count} batches of a step: begin fewer, or raise "
            "accumulate and lower batch by as much."
        )
        raise ModelError(message)
    return range(number, count, processes)


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Give each parameter the sum of its gradients in all processes."""
    if place_among()[1] == 1:
        return
    gradients: list[Tensor] = []
    for each in parameters:
        if each.grad is None:  # text alone leaves the tower without
            each.grad = torch.zeros_like(each)
        gradients.append(each.grad)
    whole = parameters_to_vector(gradients)
    distributed.all_reduce(whole)
    vector_to_parameters(whole, gradients)


def sum_figures(figures: Mapping[str, float]) -> dict[str, float]:
    """The sum of figures in all processes; one that a process lacks counts as 0."""
    processes = place_among()[1]
    if processes == 1:
        return dict(figures)
    told: list[Mapping[str, float]] = [{}] * processes
    distributed.all_gather_object(told, figures)
    names = dict.fromkeys(name for each in told for name in each)
    return {name: sum(each.get(name, 0.0) for each in told) for name in names}


def begin_together(processes: int, command: Sequence[str]) -> None:
    """Run a command in several processes that know of each other, by torchrun, to their end.

    Each has one thread unless OMP_NUM_THREADS says otherwise. Raises ModelError if one fails; what
    it said stands above.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    told = ["--standalone", f"--nproc-per-node={processes}", "--no-python", "--", *command]
    try:
        run(parse_args(told))  # type: ignore[no-untyped-call]
    except ChildFailedError as error:
        message = f"One of the {processes} processes ended; what it said stands above."
        raise ModelError(message) from error

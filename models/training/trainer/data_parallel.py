"""Data-parallel training: a step's batches divided among torchrun processes, one per core or GPU.

Each process computes its own batches with the same weights; gradients are summed before the
optimiser step, so the step equals that of one process up to the order of additions.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, distributed, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from models.errors import ModelError

LONGEST_WAIT = timedelta(days=1)
"""Longest wait for another process, for example for the first while it validates."""


@cache
def join_processes() -> tuple[int, int]:
    """Join the other processes once; return this one's number and the total.

    0 and 1 without torchrun.
    """
    if not distributed.is_torchelastic_launched():
        return 0, 1
    if not distributed.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        engine = "nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(engine, timeout=LONGEST_WAIT)
    return distributed.get_rank(), distributed.get_world_size()


def is_leader() -> bool:
    """Whether this process writes the run's files; always true for a single process."""
    return join_processes()[0] == 0


def check_shares(batches: int, processes: int) -> None:
    """Raise ModelError if a process would have no batch of a step, or no GPU."""
    if batches < processes:
        message = (
            f"Too few batches in a step ({batches}) for {processes} processes: start fewer, or "
            "raise accumulate and lower batch by as much."
        )
        raise ModelError(message)
    if torch.cuda.is_available() and processes > torch.cuda.device_count():
        message = (
            f"Too few GPUs ({torch.cuda.device_count()}) for {processes} processes: start fewer."
        )
        raise ModelError(message)


def own_batches(count: int) -> range:
    """Indices of this process's batches of a step; raises ModelError if it has none."""
    number, processes = join_processes()
    check_shares(count, processes)
    return range(number, count, processes)


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Sum each parameter's gradients over all processes."""
    if join_processes()[1] == 1:
        return
    gradients: list[Tensor] = []
    for parameter in parameters:
        if parameter.grad is None:  # text-only batches leave the tower without gradients
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    vector = parameters_to_vector(gradients)
    distributed.all_reduce(vector)
    vector_to_parameters(vector, gradients)


def sum_figures(figures: Mapping[str, float]) -> dict[str, float]:
    """Sum figures over all processes; one missing in a process counts as 0."""
    processes = join_processes()[1]
    if processes == 1:
        return dict(figures)
    gathered: list[Mapping[str, float]] = [{}] * processes
    distributed.all_gather_object(gathered, figures)
    names = dict.fromkeys(name for process_figures in gathered for name in process_figures)
    return {name: sum(each.get(name, 0.0) for each in gathered) for name in names}


def launch_processes(processes: int, command: Sequence[str]) -> None:
    """Run a command in several processes by torchrun, to their end.

    They communicate over the loopback interface only, with one thread each unless OMP_NUM_THREADS
    says otherwise. Raises ModelError if one fails or is interrupted; its output appears above.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    options = ["--standalone", f"--nproc-per-node={processes}", "--local-addr=127.0.0.1"]
    with TemporaryDirectory() as logs:
        options += [f"--log-dir={logs}", "--no-python", "--", *command]
        try:
            run(parse_args(options))  # type: ignore[no-untyped-call]
        except ChildFailedError as error:
            message = f"One of the {processes} processes ended; its output is above."
            raise ModelError(message) from error
        except SignalException as error:
            message = "Interrupted; --resume continues from the last checkpoint."
            raise ModelError(message) from error

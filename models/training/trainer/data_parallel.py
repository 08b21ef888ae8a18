"""A step's batches shared out among processes that torchrun began, one to a core or to a GPU.

Each draws and reckons its own batches and holds the same weights; gradients are summed before the
optimiser's step, so the step is that of one process but for the order of additions.
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
"""For another process, such as the first while it looks at the validation split."""


@cache
def join_processes() -> tuple[int, int]:
    """Meet the other processes once; the number of this one and how many there are.

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
    """Whether this process writes the run's files; one by itself does."""
    return join_processes()[0] == 0


def check_shares(batches: int, processes: int) -> None:
    """Raise ModelError where a process would have no batch of a step, or no GPU."""
    if batches < processes:
        message = (
            f"Too few batches in a step ({batches}) for {processes} processes: begin fewer, or "
            "raise accumulate and lower batch by as much."
        )
        raise ModelError(message)
    if torch.cuda.is_available() and processes > torch.cuda.device_count():
        message = (
            f"Too few GPUs ({torch.cuda.device_count()}) for {processes} processes: begin fewer."
        )
        raise ModelError(message)


def own_batches(count: int) -> range:
    """Numbers of the batches of a step that are this process's; ModelError if it has none."""
    number, processes = join_processes()
    check_shares(count, processes)
    return range(number, count, processes)


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Give each parameter the sum of its gradients in all processes."""
    if join_processes()[1] == 1:
        return
    gradients: list[Tensor] = []
    for parameter in parameters:
        if parameter.grad is None:  # text alone leaves the tower without
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    vector = parameters_to_vector(gradients)
    distributed.all_reduce(vector)
    vector_to_parameters(vector, gradients)


def sum_figures(figures: Mapping[str, float]) -> dict[str, float]:
    """The sum of figures in all processes; one that a process lacks counts as 0."""
    processes = join_processes()[1]
    if processes == 1:
        return dict(figures)
    gathered: list[Mapping[str, float]] = [{}] * processes
    distributed.all_gather_object(gathered, figures)
    names = dict.fromkeys(name for process_figures in gathered for name in process_figures)
    return {name: sum(each.get(name, 0.0) for each in gathered) for name in names}


def launch_processes(processes: int, command: Sequence[str]) -> None:
    """Run a command in several processes that know of each other, by torchrun, to their end.

    They speak over the loopback interface alone, and each has one thread unless OMP_NUM_THREADS
    says otherwise. Raises ModelError if one fails or is broken off; what it said stands above.
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
            message = f"One of the {processes} processes ended; what it said stands above."
            raise ModelError(message) from error
        except SignalException as error:
            message = "Broken off; --resume goes on from what was last saved."
            raise ModelError(message) from error

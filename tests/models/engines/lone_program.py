"""A program with a worker: prints the child's process id and waits to be killed."""

from __future__ import annotations

import time

from tests.models.engines.worker.test_engine import tiny

if __name__ == "__main__":
    backend = tiny()
    backend.wait_until_settled(60)
    print(backend.process_id, flush=True)  # noqa: T201
    time.sleep(60)

"""Run the server and write down every address that it connects or sends to, or looks up.

`python -m tests.recorded_server LOG` with the settings in the environment; prints its address.
"""

from __future__ import annotations

import sys
from pathlib import Path

RECORDED = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"}


def record_to(log: Path) -> None:
    """Install an audit hook (PEP 578) that sees every Python-level connection."""
    handle = log.open("a", buffering=1)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in RECORDED:
            target = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
            handle.write(f"{event} {target!r}\n")
        elif event == "subprocess.Popen":
            handle.write(f"{event} {arguments[0]!r}\n")

    sys.addaudithook(hook)


if __name__ == "__main__":
    record_to(Path(sys.argv[1]))
    from pathviewer.server.run import serve
    from pathviewer.settings import Settings

    serve(Settings())

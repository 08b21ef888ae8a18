"""The command `pathviewer` of an installation, and `python -m pathviewer`."""

from __future__ import annotations


def main(name: str = "pathviewer") -> None:
    """Run the command line, which calls itself `name`."""
    # imported here, since processes that the server starts load an installed command once more
    from pathviewer.commands.main import app

    app(prog_name=name)


if __name__ == "__main__":
    main("python -m pathviewer")

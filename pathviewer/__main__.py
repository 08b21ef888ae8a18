"""`python -m pathviewer COMMAND`."""

from pathviewer.cli import app

app(prog_name="python -m pathviewer")

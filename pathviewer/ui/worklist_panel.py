"""Worklist panels: the lists and the current item's progress."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def worklist_panel(settings: Settings) -> gr.HTML:
    """Return the list of worklists, at the top of the right column."""
    return panel(settings, "worklists/worklist_panel.js", "pv-worklist-list")


def worklist_item(settings: Settings) -> gr.HTML:
    """Return the footer of the right column, shown during a worklist."""
    return panel(settings, "worklists/worklist_footer.js", "pv-worklist-item")

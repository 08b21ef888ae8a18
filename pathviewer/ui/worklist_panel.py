"""Worklists: which there are, and how far the one that is walked is."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel


def worklist_panel(settings: Settings) -> gr.HTML:
    """The lists, at the top of the right column."""
    return panel(settings, "worklists/worklist_panel.js", "pv-worklist-list")


def worklist_item(settings: Settings) -> gr.HTML:
    """The foot of the right column while a list is walked."""
    return panel(settings, "worklists/worklist_footer.js", "pv-worklist-item")

"""Slide viewer; its `select` event reports the selected region."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.panel import panel
from pathviewer.ui.vocabulary import verdict_words


def slide_canvas(settings: Settings) -> gr.HTML:
    """Return the viewer, in the middle of the page.

    Its event `select` carries `slide` (id or None) and `region`: None, or a dict with id, name,
    shape, points ([x, y] in level-0 pixels as drawn) and box (x, y, width, height in whole level-0
    pixels, rounded outwards).
    """
    return panel(settings, "viewer/slide_canvas.js", "pv-slide-canvas", verdicts=verdict_words())

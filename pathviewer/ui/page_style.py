"""Gradio options of the page: a dark theme regardless of the system, and local fonts."""

from __future__ import annotations

from typing import Any

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.page_files import STATIC_PATH

_SHEETS = (
    "core/page.css",
    "viewer/slide_canvas.css",
    "core/panels.css",
    "questions/question.css",
    "attention/heat_overlay.css",
    "feedback/feedback.css",
    "worklists/worklist.css",
)


def page_theme() -> gr.themes.Base:
    """Return Gradio's base theme with system fonts and dark values in both modes."""
    theme = gr.themes.Base(
        primary_hue="sky",
        neutral_hue="slate",
        font=["system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "Menlo", "monospace"],
    )
    theme.set(body_background_fill_dark="#14171a", body_text_color_dark="#e8ebee")
    for name, value in vars(theme).copy().items():
        if name.endswith("_dark") and value is not None:
            setattr(theme, name.removesuffix("_dark"), value)
    return theme


def page_options(settings: Settings) -> dict[str, Any]:
    """Return the style options for `gr.mount_gradio_app`."""
    links = "".join(
        f'<link rel="stylesheet" href="{settings.root_path}{STATIC_PATH}/{sheet}">'
        for sheet in _SHEETS
    )
    return {"theme": page_theme(), "head": f'<meta name="color-scheme" content="dark">{links}'}

"""Main page: slides and regions on the left, the slide in the middle, questions on the right."""

from __future__ import annotations

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.ask_panel import ask_panel
from pathviewer.ui.feedback_panel import judge_panel
from pathviewer.ui.maps_panel import maps_panel
from pathviewer.ui.page_style import page_options
from pathviewer.ui.region_list import region_list
from pathviewer.ui.selected_region import (
    SlideCatalogue,
    describe_selection,
    selected_region,
)
from pathviewer.ui.slide_canvas import slide_canvas
from pathviewer.ui.slide_list import slide_list
from pathviewer.ui.top_bar import top_bar
from pathviewer.ui.trace_panel import trace_panel
from pathviewer.ui.worklist_panel import worklist_item, worklist_panel

__all__ = ["build_page", "page_options"]


def build_page(settings: Settings, library: SlideCatalogue) -> gr.Blocks:
    """Build the page; mount it with `page_options(settings)`."""
    page = gr.Blocks(title="PathViewer", analytics_enabled=False, fill_width=True, fill_height=True)
    with page:
        top_bar(settings)
        with gr.Row(elem_id="pv-columns"):
            with gr.Column(elem_id="pv-left"):
                slide_list(settings)
                region_list(settings)
                region_panel = selected_region(settings)
            with gr.Column(elem_id="pv-middle"):
                canvas = slide_canvas(settings)
            with gr.Column(elem_id="pv-right"):
                worklist_panel(settings)
                ask_panel(settings)
                maps_panel(settings)
                trace_panel(settings)
                judge_panel(settings)
                worklist_item(settings)
        describe_selection(canvas, region_panel, library)
    return page

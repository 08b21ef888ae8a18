"""Panels: constant templates that our scripts fill."""

from __future__ import annotations

from typing import Any

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.ui.page_files import ASSETS_PATH, STATIC_PATH

_LIBRARY = f"{ASSETS_PATH}/openseadragon/openseadragon.min.js"
_ON_LOAD = "import(props.module).then((panel) => panel.mount(element, props, trigger, watch));"


def panel(settings: Settings, script: str, elem_id: str, **values: Any) -> gr.HTML:
    """Return a panel that a script of the folder `static` fills.

    The template is constant, so Gradio never re-renders it and interpolates nothing. External
    values reach the script as `props.value` and become text nodes.
    """
    return gr.HTML(
        html_template='<div data-panel class="pv-mount"></div>',
        js_on_load=_ON_LOAD,
        module=f"{settings.root_path}{STATIC_PATH}/{script}",
        root=settings.root_path,
        visitors=settings.public_demo,
        library=_LIBRARY,
        elem_id=elem_id,
        apply_default_css=False,
        **values,
    )

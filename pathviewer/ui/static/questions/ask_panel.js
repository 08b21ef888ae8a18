/**
 * The upper part of the reading panel: the model's badge and the form, folded once asked.
 *
 * @import { PanelProps } from "../../page_types"
 */

import { askForm } from "./question_form.js";
import { modelBadge, watchModel } from "./model_badge.js";
import { fillPanel, h } from "../core/dom.js";
import { history } from "./question_history.js";
import { keepReading } from "./question_store.js";
import { start } from "../core/page_start.js";
import { store } from "../core/store.js";

/**
 * Mount the form into the page's element.
 * @param {Element} element
 * @param {PanelProps} props
 */
export async function mount(element, props) {
  const fold = h(
    "details",
    { class: "pv-ask-fold", id: "pv-ask-fold", open: true },
    h("summary", {}, "Ask"),
  );
  fold.append(askForm());
  foldWithReading(fold);
  fillPanel(
    element,
    h("section", { class: "pv-panel pv-ask", "aria-label": "Ask" }, modelBadge(), fold, history()),
  );
  await start(props);
  keepReading();
  watchModel();
}

/**
 * The form gives way to a reading when it appears, and comes back when there is none.
 * @param {HTMLDetailsElement} fold
 */
function foldWithReading(fold) {
  /** @type {string|null} */
  let shown = null;
  store.on("reading", (reading) => {
    const id = reading?.id ?? null;
    if (id === shown) return;
    shown = id;
    fold.open = !id;
    if (id && fold.contains(document.activeElement))
      /** @type {HTMLElement} */ (document.activeElement).blur();
  });
}

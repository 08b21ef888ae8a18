/**
 * The selected region, as Python computed it from the exact level-0 values it was told.
 *
 * @import { PanelProps } from "../../page_types"
 */

import { fill, fillPanel, h } from "../core/dom.js";
import { start } from "../core/page_start.js";

/** @typedef {{title: string, rows: [string, string][], notes: string[]}|null} Facts */

/**
 * Mount the panel into the page's element; `props.value` is what `describe_region` returned.
 * @param {Element} element
 * @param {PanelProps & {value: Facts}} props
 * @param {unknown} _trigger
 * @param {(name: string, changed: () => void) => void} watch
 */
export function mount(element, props, _trigger, watch) {
  const body = h("div", { class: "pv-facts", "aria-live": "polite" });
  fillPanel(
    element,
    h(
      "section",
      { class: "pv-panel", "aria-label": "Selected region" },
      h("h2", {}, "Selected region"),
      body,
    ),
  );
  const show = () => showFacts(body, props.value);
  watch("value", show);
  show();
  return start(props);
}

/** @param {HTMLElement} body @param {Facts} facts */
function showFacts(body, facts) {
  if (!facts?.rows) {
    fill(body, h("p", { class: "pv-empty" }, "No region is selected."));
    return;
  }
  fill(
    body,
    h("p", { class: "pv-facts-title" }, facts.title),
    h(
      "dl",
      {},
      ...facts.rows.flatMap(([label, value]) => [h("dt", {}, label), h("dd", {}, value)]),
    ),
    ...facts.notes.map((note) => h("p", { class: "pv-note" }, note)),
  );
}

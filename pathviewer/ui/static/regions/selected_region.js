/** The selected region, as Python computed it from the exact level-0 values it was told. */

import { fill, h } from "../core/dom.js";
import { start } from "../core/page_start.js";

/** Mount the panel into the page's element; `props.value` is what `describe_region` returned. */
export function mount(element, props, _trigger, watch) {
  const body = h("div", { class: "pv-facts", "aria-live": "polite" });
  element
    .querySelector("[data-panel]")
    .replaceChildren(
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

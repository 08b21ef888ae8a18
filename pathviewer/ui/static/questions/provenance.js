/**
 * The provenance drawer: how the answer on the screen came about, and the way to have it again.
 *
 * @import { Question } from "../../api_types"
 */

import { failureOf, ownUrl, request } from "../core/api.js";
import { askAgain } from "./rerun.js";
import { gridPicture } from "./model_input_preview.js";
import { fill, h, setText } from "../core/dom.js";
import { factGroups } from "./provenance_facts.js";
import { isUnderWay } from "./question_store.js";
import { say, store } from "../core/store.js";

let toggle = () => {};

/** Open the drawer, or close it. */
export function toggleProvenance() {
  toggle();
}

/** @returns {HTMLElement} the button that opens the drawer, with the drawer */
export function provenance() {
  const body = h("div", { class: "pv-drawer-body" });
  const error = h("p", { class: "pv-ask-error", role: "alert" });
  const again = h(
    "button",
    { type: "button", class: "pv-button pv-primary" },
    "Ask again with the same seed",
  );
  const copy = h("button", { type: "button", class: "pv-button" }, "Copy as JSON");
  const report = h(
    "a",
    { class: "pv-action", target: "_blank", rel: "noopener" },
    "Report to print",
  );
  const close = h(
    "button",
    { type: "button", class: "pv-button", onclick: () => drawer.close() },
    "Close",
  );
  /** @type {HTMLDialogElement} */
  const drawer = h(
    "dialog",
    { class: "pv-drawer", "aria-labelledby": "pv-drawer-title" },
    h(
      "div",
      { class: "pv-drawer-head" },
      h("h2", { id: "pv-drawer-title" }, "How this answer came about"),
      close,
    ),
    body,
    h("div", { class: "pv-drawer-foot" }, again, copy, report, error),
  );
  const button = h(
    "button",
    {
      type: "button",
      class: "pv-button pv-low",
      title: "Slide, picture, model, prompt, seed, timings (I)",
    },
    "Provenance",
  );
  /** @type {Question|null} */
  let shown = null;
  const open = async () => {
    const reading = store.get("reading");
    if (!reading) return;
    setText(error, "");
    fill(body, h("p", { class: "pv-quiet" }, "…"));
    again.disabled = isUnderWay(reading);
    report.hidden = isUnderWay(reading);
    report.href = ownUrl(`/api/readings/${encodeURIComponent(reading.id)}/report.html`);
    drawer.showModal();
    try {
      shown = await request("GET /api/readings/{question_id}", {
        path: { question_id: reading.id },
      });
      fill(body, ...content(shown));
    } catch (thrown) {
      const failure = failureOf(thrown);
      shown = null;
      fill(body);
      setText(error, failure.message);
    }
  };
  toggle = () => (drawer.open ? drawer.close() : open());
  button.addEventListener("click", open);
  drawer.addEventListener(
    "keydown",
    (event) =>
      event.key === "i" &&
      !(/** @type {Element} */ (event.target).matches("input")) &&
      drawer.close(),
  );
  again.addEventListener("click", async () => {
    setText(error, "");
    try {
      await askAgain(store.need("reading"));
      drawer.close();
    } catch (thrown) {
      const failure = failureOf(thrown);
      setText(error, failure.message);
    }
  });
  copy.addEventListener("click", () => copyText(JSON.stringify(shown, null, 2), error));
  return h("div", { class: "pv-provenance" }, button, drawer);
}

/** @param {Question} told */
function content(told) {
  const [placement] = told.placements;
  const picture = ownUrl(`/api/readings/${encodeURIComponent(told.id)}/picture.png`);
  return [
    placement &&
      h(
        "figure",
        { class: "pv-drawer-picture" },
        gridPicture({
          picture,
          width: placement.pixel_width,
          height: placement.pixel_height,
          columns: placement.columns,
          rows: placement.rows,
        }),
        h(
          "figcaption",
          { class: "pv-quiet" },
          "The very picture that the model saw, with its token grid",
        ),
      ),
    ...factGroups(told, store.get("completion")).map(({ title, rows }) =>
      h(
        "section",
        {},
        h("h3", {}, title),
        h(
          "dl",
          {},
          ...rows.flatMap(([name, value, long]) => [
            h("dt", {}, name),
            h("dd", { class: long ? "pv-long" : "" }, value),
          ]),
        ),
      ),
    ),
  ];
}

/** @param {string} text @param {HTMLElement} error */
async function copyText(text, error) {
  try {
    await navigator.clipboard.writeText(text);
    say("The provenance is on the clipboard.");
  } catch {
    setText(error, "The browser does not let the page write to the clipboard.");
  }
}

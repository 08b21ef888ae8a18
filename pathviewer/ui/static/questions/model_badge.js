/**
 * Which model answers, what it is fit for, and whether it can be asked now.
 *
 * @import { PageModel } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { store } from "../core/store.js";

const SOON_MS = 1500;
const SETTLED_MS = 15000;
let watching = false;

/** Keep store "model" at what GET /api/model says, or at the sentence why it says nothing. */
export function watchModel() {
  if (watching) return;
  watching = true;
  look();
}

async function look() {
  /** @type {PageModel} */
  let model;
  let away = false;
  try {
    model = await request("GET /api/model");
  } catch (thrown) {
    const error = failureOf(thrown);
    away = true;
    model = {
      name: "",
      state: "failed",
      sentence: error.message,
      specimen: false,
      question_types: null,
    };
  }
  if (JSON.stringify(model) !== JSON.stringify(store.get("model"))) store.set("model", model);
  setTimeout(look, away || model.state === "starting" ? SOON_MS : SETTLED_MS);
}

/** Why nothing can be asked of this model now, or "". @param {PageModel|undefined} model */
export function modelTrouble(model) {
  if (!model) return "The model is being looked for.";
  return model.state === "ready" ? "" : model.sentence;
}

/** The model's name, its state, and the question types of a specimen. @returns {HTMLElement} */
export function modelBadge() {
  const node = h("div", { class: "pv-model" });
  store.on("model", () => {
    const model = store.need("model");
    fill(
      node,
      h(
        "span",
        { class: "pv-model-name", "data-state": model.state, title: model.sentence },
        model.name || "no model",
      ),
      model.specimen &&
        h(
          "span",
          { class: "pv-badge", title: kept(model) },
          "specimen model: these question types only",
        ),
      model.specimen &&
        model.question_types?.length &&
        h("span", { class: "pv-types" }, model.question_types.join(" · ")),
    );
  });
  return node;
}

/** @param {PageModel} model */
function kept(model) {
  return (
    `It knows ${model.question_types?.join(", ") || "no question type"}; another question is ` +
    "asked all the same, and its answer is marked."
  );
}

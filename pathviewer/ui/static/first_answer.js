/** Blind first: the clinician's own answer, frozen before the model's is shown. */

import { h, setText } from "./dom.js";
import { answerFirst } from "./reading_store.js";

/** @param {Object} reading that waits for it @returns {HTMLElement} */
export function firstAnswer(reading) {
  const { options } = reading;
  const field = options.length
    ? h("select", { class: "pv-field", "aria-label": "Your answer" },
      h("option", { value: "" }, "Your answer …"), ...options.map((text) =>
        h("option", { value: text }, text)))
    : h("input", { type: "text", class: "pv-field", "aria-label": "Your answer",
      placeholder: "Your answer", autocomplete: "off" });
  const confidence = h("select", { class: "pv-field", "aria-label": "How sure you are" },
    h("option", { value: "" }, "sure? 1-5"),
    ...[1, 2, 3, 4, 5].map((value) => h("option", { value }, value)));
  const error = h("p", { class: "pv-ask-error", role: "alert" });
  const keep = async (event) => {
    event.preventDefault();
    if (!field.value.trim()) {
      setText(error, "Give your own answer first; the model's is shown after it.");
      return;
    }
    try {
      await answerFirst(field.value.trim(), Number(confidence.value) || null);
    } catch (failure) {
      setText(error, failure.message);
    }
  };
  return h("form", { class: "pv-first", onsubmit: keep },
    h("p", {}, "Blind first: your answer is kept as it is, then the model's is shown."),
    h("div", { class: "pv-picks" }, field, confidence), h("div", { class: "pv-ask-last" }, error,
      h("button", { type: "submit", class: "pv-button pv-primary" }, "Keep my answer")));
}

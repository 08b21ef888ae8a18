/**
 * Blind first: the clinician's own answer, frozen before the model's is shown.
 *
 * @import { Reading } from "../../page_types"
 */

import { failureOf } from "../core/api.js";
import { h, setText, targetOf } from "../core/dom.js";
import { answerItem } from "../worklists/item_question.js";
import { byDigit, focusChoice, oneOf } from "./choice_buttons.js";
import { answerFirst } from "../questions/question_store.js";
import { store } from "../core/store.js";

const MOST_KEYS = 9;
const LONGEST_ANSWER = 1000;

/** Give the form the keyboard, once it is drawn. */
export function focusFirstAnswer() {
  requestAnimationFrame(() => {
    /** @type {HTMLElement|null} */
    const field = document.querySelector(".pv-first-options, .pv-first input");
    if (field?.matches("input")) field.focus({ preventScroll: true });
    else if (field) focusChoice(field);
  });
}

/** @param {Reading} reading that waits for it @returns {HTMLElement} */
export function firstAnswer(reading) {
  return new FirstAnswer(reading).node;
}

class FirstAnswer {
  /** @param {Reading} reading */
  constructor({ options, item }) {
    this.item = item;
    this.options = options;
    this.answer = "";
    /** @type {number|null} */
    this.sureness = null;
    this.chosen = this.choices();
    const typed = h("input", {
      type: "text",
      class: "pv-field",
      "aria-label": "Your answer",
      placeholder: "Your answer",
      autocomplete: "off",
      maxlength: LONGEST_ANSWER,
      oninput: () => {
        this.answer = typed.value;
      },
    });
    this.sure = oneOf(
      { label: "How sure you are", kind: "pv-sure", clearable: true },
      [1, 2, 3, 4, 5].map((name) => ({ name, label: String(name), about: `Sure: ${name} of 5` })),
      (value) => {
        this.sureness = value;
        this.sure.show(value);
      },
    );
    this.error = h("p", { class: "pv-ask-error", role: "alert" });
    this.node = h(
      "form",
      { class: "pv-first", "aria-label": "Your own answer", novalidate: true },
      h(
        "p",
        { class: "pv-quiet" },
        "Your own answer first: it is kept as it is, then the model's is shown.",
      ),
      options.length ? this.chosen.node : typed,
      h(
        "div",
        { class: "pv-first-last" },
        h("span", { class: "pv-quiet" }, "Sure"),
        this.sure.node,
        h(
          "button",
          { type: "submit", class: "pv-button pv-primary", title: "Keep my answer (Enter)" },
          "Keep my answer",
        ),
      ),
      this.error,
    );
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.keep();
    });
    this.node.addEventListener("keydown", (event) => this.key(event));
  }

  choices() {
    return oneOf(
      { label: "Your answer", kind: "pv-first-options" },
      this.options.map((name, index) => ({
        name,
        label: name,
        ...(index < MOST_KEYS && { key: String(index + 1) }),
      })),
      (name) => this.choose(name ?? ""),
    );
  }

  /** @param {string} name */
  choose(name) {
    this.answer = name;
    setText(this.error, "");
    this.chosen.show(name);
    this.chosen.focus();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const runs = Object.fromEntries(
      this.options.slice(0, MOST_KEYS).map((name, index) => [index + 1, () => this.choose(name)]),
    );
    if (byDigit(event, runs)) return;
    if (event.key === "Escape") {
      event.preventDefault();
      store.get("canvas")?.surface.focus();
    } else if (
      event.key === "Enter" &&
      targetOf(event).matches("[data-choice], [role='radiogroup']")
    ) {
      event.preventDefault();
      this.keep();
    }
  }

  async keep() {
    const answer = this.answer.trim();
    if (!answer) {
      setText(this.error, "Give your own answer first; the model's is shown after it.");
      return;
    }
    try {
      await (this.item ? answerItem : answerFirst)(answer, this.sureness);
    } catch (thrown) {
      const failure = failureOf(thrown);
      setText(this.error, failure.message);
    }
  }
}

/**
 * Blind first: the clinician's own answer, frozen before the model's is shown. What is written of it
 * stays in this browser until it is frozen.
 *
 * @import { Reading } from "../../page_types"
 */

import { adviceOf, failureOf } from "../core/api.js";
import { forget, keep, recall } from "../core/browser_storage.js";
import { h, setText, targetOf } from "../core/dom.js";
import { answerItem } from "../worklists/item_question.js";
import { byDigit, focusChoice, oneOf } from "./choice_buttons.js";
import { answerFirst } from "../questions/question_store.js";
import { store } from "../core/store.js";

const MOST_KEYS = 9;
const LONGEST_ANSWER = 1000;
const OWN = "own answer ";

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
  constructor({ id, options, item }) {
    this.name = OWN + id;
    this.item = item;
    this.options = options;
    /** @type {{answer: string, sureness: number|null}} */
    this.draft = recall(this.name) ?? { answer: "", sureness: null };
    this.chosen = this.choices();
    /** @type {HTMLInputElement} */
    const typed = h("input", {
      type: "text",
      class: "pv-field",
      "aria-label": "Your answer",
      placeholder: "Your answer",
      autocomplete: "off",
      maxlength: LONGEST_ANSWER,
      value: this.draft.answer,
      oninput: () => this.change({ answer: typed.value }),
    });
    this.sure = oneOf(
      { label: "How sure you are", kind: "pv-sure", clearable: true },
      [1, 2, 3, 4, 5].map((name) => ({ name, label: String(name), about: `Sure: ${name} of 5` })),
      (sureness) => {
        this.change({ sureness });
        this.sure.show(sureness);
      },
    );
    this.chosen.show(this.draft.answer);
    this.sure.show(this.draft.sureness);
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

  /** @param {Partial<FirstAnswer["draft"]>} part */
  change(part) {
    this.draft = { ...this.draft, ...part };
    keep(this.name, this.draft);
  }

  /** @param {string} name */
  choose(name) {
    this.change({ answer: name });
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
    const answer = this.draft.answer.trim();
    if (!answer) {
      setText(this.error, "Give your own answer first; the model's is shown after it.");
      return;
    }
    try {
      await (this.item ? answerItem : answerFirst)(answer, this.draft.sureness);
      forget(this.name);
    } catch (thrown) {
      setText(this.error, adviceOf(failureOf(thrown)));
    }
  }
}

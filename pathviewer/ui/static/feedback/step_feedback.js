/** What is wrong with one step: its flag, the labels behind it, and the step rewritten. */

import { fill, h, icon, setAttribute, setText } from "../core/dom.js";
import { anyOf, byDigit, refill } from "./choice_buttons.js";
import { focusVerdicts } from "./feedback_keys.js";
import { changeStep, editStep } from "./feedback_store.js";
import { selectedWords, spanOf } from "./text_spans.js";
import { store } from "../core/store.js";

const FLAG = "M5 17V3M5 4h9l-2.5 3.5L14 11H5";
const NONE = { events: [], quote: null, start: null, stop: null, step_class: null };
const LONGEST_STEP = 4000;
let opened = null;

document.addEventListener("selectionchange", () => opened?.takeSelection());

/** The flag of one row of the trace and what it opens. */
export class StepMarks {
  /** @param {number} index of the step, from 0 @param {() => HTMLElement} passage its text */
  constructor(index, passage) {
    this.index = index;
    this.passage = passage;
    this.step = null;
    this.flag = h(
      "button",
      {
        type: "button",
        class: "pv-flag",
        title: "Something is wrong with this step: flag it (X)",
        "aria-label": `Flag step ${index + 1}`,
        onclick: () => this.toggle(),
      },
      icon(FLAG),
    );
    // a press must not take the selection of words away
    this.flag.addEventListener("mousedown", (event) => event.preventDefault());
    this.flag.addEventListener("keydown", (event) =>
      byDigit(
        event,
        digits((to) => mark(to)),
      ),
    );
    this.said = h("div", { class: "pv-said" });
    this.edited = h("p", { class: "pv-edited" });
    this.box = h("div", {
      class: "pv-marks",
      role: "group",
      hidden: true,
      "aria-label": `What is wrong with step ${index + 1}`,
    });
    this.node = h("div", { class: "pv-marking" }, this.edited, this.said, this.box);
    this.built = false;
  }

  toggle() {
    mark(store.get("marking") === this.index ? null : this.index);
  }

  /** @param {Object|null} step of the trace, null where nothing can be judged */
  show(step) {
    this.step = step;
    const draft = step && store.get("draft");
    this.flag.hidden = !draft;
    this.node.hidden = !draft;
    if (!draft) return;
    const open = store.get("marking") === this.index;
    const label = draft.steps[this.index] ?? NONE;
    const edit = draft.edits[this.index];
    setAttribute(this.flag, "aria-pressed", label.events.length > 0);
    setAttribute(this.flag, "aria-expanded", open);
    setAttribute(
      this.flag.parentElement,
      "data-edited",
      edit === undefined ? "no" : edit === null ? "struck" : "rewritten",
    );
    this.edited.hidden = edit === undefined || open;
    setText(this.edited, edit ?? "Struck out.");
    this.showSaid(label, open);
    this.showClass(label);
    if (open) this.showBox(label, edit);
    this.box.hidden = !open;
  }

  showSaid({ events, quote }, open) {
    const { errors } = store.get("vocabulary");
    this.said.hidden = open || !events.length;
    const key = JSON.stringify([events, quote]);
    refill(
      this.said,
      key,
      ...errors
        .filter(({ name }) => events.includes(name))
        .map(({ sentence }) => h("p", {}, sentence)),
      quote && h("p", {}, h("q", {}, quote)),
    );
  }

  /** In research mode, what the step does; stands in the row all the time. */
  showClass({ step_class: kind }) {
    const wanted = Boolean(store.get("research"));
    if (wanted && !this.classes) {
      const { classes } = store.get("vocabulary");
      this.classes = h(
        "select",
        {
          class: "pv-field pv-class",
          "aria-label": `What step ${this.index + 1} does`,
          onchange: () => changeStep(this.index, { step_class: this.classes.value || null }),
        },
        h("option", { value: "" }, "class …"),
        ...classes.map(({ name, about }) => h("option", { value: name, title: about }, name)),
      );
      this.node.prepend(this.classes);
    }
    if (!this.classes) return;
    this.classes.hidden = !wanted;
    this.classes.value = kind ?? "";
  }

  showBox(label, edit) {
    const fresh = this.box.hidden;
    if (!this.built) this.build();
    this.events.show(label.events);
    if (document.activeElement !== this.quote) this.quote.value = label.quote ?? "";
    this.rewritten.hidden = typeof edit !== "string";
    if (document.activeElement !== this.rewritten) this.rewritten.value = edit ?? "";
    setAttribute(this.rewrite, "aria-pressed", typeof edit === "string");
    setAttribute(this.strike, "aria-pressed", edit === null);
    if (!fresh) return;
    this.box.hidden = false;
    opened = this;
    setText(this.problem, "");
    this.takeSelection();
    this.events.focus();
    this.box.scrollIntoView({ block: "nearest" });
  }

  build() {
    this.built = true;
    const { errors } = store.get("vocabulary");
    this.events = anyOf(
      { label: "Errors", kind: "pv-ticks" },
      errors.map((one, index) => ({ ...one, key: String(index + 1) })),
      (events) => changeStep(this.index, { events }),
    );
    this.quote = h("input", {
      type: "text",
      class: "pv-field",
      autocomplete: "off",
      "aria-label": "The words it concerns",
      placeholder: "The words it concerns: select or type",
      onchange: () => this.typeQuote(),
    });
    this.problem = h("p", { class: "pv-ask-error", role: "alert" });
    this.rewritten = h("textarea", {
      class: "pv-field",
      rows: 3,
      maxlength: LONGEST_STEP,
      "aria-label": `Step ${this.index + 1} rewritten`,
      oninput: () => editStep(this.index, this.rewritten.value),
    });
    this.rewrite = h(
      "button",
      { type: "button", class: "pv-button pv-low", onclick: () => this.toggleRewrite() },
      h("span", { class: "pv-key" }, "5"),
      "Rewrite",
    );
    this.strike = h(
      "button",
      { type: "button", class: "pv-button pv-low", onclick: () => this.toggleStrike() },
      h("span", { class: "pv-key" }, "6"),
      "Strike out",
    );
    fill(
      this.box,
      this.events.node,
      this.quote,
      this.problem,
      h(
        "div",
        { class: "pv-row" },
        this.rewrite,
        this.strike,
        h(
          "button",
          {
            type: "button",
            class: "pv-button pv-low pv-end",
            title: "Close (Esc)",
            onclick: () => mark(null),
          },
          "Close",
        ),
      ),
      this.rewritten,
    );
    this.box.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const { errors } = store.get("vocabulary");
    const runs = Object.fromEntries(
      errors.map(({ name }, index) => [index + 1, () => this.events.toggle(name)]),
    );
    runs[5] = () => this.toggleRewrite();
    runs[6] = () => this.toggleStrike();
    if (byDigit(event, runs)) return;
    const leaves =
      event.key === "Escape" ||
      (event.key === "Enter" && event.target.matches("[data-choice], input"));
    if (!leaves) return;
    event.preventDefault();
    if (document.activeElement === this.quote) this.quote.blur();
    if (this.problem.textContent) return;
    if (event.key === "Enter") focusVerdicts();
    else {
      mark(null);
      this.flag.focus();
    }
  }

  /** Words that are selected in this step become its quote while its labels are open. */
  takeSelection() {
    if (this.box.hidden || !this.step) return;
    const words = selectedWords(this.passage());
    if (words) this.keepQuote(words);
  }

  typeQuote() {
    const words = this.quote.value.trim();
    if (!words) this.keepQuote({ quote: null });
    else {
      const start = this.step.text.indexOf(words);
      if (start >= 0) this.keepQuote({ quote: words, start });
      else setText(this.problem, "These words do not stand in the step.");
    }
  }

  keepQuote({ quote, start = 0 }) {
    setText(this.problem, "");
    changeStep(
      this.index,
      quote ? spanOf(this.step, quote, start) : { quote: null, start: null, stop: null },
    );
  }

  toggleRewrite() {
    const edit = store.get("draft").edits[this.index];
    editStep(this.index, typeof edit === "string" ? undefined : this.step.text);
    // after the frame in which the page shows the field
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        this.rewritten.focus();
        this.rewritten.select(); // typing at once writes anew, and does not add
      }),
    );
  }

  toggleStrike() {
    editStep(this.index, store.get("draft").edits[this.index] === null ? undefined : null);
  }
}

/** Open the labels of a step, or close those that are open. */
export function mark(index) {
  store.set("marking", index);
}

function digits(run) {
  return Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => [
      digit,
      () => document.querySelectorAll(".pv-flag:not([hidden])").length >= digit && run(digit - 1),
    ]),
  );
}

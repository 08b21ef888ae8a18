/**
 * What is wrong with one step: its flag, the labels behind it, and the step rewritten.
 *
 * @import { TraceStep } from "../../api_types"
 * @import { StepMark } from "../../page_types"
 */

import { fill, h, icon, setAttribute, setText, targetOf } from "../core/dom.js";
import { anyOf, byDigit, refill } from "./choice_buttons.js";
import { focusVerdicts } from "./feedback_keys.js";
import { changeStep, editStep } from "./feedback_store.js";
import { selectedWords, spanOf } from "./text_spans.js";
import { store } from "../core/store.js";

const FLAG = "M5 17V3M5 4h9l-2.5 3.5L14 11H5";
/** @type {StepMark} */
const NONE = { events: [], quote: null, start: null, stop: null, step_class: null };
const LONGEST_STEP = 4000;
/** @type {StepMarks|null} */
let opened = null;

document.addEventListener("selectionchange", () => opened?.takeSelection());

/** The flag of one row of the trace and what it opens. */
export class StepMarks {
  /** @type {ReturnType<StepMarks["build"]>|null} */
  #parts = null;
  /** @type {HTMLSelectElement|null} */
  classes = null;

  /** @param {number} index of the step, from 0 @param {() => HTMLElement} passage its text */
  constructor(index, passage) {
    this.index = index;
    this.passage = passage;
    /** @type {TraceStep|null} */
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
  }

  toggle() {
    mark(store.get("marking") === this.index ? null : this.index);
  }

  /** @param {TraceStep|null} step of the trace, null where nothing can be judged */
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
      /** @type {Element} */ (this.flag.parentElement),
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

  /** @param {StepMark} stepMark @param {boolean} open */
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

  /**
   * In research mode, what the step does; stands in the row all the time.
   * @param {StepMark} stepMark
   */
  showClass({ step_class: kind }) {
    const wanted = Boolean(store.get("research"));
    if (wanted && !this.classes) {
      const { classes } = store.get("vocabulary");
      /** @type {HTMLSelectElement} */
      const select = h(
        "select",
        {
          class: "pv-field pv-class",
          "aria-label": `What step ${this.index + 1} does`,
          onchange: () => changeStep(this.index, { step_class: asClass(select.value) }),
        },
        h("option", { value: "" }, "class …"),
        ...classes.map(({ name, about }) => h("option", { value: name, title: about }, name)),
      );
      this.node.prepend(select);
      this.classes = select;
    }
    if (!this.classes) return;
    this.classes.hidden = !wanted;
    this.classes.value = kind ?? "";
  }

  /** @param {StepMark} label @param {string|null|undefined} edit */
  showBox(label, edit) {
    const fresh = this.box.hidden;
    this.parts.events.show(label.events);
    if (document.activeElement !== this.parts.quote) this.parts.quote.value = label.quote ?? "";
    this.parts.rewritten.hidden = typeof edit !== "string";
    if (document.activeElement !== this.parts.rewritten) this.parts.rewritten.value = edit ?? "";
    setAttribute(this.parts.rewrite, "aria-pressed", typeof edit === "string");
    setAttribute(this.parts.strike, "aria-pressed", edit === null);
    if (!fresh) return;
    this.box.hidden = false;
    opened = this;
    setText(this.parts.problem, "");
    this.takeSelection();
    this.parts.events.focus();
    this.box.scrollIntoView({ block: "nearest" });
  }

  /** What stands in the box, made when it is first opened. */
  get parts() {
    this.#parts ??= this.build();
    return this.#parts;
  }

  build() {
    const { errors } = store.get("vocabulary");
    const events = anyOf(
      { label: "Errors", kind: "pv-ticks" },
      errors.map((one, index) => ({ ...one, key: String(index + 1) })),
      (events) => changeStep(this.index, { events }),
    );
    const quote = h("input", {
      type: "text",
      class: "pv-field",
      autocomplete: "off",
      "aria-label": "The words it concerns",
      placeholder: "The words it concerns: select or type",
      oninput: () => this.typeQuote(),
    });
    const problem = h("p", { class: "pv-ask-error", role: "alert" });
    /** @type {HTMLTextAreaElement} */
    const rewritten = h("textarea", {
      class: "pv-field",
      rows: 3,
      maxlength: LONGEST_STEP,
      "aria-label": `Step ${this.index + 1} rewritten`,
      oninput: () => editStep(this.index, rewritten.value),
    });
    const rewrite = h(
      "button",
      { type: "button", class: "pv-button pv-low", onclick: () => this.toggleRewrite() },
      h("span", { class: "pv-key" }, "5"),
      "Rewrite",
    );
    const strike = h(
      "button",
      { type: "button", class: "pv-button pv-low", onclick: () => this.toggleStrike() },
      h("span", { class: "pv-key" }, "6"),
      "Strike out",
    );
    fill(
      this.box,
      events.node,
      quote,
      problem,
      h(
        "div",
        { class: "pv-row" },
        rewrite,
        strike,
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
      rewritten,
    );
    this.box.addEventListener("keydown", (event) => this.key(event));
    return { events, quote, problem, rewritten, rewrite, strike };
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { errors } = store.get("vocabulary");
    const runs = Object.fromEntries(
      errors.map(({ name }, index) => [index + 1, () => this.parts.events.toggle(name)]),
    );
    runs[5] = () => this.toggleRewrite();
    runs[6] = () => this.toggleStrike();
    if (byDigit(event, runs)) return;
    const leaves =
      event.key === "Escape" ||
      (event.key === "Enter" && targetOf(event).matches("[data-choice], input"));
    if (!leaves) return;
    event.preventDefault();
    if (document.activeElement === this.parts.quote) this.parts.quote.blur();
    if (this.parts.problem.textContent) return;
    if (event.key === "Enter") focusVerdicts();
    else {
      mark(null);
      this.flag.focus();
    }
  }

  /** The step, of which the caller knows that it is shown. */
  get judged() {
    return /** @type {TraceStep} */ (this.step);
  }

  /** Words that are selected in this step become its quote while its labels are open. */
  takeSelection() {
    if (this.box.hidden || !this.step) return;
    const words = selectedWords(this.passage());
    if (words) this.keepQuote(words);
  }

  typeQuote() {
    const words = this.parts.quote.value.trim();
    const start = this.judged.text.indexOf(words);
    this.keepQuote({ quote: start >= 0 ? words || null : null, start });
    if (start < 0) setText(this.parts.problem, "These words do not stand in the step.");
  }

  /** @param {{quote: string|null, start?: number}} words */
  keepQuote({ quote, start = 0 }) {
    setText(this.parts.problem, "");
    changeStep(
      this.index,
      quote ? spanOf(this.judged, quote, start) : { quote: null, start: null, stop: null },
    );
  }

  toggleRewrite() {
    const edit = store.need("draft").edits[this.index];
    editStep(this.index, typeof edit === "string" ? undefined : this.judged.text);
    // after the frame in which the page shows the field
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        this.parts.rewritten.focus();
        this.parts.rewritten.select(); // typing at once writes anew, and does not add
      }),
    );
  }

  toggleStrike() {
    editStep(this.index, store.need("draft").edits[this.index] === null ? undefined : null);
  }
}

/** A step's class, null for "". @param {string} name */
function asClass(name) {
  return /** @type {NonNullable<StepMark["step_class"]>} */ (name) || null;
}

/** Open the labels of a step, or close those that are open. @param {number|null} index */
export function mark(index) {
  store.set("marking", index);
}

/** @param {(step: number) => void} run */
function digits(run) {
  return Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => [
      digit,
      () => document.querySelectorAll(".pv-flag:not([hidden])").length >= digit && run(digit - 1),
    ]),
  );
}

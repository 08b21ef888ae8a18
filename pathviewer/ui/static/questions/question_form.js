/**
 * The form of a question. What was typed stays until it is changed or another slide is opened.
 *
 * @import { OpenedSlide, QuestionRequest, QuestionTemplate } from "../../api_types"
 * @import { Attributes, Region } from "../../page_types"
 */

import { failureOf } from "../core/api.js";
import { fill, h, setAttribute, setText } from "../core/dom.js";
import { modelTrouble } from "./model_badge.js";
import { preview } from "./model_input_preview.js";
import { askedBefore, taskOf, templatePicker } from "./question_templates.js";
import { ask } from "./question_store.js";
import { addRegion, selectedRegion } from "../regions/regions.js";
import { refreshSlide } from "../core/page_start.js";
import { identityText } from "../viewer/slide_identity.js";
import { corners } from "../regions/shapes.js";
import { may, store } from "../core/store.js";
import { askedColours } from "../viewer/tile_colours.js";

const CONTEXT = [
  ["organ", "Organ"],
  ["specimen", "Specimen"],
  ["stain", "Stain"],
  ["history", "Clinical history"],
];
/** @param {string} name @param {string} label */
const caseField = (name, label) => {
  const given = { class: "pv-field", "aria-label": label, autocomplete: "off" };
  return name === "history"
    ? h("textarea", { ...given, rows: 2 })
    : h("input", { ...given, type: "text" });
};
/** @param {string} label @param {Attributes} given */
const number = (label, given) =>
  h("input", { type: "number", class: "pv-field", "aria-label": label, ...given });
const NO_REGION = "Select a region first, or draw one (R).";

/** @returns {HTMLElement} */
export function askForm() {
  return new AskForm().node;
}

class AskForm {
  region = h("div", { class: "pv-ask-region" });
  pixelNote = h("p", { class: "pv-quiet pv-ask-pixels" });
  question = h("textarea", {
    class: "pv-field",
    id: "pv-question",
    rows: 3,
    placeholder: "What do you want to know about this region?",
    "aria-label": "Question",
  });
  finding = h("input", { type: "text", class: "pv-field", "aria-label": "Finding" });
  findingRow = h(
    "label",
    { class: "pv-ask-row", hidden: true },
    h("span", {}, "Finding"),
    this.finding,
  );
  options = h("textarea", {
    class: "pv-field",
    rows: 3,
    id: "pv-options",
    placeholder: "One option a line; none for a free answer",
    "aria-label": "Options",
  });
  error = h("p", { class: "pv-ask-error", role: "alert" });
  button = h(
    "button",
    { type: "submit", class: "pv-button pv-primary", title: "Ask (Ctrl + Enter)" },
    "Ask",
  );
  seen = preview(() => this.previewed());
  context = Object.fromEntries(CONTEXT.map(([name, label]) => [name, caseField(name, label)]));
  temperature = number("Temperature", { min: 0, max: 2, step: 0.1, value: 0 });
  seed = number("Seed", { min: 0, step: 1, value: 0 });
  pixels = number("Pixel budget", { min: 784, step: 1, placeholder: "the model's own" });
  count = number("Number of answers", { min: 1, max: 8, step: 1, value: 1 });
  blind = h("input", { type: "checkbox" });
  outside = h("input", { type: "checkbox" });
  outsideRow = h(
    "label",
    { class: "pv-check" },
    this.outside,
    "Paint over what lies outside the outline",
  );
  /** @type {QuestionTemplate|null} */
  template = null;
  busy = false;
  /** Whether a region is wanted before the question can be asked. */
  wanting = false;
  /** Why the last question was not taken. @type {string|null} */
  failure = null;
  /** What the form shows, as text. */
  shown = "";

  constructor() {
    this.node = this.build();
    this.listen();
  }

  build() {
    return h(
      "form",
      { class: "pv-ask-form", id: "pv-ask-form" },
      this.region,
      this.pixelNote,
      h(
        "div",
        { class: "pv-picks" },
        templatePicker((template) => this.fillFrom(template)),
        askedBefore((reading) => this.repeat(reading)),
      ),
      this.question,
      this.findingRow,
      this.options,
      this.caseContext(),
      this.settings(),
      this.seen.node,
      h("div", { class: "pv-ask-last" }, this.error, this.button),
    );
  }

  caseContext() {
    return h(
      "details",
      { class: "pv-fold" },
      h("summary", {}, "Case"),
      ...CONTEXT.map(([name, label]) =>
        h("label", { class: "pv-ask-row" }, h("span", {}, label), this.context[name]),
      ),
      h("p", { class: "pv-quiet" }, "What is filled in is told to the model."),
    );
  }

  settings() {
    /** @type {[string, HTMLElement][]} */
    const rows = [
      ["Temperature", this.temperature],
      ["Seed", this.seed],
      ["Pixel budget", this.pixels],
      ["Answers", this.count],
    ];
    return h(
      "details",
      { class: "pv-fold" },
      h("summary", {}, "Model and settings"),
      h(
        "div",
        { class: "pv-ask-grid" },
        ...rows.map(([label, field]) =>
          h("label", { class: "pv-ask-row" }, h("span", {}, label), field),
        ),
      ),
      this.outsideRow,
      h(
        "label",
        { class: "pv-check" },
        this.blind,
        "Blind first: I answer before I see the model's answer",
      ),
    );
  }

  listen() {
    this.node.noValidate = true;
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.node.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        store.get("canvas")?.surface.focus();
      } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.submit();
      }
    });
    // what is typed over a template's words is no question of its type any more
    [this.pixels, this.outside, this.question].forEach((field) =>
      field.addEventListener("input", () => this.seen.look()),
    );
    /** @type {string|null} */
    let slide = null;
    store.on("slide", (now) => {
      if (slide && slide !== now?.id) this.forgetCase();
      slide = now?.id ?? null;
    });
    store.onAny(["slide", "regions", "selected", "model", "me", "corrected", "uncorrected"], () =>
      this.show(),
    );
  }

  /** Another slide may be another patient's. */
  forgetCase() {
    Object.values(this.context).forEach((field) => {
      field.value = "";
    });
    setText(this.error, "");
  }

  show() {
    const region = selectedRegion();
    const slide = store.get("slide");
    const ready = store.get("model")?.state === "ready";
    const colours = askedColours(slide);
    const key = JSON.stringify([slide?.id, slide?.identity, ready, may("ask"), region, colours]);
    if (key !== this.shown) {
      this.shown = key;
      fill(this.region, ...regionLine(region, slide));
      setText(this.pixelNote, slide?.pixel_note ?? "");
      this.pixelNote.hidden = !slide?.pixel_note;
      this.outsideRow.hidden = !region || isBox(region);
      this.seen.look();
    }
    const trouble = slide ? modelTrouble(store.get("model")) : "No slide is open.";
    const forbidden = store.get("me") && !may("ask") ? "Your role may look, and not ask." : "";
    this.button.disabled = Boolean(this.busy || forbidden || trouble || !region);
    this.button.title = forbidden || trouble || (region ? "Ask (Ctrl + Enter)" : NO_REGION);
    this.wanting = this.wanting && !region;
    setText(this.error, this.failure ?? (forbidden || trouble || (this.wanting ? NO_REGION : "")));
    const starts = slide && (store.get("model")?.state ?? "starting") === "starting";
    setAttribute(
      this.error,
      "data-kind",
      starts && !this.failure && !forbidden ? "waits" : "wrong",
    );
  }

  /** @param {QuestionTemplate} template */
  fillFrom(template) {
    this.template = template;
    this.question.value = template.text;
    this.options.value = template.options.join("\n");
    this.findingRow.hidden = !template.needs_finding;
    (template.needs_finding ? this.finding : this.question).focus();
    this.seen.look();
  }

  /** @param {{question: string, options: string[]}} given */
  repeat({ question, options }) {
    this.template = null;
    this.findingRow.hidden = true;
    this.question.value = question;
    this.options.value = (options ?? []).join("\n");
    this.question.focus();
    this.seen.look();
  }

  /** The task of a question in a template's words, taken from it or typed; else null. */
  get task() {
    const { template } = this;
    const typed = this.question.value;
    return template?.text.trim() === typed.trim() ? template.task : taskOf(typed);
  }

  previewed() {
    const region = selectedRegion();
    if (!region || !may("ask") || modelTrouble(store.get("model"))) return null;
    const task = this.task;
    return { ...this.shape(region), ...(task && { task }), ...this.budget() };
  }

  /** @param {Region} region */
  shape(region) {
    return {
      box: region.box,
      ...askedColours(store.get("slide")),
      ...(!isBox(region) && { points: region.points, paint_outside: this.outside.checked }),
    };
  }

  budget() {
    return this.pixels.value ? { max_pixels: Number(this.pixels.value) } : {};
  }

  /**
   * The body of POST /api/readings.
   * @param {Region} region
   * @returns {QuestionRequest}
   */
  body(region) {
    const { task } = this;
    const finding = this.finding.value.trim();
    const named = task && this.template?.needs_finding && finding;
    const context = Object.fromEntries(
      Object.entries(this.context)
        .map(([name, field]) => [name, field.value.trim()])
        .filter(([, text]) => text),
    );
    const options = this.options.value
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
    const slide = store.need("slide");
    return {
      slide: slide.id,
      identity: slide.identity,
      ...this.shape(region),
      ...this.budget(),
      question: named
        ? this.question.value.replace("{finding}", () => finding)
        : this.question.value,
      options,
      context,
      ...(task && { task }),
      sampling: { temperature: Number(this.temperature.value), seed: Number(this.seed.value) },
      count: Number(this.count.value),
      blind: this.blind.checked,
    };
  }

  async submit() {
    const region = selectedRegion();
    this.wanting = !region;
    if (this.wanting) this.fail(null);
    if (this.button.disabled || !region) return;
    if (!this.question.value.trim()) {
      this.fail("The question is empty; write what you want to know about the region.");
      this.question.focus();
      return;
    }
    this.busy = true;
    this.fail(null);
    try {
      await ask(this.body(region));
    } catch (thrown) {
      const error = failureOf(thrown);
      this.fail(error.message);
      if (error.code === "slide_changed") await refreshSlide().catch(() => null);
    } finally {
      this.busy = false;
      this.show();
    }
  }

  /**
   * Say why the last question was not taken, or that nothing is wrong any more.
   * @param {string|null} sentence
   */
  fail(sentence) {
    this.failure = sentence;
    this.show();
  }
}

/** @param {Region} region */
function isBox({ shape, points, box }) {
  return (
    shape === "rectangle" &&
    points.every(
      ([x, y]) =>
        (x === box.x || x === box.x + box.width) && (y === box.y || y === box.y + box.height),
    )
  );
}

/** @param {Region|null} region @param {OpenedSlide|undefined} slide */
function regionLine(region, slide) {
  if (region) {
    const { width, height } = region.box;
    return [
      h("span", { class: "pv-chosen" }, region.name),
      h("span", { class: "pv-quiet" }, `${width} × ${height} px`),
      h("span", { class: "pv-quiet pv-identity" }, identityText(slide?.identity)),
    ];
  }
  return [
    h("span", { class: "pv-quiet" }, "No region is selected."),
    slide &&
      h(
        "button",
        {
          type: "button",
          class: "pv-button pv-low",
          onclick: () => wholeSlide(slide),
        },
        "Whole slide",
      ),
  ];
}

/** @param {OpenedSlide} slide */
function wholeSlide({ width, height }) {
  addRegion("rectangle", corners({ x: 0, y: 0, width, height }), "Whole slide", { save: false });
}

/**
 * What the answer depends on, or where the model looked: which of them is drawn, how, and in research
 * mode from which numbers.
 *
 * @import { Maps } from "../../api_types"
 * @import { HeatSettings, PanelProps, Reading } from "../../page_types"
 */

import { setColours, colourNames } from "./colour_maps.js";
import { fillPanel, h, setAttribute, setText } from "../core/dom.js";
import { evidenceInView, findEvidenceAgain, keepEvidence } from "./evidence_store.js";
import { keepGlow } from "./selected_map.js";
import { RANGES, setHeat, toggleHeat } from "./heat_settings.js";
import { fetchMapsAgain, keepMaps } from "./maps_store.js";
import { keepWord } from "./word_store.js";
import { isUnderWay } from "../questions/question_store.js";
import { toggleResearch } from "../core/research_mode.js";
import { start } from "../core/page_start.js";
import { store } from "../core/store.js";

/** @typedef {Pick<Maps, "localised_spread"|"least_image_share">} Limits */

/**
 * Mount the controls into the page's element.
 * @param {Element} element
 * @param {PanelProps & {colours: Object<string, number[][]>, limits: Limits}} props
 */
export function mount(element, props) {
  setColours(props.colours);
  fillPanel(element, new MapsPanel().node);
  keepMaps();
  keepEvidence();
  keepWord();
  keepGlow(props.limits);
  return start(props);
}

/** Titles of what is drawn. */
const VIEWS = [
  ["evidence", "What it depends on"],
  ["attention", "Where it looked"],
];
const POINT = "Point at a word for its own map, or step with { and }.";
const TESTED = `${POINT} Its place is tested once it is clicked or stepped to.`;

class MapsPanel {
  view = choice("Show on the slide", VIEWS, (view) =>
    setHeat({ on: true, view: view === "attention" ? "attention" : "evidence" }),
  );
  kind = choice(
    "Values",
    [
      ["relative", "relative"],
      ["raw", "raw"],
    ],
    (kind) => setHeat({ kind: kind === "raw" ? "raw" : "relative" }),
  );
  colours = choice(
    "Colours",
    colourNames().map((name) => [name, name]),
    (colours) => setHeat({ colours }),
  );
  first = layerField("First layer", () => this.layersTyped());
  last = layerField("Last layer", () => this.layersTyped());
  count = h("span", { class: "pv-quiet" });
  wordHint = h("p", { class: "pv-quiet" });
  checks = [
    check("token grid", "grid"),
    check("draw diffuse maps", "diffuse"),
    check("one scale for all steps", "together"),
  ];

  constructor() {
    this.shown = h("button", { type: "button", class: "pv-button pv-low", onclick: toggleHeat });
    this.switch = h(
      "button",
      {
        type: "button",
        class: "pv-button pv-low",
        title: "Research mode (Shift + R): words, raw values, layers",
        onclick: toggleResearch,
      },
      "Research",
    );
    this.opacity = slider("Opacity", "opacity", 0.05, "O and Shift + O");
    this.threshold = slider("Threshold", "threshold", 0.05, "T and Shift + T");
    this.sentence = h("span", {});
    this.again = h(
      "button",
      { type: "button", class: "pv-button pv-low", onclick: fetchAgain },
      "Try again",
    );
    this.trouble = h(
      "p",
      { class: "pv-quiet pv-maps-trouble", role: "status" },
      this.sentence,
      this.again,
    );
    this.research = this.researchRows();
    this.node = h(
      "section",
      { class: "pv-panel pv-maps", "aria-label": "Map on the slide", hidden: true },
      h("div", { class: "pv-maps-head" }, h("h2", {}, this.view), this.shown, this.switch),
      h("div", { class: "pv-sliders" }, this.opacity.node, this.threshold.node),
      this.research,
      this.trouble,
    );
    this.view.title = "What the answer depends on, or where the model looked (Shift + H)";
    store.onAny(["reading", "maps", "evidence", "heat", "research", "liveMaps"], () => this.show());
  }

  researchRows() {
    this.kind.title = "Relative to a neutral question on the same picture, or attention as it is";
    return h(
      "div",
      { class: "pv-research" },
      h(
        "div",
        { class: "pv-research-grid" },
        ...labelled("Values", this.kind),
        ...labelled("Colours", this.colours),
      ),
      h(
        "div",
        { class: "pv-checks" },
        h(
          "span",
          { class: "pv-layers" },
          h("span", {}, "Layers"),
          this.first,
          "to",
          this.last,
          this.count,
        ),
        ...this.checks.map(({ node }) => node),
      ),
      this.wordHint,
    );
  }

  show() {
    const reading = store.get("reading");
    this.node.hidden = !reading;
    if (!reading) return;
    const heat = store.get("heat");
    setText(this.shown, heat.on ? "Hide" : "Show");
    this.shown.title = `${heat.on ? "Hide" : "Show"} the map on the slide (H)`;
    this.showView(heat);
    setAttribute(this.shown, "aria-pressed", !heat.on);
    setAttribute(this.switch, "aria-pressed", Boolean(store.get("research")));
    this.opacity.show(heat.opacity, `${Math.round(heat.opacity * 100)} %`);
    this.threshold.show(heat.threshold, `${Number(heat.threshold.toFixed(2))} × even`);
    this.showTrouble(reading);
    this.research.hidden = !store.get("research");
    if (!this.research.hidden) this.showResearch(heat);
  }

  /** Attention is shown where there is no evidence, whatever is chosen. @param {HeatSettings} heat */
  showView(heat) {
    const none = store.get("evidence")?.state === "failed";
    this.view.value = none ? "attention" : heat.view;
    this.view.options[0].disabled = none;
  }

  /** @param {Reading} reading */
  showTrouble(reading) {
    const text = troubleOf(reading);
    setText(this.sentence, text);
    this.again.hidden = !canTryAgain();
  }

  /** @param {HeatSettings} heat */
  showResearch(heat) {
    const evidence = evidenceInView();
    const told = evidence ? null : store.get("maps")?.told;
    setText(this.wordHint, evidence ? TESTED : POINT);
    this.kind.value = heat.kind;
    this.kind.disabled = !told?.neutral;
    this.colours.value = heat.colours;
    const layers = told?.layers ?? 1;
    const [first, last] = heat.layers ?? [0, layers - 1];
    const show = (/** @type {HTMLInputElement} */ field, /** @type {number} */ value) => {
      field.max = String(layers);
      field.disabled = !told;
      if (document.activeElement !== field) field.value = String(Math.min(value, layers - 1) + 1);
    };
    show(this.first, first);
    show(this.last, last);
    setText(this.count, told ? `of ${layers}` : "");
    this.checks.forEach(({ name, box }) => {
      box.checked = heat[name];
    });
  }

  layersTyped() {
    const layers = store.get("maps")?.told?.layers;
    const values = [this.first, this.last].map((field) => Math.round(Number(field.value)) - 1);
    if (!layers || !values.every((value) => value >= 0 && value < layers)) return;
    const [first, last] = [Math.min(...values), Math.max(...values)];
    setHeat({ layers: first === 0 && last === layers - 1 ? null : [first, last] });
  }
}

/** What is wanting of the maps, or on its way. @param {Reading} reading */
function troubleOf(reading) {
  const [maps, evidence] = [store.get("maps"), store.get("evidence")];
  if (evidence?.state === "finding") return "Finding what it depends on …";
  if (maps?.state === "failed" && !evidenceInView()) return maps.sentence;
  if (evidence?.state === "failed") return evidence.sentence;
  if (evidenceInView()) return "Shift + H shows where it looked.";
  if (maps?.state === "loading") return "Fetching where it looked …";
  if (isUnderWay(reading) && !store.get("liveMaps")) return "Shown on the slide as it is written.";
  return evidence?.told ? "Shift + H shows what it depends on." : "";
}

function canTryAgain() {
  const [maps, evidence] = [store.get("maps"), store.get("evidence")];
  if (evidence?.state === "finding") return false;
  return (maps?.state === "failed" && !evidenceInView()) || Boolean(evidence?.again);
}

function fetchAgain() {
  if (store.get("maps")?.state === "failed") fetchMapsAgain();
  if (store.get("evidence")?.again) findEvidenceAgain();
}

/**
 * @param {string} label
 * @param {"opacity"|"threshold"} name
 * @param {number} step
 * @param {string} keys
 */
function slider(label, name, step, keys) {
  const [min, max] = RANGES[name];
  /** @type {HTMLInputElement} */
  const field = h("input", {
    type: "range",
    min,
    max,
    step,
    "aria-label": label,
    title: `${label} (${keys})`,
    oninput: () => setHeat({ on: true, [name]: Number(field.value) }),
  });
  const value = h("span", { class: "pv-slider-value", "aria-hidden": "true" });
  /** @param {number} number @param {string} text */
  const show = (number, text) => {
    if (Number(field.value) !== number) field.value = String(number);
    setText(value, text);
    setAttribute(field, "aria-valuetext", text);
  };
  return { node: h("label", { class: "pv-slider" }, h("span", {}, label), value, field), show };
}

/** @param {string} label @param {string[][]} options @param {(value: string) => void} chosen */
function choice(label, options, chosen) {
  /** @type {HTMLSelectElement} */
  const node = h(
    "select",
    { class: "pv-field", "aria-label": label, onchange: () => chosen(node.value) },
    ...options.map(([value, text]) => h("option", { value }, text)),
  );
  return node;
}

/** @param {string} text @param {HTMLElement} field */
function labelled(text, field) {
  return [h("span", {}, text), field];
}

/** @param {string} label @param {() => void} typed */
function layerField(label, typed) {
  return h("input", {
    type: "number",
    class: "pv-field",
    min: 1,
    step: 1,
    "aria-label": label,
    oninput: typed,
  });
}

/** @param {string} label @param {"grid"|"diffuse"|"together"} name */
function check(label, name) {
  /** @type {HTMLInputElement} */
  const box = h("input", { type: "checkbox", onchange: () => setHeat({ [name]: box.checked }) });
  return { name, box, node: h("label", {}, box, label) };
}

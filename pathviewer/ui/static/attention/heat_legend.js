/**
 * The legend on the slide: what glows, in which units, and what it does not mean; one quiet line
 * where nothing is drawn.
 *
 * @import { EvidenceGlow, Glow, GlowName, MapGlow } from "../../page_types"
 */

import { fill, h, setAttribute, setText } from "../core/dom.js";
import { gradient } from "./colour_maps.js";
import { isDrawn } from "./selected_map.js";
import { heatInForce } from "./heat_settings.js";
import { store } from "../core/store.js";

/** @typedef {Record<"title"|"bar"|"numbers"|"state"|"kind"|"scale"|"caption", HTMLElement>} Parts */

const WORDS = {
  attention: {
    label: "Legend of the attention",
    caption: "Where the model looked, not why it answered",
  },
  evidence: {
    label: "Legend of the evidence",
    caption:
      "How much less likely the words become without a cell; the place is tested by blurring it",
  },
};

/** Claims of passages that no place decides, in a line. */
const CLAIMS = {
  region: "depends on the region as a whole",
  none: "does not depend on the picture",
};

/** @param {GlowName} [name] of the glow in the store that it explains @returns {HTMLElement} */
export function heatLegend(name = "glow") {
  const bar = h("div", { class: "pv-legend-bar" });
  const numbers = h("div", { class: "pv-legend-numbers", "aria-hidden": "true" });
  /** @type {Parts} */
  const parts = {
    title: h("span", { class: "pv-legend-title" }),
    bar,
    numbers,
    state: h("span", { class: "pv-legend-state" }),
    kind: h("span", { class: "pv-legend-kind" }),
    scale: h("div", { role: "img" }, bar, numbers),
    caption: h("span", { class: "pv-legend-caption" }),
  };
  const { title, kind, scale, state, caption } = parts;
  const node = h(
    "div",
    { class: "pv-legend", hidden: true, role: "group" },
    ...[title, kind, scale, state, caption],
  );
  store.on(name, (glow) => show(node, parts, glow));
  return node;
}

/** @param {HTMLElement} node @param {Parts} parts @param {Glow|null} glow */
function show(node, parts, glow) {
  node.hidden = !glow || !heatInForce().on;
  if (node.hidden || !glow) return;
  const drawn = isDrawn(glow);
  const { label, caption } = WORDS[glow.view];
  setAttribute(node, "aria-label", label);
  setAttribute(node, "data-quiet", !drawn && !isLive(glow));
  setText(parts.title, glow.title);
  setText(parts.kind, glow.kind);
  setText(parts.caption, caption);
  node.dataset.verdict = "verdict" in glow ? glow.verdict : "";
  setText(parts.state, drawn ? stateText(glow) : (claimText(glow) ?? stateText(glow)));
  parts.scale.hidden = !drawn;
  if (drawn) showScale(parts, glow);
}

/** What a passage depends on if not on a place, in a line. @param {Glow} glow */
function claimText(glow) {
  if (!("verdict" in glow)) return null;
  return glow.verdict === "region" || glow.verdict === "none" ? CLAIMS[glow.verdict] : null;
}

/** While it is written its legend keeps its shape. @param {Glow} glow */
function isLive(glow) {
  return "live" in glow && glow.live;
}

/** @param {Parts} parts @param {MapGlow} glow */
function showScale({ scale, bar, numbers }, glow) {
  const { colours, threshold } = heatInForce();
  const hidden = Math.min(1, threshold / glow.peak);
  bar.style.background =
    `linear-gradient(to right, rgb(16 19 22 / 82%) ${hidden * 100}%, ` +
    `transparent ${hidden * 100}%), ${gradient(colours)}`;
  const even = 1 / glow.peak;
  const isEvidence = glow.view === "evidence";
  fill(
    numbers,
    mark(0, "0"),
    !isEvidence && mark(even, even > 0.24 ? "1 = even" : "1"),
    mark(1, isEvidence ? amount(glow, glow.top) : `${figure(glow.peak)} even shares`),
  );
  const least = isEvidence
    ? `Colours from 0 to ${amount(glow, glow.top)}; ` +
      `nothing is drawn below ${amount(glow, hidden * glow.top)}`
    : `Colours from 0 to ${figure(glow.peak)} even shares; 1 is even; ` +
      `nothing is drawn below ${figure(threshold)}`;
  scale.setAttribute("aria-label", least);
}

/** @param {EvidenceGlow} glow @param {number} value */
function amount({ unit, top }, value) {
  if (unit) return `${figure(value)} ${unit}`;
  return value === top ? "strongest" : `${Math.round((100 * value) / top)} % of the strongest`;
}

/** @param {number} at @param {string} text */
function mark(at, text) {
  const node = h("span", {}, text);
  if (at === 1) node.style.right = "0";
  else node.style.left = `${at * 100}%`;
  return node;
}

/** What the map says, in words. @param {Glow} glow */
export function stateText(glow) {
  if (!("verdict" in glow)) return glow.sentence;
  if (glow.view === "evidence") return glow.sentence;
  const { map, verdict } = glow;
  const share = `${percent(map.imageShare)} of the attention on the region`;
  if (verdict === "elsewhere") return `only ${share}: too little to say where`;
  return verdict === "localised" ? share : `diffuse: not localised; ${share}`;
}

/** @param {number} share */
function percent(share) {
  return `${Number((share * 100).toPrecision(share < 0.1 ? 1 : 2))} %`;
}

/** @param {number} value */
function figure(value) {
  return String(Number(value.toPrecision(2)));
}

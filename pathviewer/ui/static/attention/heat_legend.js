/**
 * The legend on the slide: what glows, in which units, and what it does not mean.
 *
 * @import { Glow, GlowName, MapGlow } from "../../page_types"
 */

import { fill, h, setText } from "../core/dom.js";
import { gradient } from "./colour_maps.js";
import { isDrawn } from "./selected_map.js";
import { heatInForce } from "./heat_settings.js";
import { store } from "../core/store.js";

/** @typedef {Record<"title"|"bar"|"numbers"|"state"|"kind"|"scale", HTMLElement>} Parts */

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
  };
  const node = h(
    "div",
    { class: "pv-legend", hidden: true, role: "group", "aria-label": "Legend of the attention" },
    parts.title,
    parts.kind,
    parts.scale,
    parts.state,
    h("span", { class: "pv-legend-caption" }, "Where the model looked, not why it answered"),
  );
  store.on(name, (glow) => show(node, parts, glow));
  return node;
}

/** @param {HTMLElement} node @param {Parts} parts @param {Glow|null} glow */
function show(node, parts, glow) {
  node.hidden = !glow || !heatInForce().on;
  if (node.hidden || !glow) return;
  setText(parts.title, glow.title);
  setText(parts.kind, glow.kind);
  node.dataset.verdict = "verdict" in glow ? glow.verdict : "";
  setText(parts.state, stateText(glow));
  const drawn = isDrawn(glow);
  parts.scale.hidden = !drawn;
  if (drawn) showScale(parts, glow);
}

/** @param {Parts} parts @param {MapGlow} glow */
function showScale({ scale, bar, numbers }, { peak }) {
  const { colours, threshold } = heatInForce();
  const hidden = Math.min(1, threshold / peak);
  bar.style.background =
    `linear-gradient(to right, rgb(16 19 22 / 82%) ${hidden * 100}%, ` +
    `transparent ${hidden * 100}%), ${gradient(colours)}`;
  const even = 1 / peak;
  fill(
    numbers,
    mark(0, "0"),
    mark(even, even > 0.24 ? "1 = even" : "1"),
    mark(1, `${figure(peak)} even shares`),
  );
  scale.setAttribute(
    "aria-label",
    `Colours from 0 to ${figure(peak)} even shares; 1 is even; ` +
      `nothing is drawn below ${figure(threshold)}`,
  );
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

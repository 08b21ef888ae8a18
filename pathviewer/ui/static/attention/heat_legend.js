/** The legend on the slide: what glows, in which units, and what it does not mean. */

import { fill, h, setText } from "../core/dom.js";
import { gradient } from "./colour_maps.js";
import { isDrawn } from "./selected_map.js";
import { heatInForce } from "./heat_settings.js";
import { store } from "../core/store.js";

/** @param {string} [name] of the glow in the store that it explains @returns {HTMLElement} */
export function heatLegend(name = "glow") {
  const parts = {
    title: h("span", { class: "pv-legend-title" }),
    bar: h("div", { class: "pv-legend-bar" }),
    numbers: h("div", { class: "pv-legend-numbers", "aria-hidden": "true" }),
    state: h("span", { class: "pv-legend-state" }),
  };
  parts.kind = h("span", { class: "pv-legend-kind" });
  parts.scale = h("div", { role: "img" }, parts.bar, parts.numbers);
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

function show(node, parts, glow) {
  node.hidden = !glow || !heatInForce().on;
  if (node.hidden) return;
  setText(parts.title, glow.title);
  setText(parts.kind, glow.kind);
  node.dataset.verdict = glow.verdict ?? "";
  setText(parts.state, stateText(glow));
  parts.scale.hidden = !isDrawn(glow);
  if (!parts.scale.hidden) showScale(parts, glow);
}

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

function mark(at, text) {
  const node = h("span", {}, text);
  if (at === 1) node.style.right = "0";
  else node.style.left = `${at * 100}%`;
  return node;
}

/** What the map says, in words. */
export function stateText({ map, verdict, sentence }) {
  if (!map) return sentence;
  const share = `${percent(map.imageShare)} of the attention on the region`;
  if (verdict === "elsewhere") return `only ${share}: too little to say where`;
  return verdict === "localised" ? share : `diffuse: not localised; ${share}`;
}

function percent(share) {
  return `${Number((share * 100).toPrecision(share < 0.1 ? 1 : 2))} %`;
}

function figure(value) {
  return String(Number(value.toPrecision(2)));
}

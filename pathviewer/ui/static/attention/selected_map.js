/**
 * What glows on the slide now: of the passage that is selected, of the newest one while the answer
 * is written, of the whole answer after that, or of the word that is pointed at.
 * The store has it in "glow".
 *
 * @import { AttentionEvent, Box } from "../../api_types"
 * @import { DecodedMaps, Glow, HeatMap, MapGlow } from "../../page_types"
 * @import { Reading, ShownWord, StoreValues } from "../../page_types"
 */

import { liveMap, neutralMap, peakOf, rawMap, relativeMap, verdict } from "./attention_maps.js";
import { heatInForce } from "./heat_settings.js";
import { store } from "../core/store.js";

/** The scale reaches at least so many even shares, so that a flat map looks flat. */
const LEAST_PEAK = 2;
const RAW = "Raw attention";
const RELATIVE = "Attention relative to a neutral question";
/** @type {(keyof StoreValues)[]} */
const NAMES = ["reading", "completion", "step", "liveMaps", "maps", "word", "heat", "research"];
let limits = { localised_spread: 0.75, least_image_share: 0.01 };
let begun = false;
let waits = false;
/** @type {unknown[]} */
let former = [];

store.set("glow", null);
store.set("heatSeen", false);

/** Keep store "glow" at what is selected. @param {typeof limits} given as in GET .../maps */
export function keepGlow(given) {
  if (begun) return;
  begun = true;
  limits = given ?? limits;
  store.onAny(NAMES, soon);
  /** @type {string|null} */
  let answer = null;
  store.onAny(["reading", "completion"], () => {
    const now = `${store.get("reading")?.id}/${store.get("completion")}`;
    if (now !== answer) store.set("heatSeen", false);
    answer = now;
  });
}

/** "Step 3", "Answer", "Whole answer". @param {string} name */
export function passageTitle(name) {
  if (name === "all") return "Whole answer";
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** Look with the next frame, however many events came in between, and only if it makes a difference. */
function soon() {
  if (waits) return;
  waits = true;
  requestAnimationFrame(() => {
    waits = false;
    const now = inputs();
    if (now.every((value, index) => value === former[index])) return;
    former = now;
    store.set("glow", glowNow());
  });
}

/** All that a glow depends on; the texts of a reading are not among it. @returns {unknown[]} */
function inputs() {
  const reading = store.get("reading");
  return [
    reading?.id,
    reading?.placements,
    heard(),
    ...NAMES.slice(1).map((name) => (name === "liveMaps" ? null : store.get(name))),
  ];
}

/** The last `attention` event of what is selected, while the answer is written. */
function heard() {
  const maps = store.get("liveMaps")?.[store.get("completion")];
  return maps?.passages[store.get("step") ?? maps.newest];
}

/** @returns {Glow|null} */
function glowNow() {
  const reading = store.get("reading");
  const maps = store.get("maps");
  const word = store.get("word");
  if (!reading) return null;
  if (maps?.told) return word ? wordGlow(word) : passageGlow(maps.told, store.get("step") ?? "all");
  return liveGlow(reading);
}

/** @param {ShownWord} shownWord @returns {Glow} */
function wordGlow({ text, told, sentence }) {
  const title = `“${text}”`;
  if (!told) return { title, kind: "", map: null, box: null, sentence: sentence || "…" };
  const map = mapFor(told, 0);
  return glowOf(title, map, told, peakOf(map));
}

/**
 * The glow of a passage.
 * @param {DecodedMaps} told
 * @param {string} name
 * @returns {Glow}
 */
export function passageGlow(told, name) {
  const at = told.passages.findIndex((passage) => passage.name === name);
  const title = passageTitle(name);
  if (at < 0) return { title, kind: "", map: null, box: told.box, sentence: "no map of this" };
  const map = mapFor(told, at);
  const peaks = heatInForce().together
    ? told.passages.map((_, passage) => peakOf(mapFor(told, passage)))
    : [peakOf(map)];
  return glowOf(title, map, told, Math.max(...peaks));
}

/**
 * The map of a passage for the layers and the kind that are chosen.
 * @param {DecodedMaps} told
 * @param {number} passage
 */
function mapFor(told, passage) {
  const { kind, layers } = heatInForce();
  const last = told.layers - 1;
  const chosen = layers ? [Math.min(layers[0], last), Math.min(layers[1], last)] : [0, last];
  const raw = rawMap(told, passage, chosen);
  const neutral = kind === "relative" ? neutralMap(told, chosen) : null;
  return neutral ? relativeMap(raw, neutral, told.floor) : raw;
}

/** @param {Reading} reading */
function liveGlow(reading) {
  const box = reading.placements?.[0]?.box;
  const event = heard();
  return event && box ? eventGlow(event, box) : null;
}

/**
 * While it is written: raw attention, all layers, as it was told last of a passage.
 * @param {AttentionEvent} event
 * @param {Box} box
 */
export function eventGlow(event, box) {
  const map = liveMap(event);
  return glowOf(passageTitle(event.passage), map, { box }, peakOf(map));
}

/**
 * @param {string} title
 * @param {HeatMap} map
 * @param {{box: Box, layers?: number}} told
 * @param {number} peak
 * @returns {MapGlow}
 */
function glowOf(title, map, { box, layers }, peak) {
  const kind = (map.relative ? RELATIVE : RAW) + layersText(layers);
  return {
    title,
    kind,
    box,
    map,
    sentence: "",
    peak: Math.max(LEAST_PEAK, peak),
    verdict: verdict(map, limits),
  };
}

/** Which of so many layers count, where it is not all of them. @param {number|undefined} count */
function layersText(count) {
  const chosen = count && heatInForce().layers;
  if (!chosen) return "";
  const [first, last] = chosen.map((layer) => Math.min(layer, count - 1) + 1);
  return first === last
    ? `; layer ${first} of ${count}`
    : `; layers ${first} to ${last} of ${count}`;
}

/**
 * Whether a glow's cells are drawn, and not only told in words.
 * @param {Glow|null|undefined} glow
 * @returns {glow is MapGlow}
 */
export function isDrawn(glow) {
  const { on, diffuse } = heatInForce();
  return Boolean(on && glow && "verdict" in glow && (glow.verdict === "localised" || diffuse));
}

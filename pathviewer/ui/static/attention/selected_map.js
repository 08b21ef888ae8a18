/**
 * What glows on the slide now: of the passage that is selected, of the newest one while the answer
 * is written, of the whole answer after that, or of the word that is pointed at. It is what the words
 * depend on, once that is found; until then, or by choice, where the model looked.
 * The store has it in "glow".
 *
 * @import { AttentionEvent, Box, EvidenceMapsOut } from "../../api_types"
 * @import { AttentionGlow, DecodedMaps, Glow, HeatMap, MapGlow } from "../../page_types"
 * @import { Reading, ShownWord, StoreValues } from "../../page_types"
 */

import { liveMap, neutralMap, peakOf, rawMap, relativeMap, verdict } from "./attention_maps.js";
import { evidenceGlow } from "./evidence_maps.js";
import { evidenceInView, passageEvidence } from "./evidence_store.js";
import { heatInForce } from "./heat_settings.js";
import { store } from "../core/store.js";

/** The scale reaches at least so many even shares, so that a flat map looks flat. */
const LEAST_PEAK = 2;
const RAW = "Raw attention";
const RELATIVE = "Attention relative to a neutral question";
/** @type {(keyof StoreValues)[]} */
const NAMES = [
  "reading",
  "completion",
  "step",
  "liveMaps",
  "maps",
  "evidence",
  "word",
  "heat",
  "research",
];
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
  const evidence = evidenceInView();
  if (!reading) return null;
  if (word && (evidence || maps?.told)) return wordGlow(word);
  if (evidence) return passageEvidenceGlow(evidence, store.get("step") ?? "all");
  if (maps?.told) return passageGlow(maps.told, store.get("step") ?? "all");
  return liveGlow(reading);
}

/** @param {ShownWord} shownWord @returns {Glow} */
function wordGlow({ text, told, evidence, ofEvidence, pointed, sentence }) {
  const title = `“${text}”`;
  if (evidence) {
    const glow = evidenceGlow(evidence, evidence.passages[0], title);
    const untested = pointed ? "Not tested; a click tests its place" : "Testing its place …";
    return { ...glow, sentence: glow.sentence || sentence || untested };
  }
  if (told) {
    const map = mapFor(told, 0);
    return glowOf(title, map, told, peakOf(map));
  }
  const view = ofEvidence ? "evidence" : "attention";
  return { view, title, kind: "", map: null, box: null, sentence: sentence || "…" };
}

/** @param {EvidenceMapsOut} told @param {string} name @returns {Glow} */
function passageEvidenceGlow(told, name) {
  const title = passageTitle(name);
  const passage = passageEvidence(name);
  if (!passage) return noMap("evidence", title, told.box);
  return evidenceGlow(told, passage, title, heatInForce().together ? told.passages : [passage]);
}

/**
 * @param {Glow["view"]} view
 * @param {string} title
 * @param {Box} box
 * @returns {Glow}
 */
function noMap(view, title, box) {
  return { view, title, kind: "", map: null, box, sentence: "no map of this" };
}

/**
 * The glow of a passage's attention.
 * @param {DecodedMaps} told
 * @param {string} name
 * @returns {Glow}
 */
export function passageGlow(told, name) {
  const at = told.passages.findIndex((passage) => passage.name === name);
  const title = passageTitle(name);
  if (at < 0) return noMap("attention", title, told.box);
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
 * @returns {AttentionGlow}
 */
export function eventGlow(event, box) {
  const map = liveMap(event);
  return { ...glowOf(passageTitle(event.passage), map, { box }, peakOf(map)), live: true };
}

/**
 * @param {string} title
 * @param {HeatMap} map
 * @param {{box: Box, layers?: number}} told
 * @param {number} peak
 * @returns {AttentionGlow}
 */
function glowOf(title, map, { box, layers }, peak) {
  const kind = (map.relative ? RELATIVE : RAW) + layersText(layers);
  return {
    view: "attention",
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

/** Verdicts on maps that show no place. @type {MapGlow["verdict"][]} */
const WITHOUT_PLACE = ["diffuse", "elsewhere", "region", "none"];

/**
 * Whether a glow's cells are drawn, and not only told in words.
 * @param {Glow|null|undefined} glow
 * @returns {glow is MapGlow}
 */
export function isDrawn(glow) {
  const { on, diffuse } = heatInForce();
  return Boolean(
    on && glow && "verdict" in glow && (diffuse || !WITHOUT_PLACE.includes(glow.verdict)),
  );
}

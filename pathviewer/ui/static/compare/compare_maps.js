/**
 * Where the two answers looked, each fetched once it is written, and what of it glows.
 *
 * store "sideMaps"   {left, right}: null, or what GET .../maps told, see attention_maps.js
 * store "firstGlow"  what glows in the first view, see glow.js: the left answer's of two views, else
 *                    that of the side that is on the slide
 * store "secondGlow" the right answer's
 */

import { request } from "../core/api.js";
import { decodedMaps } from "../attention/attention_maps.js";
import { SIDES } from "./compare_store.js";
import { eventGlow, passageGlow } from "../attention/selected_map.js";
import { store } from "../core/store.js";

const NONE = { left: null, right: null };
const TITLES = { left: "Left", right: "Right" };
let of = null;

store.set("sideMaps", NONE);
store.set("firstGlow", null);
store.set("secondGlow", null);

/** Keep maps and glows at the comparison on the screen. */
export function keepSideMaps() {
  store.on("comparison", fetchMaps);
  ["sideMaps", "steps", "liveEvents", "heat", "side", "linked"].forEach((name) =>
    store.on(name, glow),
  );
}

function fetchMaps() {
  const one = store.get("comparison");
  if (one?.id !== of) {
    of = null;
    store.set("sideMaps", NONE);
  }
  if (of || !["ready", "voted"].includes(one?.state)) return;
  of = one.id;
  SIDES.forEach((side) => fetchSide(one.id, side));
}

async function fetchSide(id, side) {
  let told = null;
  try {
    told = decodedMaps(await request(`/api/comparisons/${encodeURIComponent(id)}/${side}/maps`));
  } catch (error) {
    if (error.status === undefined) throw error;
    told = { missing: error.message };
  }
  if (of === id) store.set("sideMaps", { ...store.get("sideMaps"), [side]: told });
}

function glow() {
  store.set("firstGlow", glowOf(store.get("linked") ? "left" : store.get("side")));
  store.set("secondGlow", store.get("linked") ? glowOf("right") : null);
}

function glowOf(side) {
  const told = store.get("sideMaps")[side];
  const titled = (found) => ({ ...found, title: `${TITLES[side]}: ${found.title.toLowerCase()}` });
  if (told?.missing) {
    return titled({ title: "no map", kind: "", map: null, box: null, sentence: told.missing });
  }
  if (told) return titled(passageGlow(told, store.get("steps")[side] ?? "all"));
  const event = store.get("liveEvents")[side];
  const box = store.get("comparison")?.box;
  return event && box ? titled(eventGlow(event, box)) : null;
}

/**
 * Where the two answers looked, each fetched once it is written, and what of it glows.
 *
 * The store has them in "sideMaps", "firstGlow" and "secondGlow".
 *
 * @import { Glow, SideName, StoreValues } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { decodedMaps } from "../attention/attention_maps.js";
import { SIDES } from "./compare_store.js";
import { eventGlow, passageGlow } from "../attention/selected_map.js";
import { store } from "../core/store.js";

const NONE = { left: null, right: null };
const TITLES = { left: "Left", right: "Right" };
/** @type {string|null} */
let of = null;

store.set("sideMaps", NONE);
store.set("firstGlow", null);
store.set("secondGlow", null);

/** Keep maps and glows at the comparison on the screen. */
export function keepSideMaps() {
  store.on("comparison", fetchMaps);
  store.onAny(["sideMaps", "steps", "liveEvents", "heat", "side", "linked"], glow);
}

function fetchMaps() {
  const one = store.get("comparison");
  if (one?.id !== of) {
    of = null;
    store.set("sideMaps", NONE);
  }
  if (of || !one || !["ready", "voted"].includes(one.state)) return;
  of = one.id;
  SIDES.forEach((side) => fetchSide(one.id, side));
}

/** @param {string} id @param {SideName} side */
async function fetchSide(id, side) {
  /** @type {StoreValues["sideMaps"]["left"]} */
  let told = null;
  try {
    told = decodedMaps(
      await request("GET /api/comparisons/{comparison_id}/{side}/maps", {
        path: { comparison_id: id, side },
      }),
    );
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status === undefined) throw error;
    told = { missing: error.message };
  }
  if (of === id) store.set("sideMaps", { ...store.get("sideMaps"), [side]: told });
}

function glow() {
  store.set("firstGlow", glowOf(store.get("linked") ? "left" : store.get("side")));
  store.set("secondGlow", store.get("linked") ? glowOf("right") : null);
}

/** @param {SideName} side @returns {Glow|null} */
function glowOf(side) {
  const told = store.get("sideMaps")[side];
  /** @param {Glow} found @returns {Glow} */
  const titled = (found) => ({ ...found, title: `${TITLES[side]}: ${found.title.toLowerCase()}` });
  if (told && "missing" in told) {
    const sentence = told.missing;
    return titled({ view: "attention", title: "no map", kind: "", map: null, box: null, sentence });
  }
  if (told) return titled(passageGlow(told, store.get("steps")[side] ?? "all"));
  const event = store.get("liveEvents")[side];
  const box = store.get("comparison")?.box;
  return event && box ? titled(eventGlow(event, box)) : null;
}

/**
 * How maps are drawn; kept in this browser for the account.
 *
 * @import { HeatSettings } from "../../page_types"
 */

import { keep, recall } from "../core/browser_storage.js";
import { store } from "../core/store.js";

const KEPT = "heat";
const STEPS = { opacity: 0.1, threshold: 0.25 };
export const RANGES = { opacity: [0.1, 1], threshold: [0, 6] };
/** @type {Pick<HeatSettings, "grid"|"kind"|"layers"|"diffuse"|"together">} */
const PLAIN = { grid: false, kind: "relative", layers: null, diffuse: false, together: false };
/** @type {HeatSettings} */
const FRESH = {
  on: true,
  view: "evidence",
  opacity: 0.6,
  threshold: 1,
  colours: "viridis",
  ...PLAIN,
};

store.set("heat", FRESH);
store.on("me", () => store.set("heat", { ...store.get("heat"), ...kept() }));

/** Change some of the settings. @param {Partial<HeatSettings>} change */
export function setHeat(change) {
  const heat = { ...store.get("heat"), ...change };
  store.set("heat", heat);
  const { view, opacity, threshold, colours, grid } = heat;
  keep(KEPT, { view, opacity, threshold, colours, grid });
}

/** Research mode's own settings count in research mode alone. */
export function heatInForce() {
  return store.get("research") ? store.get("heat") : { ...store.get("heat"), ...PLAIN };
}

/**
 * Raise (1) or lower (-1) a setting by one step.
 * @param {"opacity"|"threshold"} name
 * @param {number} sign
 */
export function nudgeHeat(name, sign) {
  const [least, most] = RANGES[name];
  const value = store.get("heat")[name] + sign * STEPS[name];
  setHeat({ on: true, [name]: Number(Math.min(most, Math.max(least, value)).toFixed(2)) });
}

export function toggleHeat() {
  setHeat({ on: !store.get("heat").on });
}

/** Draw attention in place of evidence, or evidence again. */
export function toggleView() {
  const { view } = store.get("heat");
  setHeat({ on: true, view: view === "evidence" ? "attention" : "evidence" });
}

/** @returns {Partial<HeatSettings>} */
function kept() {
  const found = recall(KEPT) ?? {};
  /** @param {"opacity"|"threshold"} name */
  const within = (name) => found[name] >= RANGES[name][0] && found[name] <= RANGES[name][1];
  return {
    ...(found.view === "attention" && { view: "attention" }),
    ...(within("opacity") && { opacity: found.opacity }),
    ...(within("threshold") && { threshold: found.threshold }),
    ...(typeof found.colours === "string" && { colours: found.colours }),
    ...(typeof found.grid === "boolean" && { grid: found.grid }),
  };
}

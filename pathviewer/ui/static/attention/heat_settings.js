/**
 * How attention is drawn; kept in this browser for the account.
 *
 * store "heat"  {on: whether it is shown, opacity: 0.1 to 1 at the greatest value,
 *                threshold: even shares below which nothing is drawn, colours: a colour map's name;
 *                and in research mode
 *                grid: whether the token grid is drawn, kind: "relative"|"raw",
 *                layers: null for all or [first, last] from 0,
 *                diffuse: whether diffuse maps are drawn too,
 *                together: whether all passages share one scale}
 */

import { keep, recall } from "../core/browser_storage.js";
import { store } from "../core/store.js";

const KEPT = "heat";
const STEPS = { opacity: 0.1, threshold: 0.25 };
export const RANGES = { opacity: [0.1, 1], threshold: [0, 6] };
const PLAIN = { grid: false, kind: "relative", layers: null, diffuse: false, together: false };
const FRESH = { on: true, opacity: 0.6, threshold: 1, colours: "viridis", ...PLAIN };

store.set("heat", FRESH);
store.on("me", () => store.set("heat", { ...store.get("heat"), ...kept() }));

/** Change some of the settings. */
export function setHeat(change) {
  const heat = { ...store.get("heat"), ...change };
  store.set("heat", heat);
  const { opacity, threshold, colours, grid } = heat;
  keep(KEPT, { opacity, threshold, colours, grid });
}

/** Research mode's own settings count in research mode alone. */
export function heatInForce() {
  return store.get("research") ? store.get("heat") : { ...store.get("heat"), ...PLAIN };
}

/** Raise (1) or lower (-1) a setting by one step. @param {"opacity"|"threshold"} name */
export function nudgeHeat(name, sign) {
  const [least, most] = RANGES[name];
  const value = store.get("heat")[name] + sign * STEPS[name];
  setHeat({ on: true, [name]: Number(Math.min(most, Math.max(least, value)).toFixed(2)) });
}

export function toggleHeat() {
  setHeat({ on: !store.get("heat").on });
}

function kept() {
  const found = recall(KEPT) ?? {};
  const within = (name) => found[name] >= RANGES[name][0] && found[name] <= RANGES[name][1];
  const fits = {
    opacity: within("opacity"),
    threshold: within("threshold"),
    colours: typeof found.colours === "string",
    grid: typeof found.grid === "boolean",
  };
  return Object.fromEntries(
    Object.keys(fits)
      .filter((name) => fits[name])
      .map((name) => [name, found[name]]),
  );
}

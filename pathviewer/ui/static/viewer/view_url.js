/**
 * The address carries the view: slide, centre (x, y in level 0), downsample (level-0 pixels per
 * screen pixel), rotation (degrees) and roi (x,y,width,height in level 0). Reloading brings the
 * same view back; other parameters are left alone.
 *
 * @import { Box } from "../../api_types"
 * @import { View } from "../../page_types"
 */

const NAMES = ["slide", "x", "y", "downsample", "rotation", "roi"];

/**
 * @param {string} search location.search
 * @returns {{slide: string|null, view: View|null, roi: Box|null, problem: string|null}}
 */
export function parseView(search) {
  const given = new URLSearchParams(search);
  /** @type {string[]} */
  const problems = [];
  /** @param {string} name @param {(value: number) => boolean} fits */
  const number = (name, fits) => {
    const text = given.get(name);
    if (text === null) return null;
    const value = text.trim() === "" ? NaN : Number(text);
    if (Number.isFinite(value) && fits(value)) return value;
    problems.push(`${name}=${text.slice(0, 40)}`);
    return null;
  };
  const x = number("x", () => true);
  const y = number("y", () => true);
  const downsample = number("downsample", (value) => value > 0);
  const rotation = number("rotation", () => true) ?? 0;
  const roi = parseBox(given.get("roi"), problems);
  const whole = x !== null && y !== null && downsample !== null;
  return {
    slide: given.get("slide"),
    view: whole ? { x, y, downsample, rotation: ((rotation % 360) + 360) % 360 } : null,
    roi,
    problem: problems.length ? problems.join(", ") : null,
  };
}

/** @param {string|null} text @param {string[]} problems @returns {Box|null} */
function parseBox(text, problems) {
  if (text === null) return null;
  const parts = text.split(",").map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : NaN));
  if (parts.length === 4 && parts.every(Number.isSafeInteger) && parts[2] > 0 && parts[3] > 0) {
    const [x, y, width, height] = parts;
    return { x, y, width, height };
  }
  problems.push(`roi=${text.slice(0, 40)}`);
  return null;
}

/**
 * The query string of a view, numbers as short as they stay exact on the screen.
 * @param {string} search
 * @param {string} slideId
 * @param {View} view
 * @param {Box|null} box
 */
export function formatView(search, slideId, view, box) {
  const query = new URLSearchParams(search);
  NAMES.forEach((name) => query.delete(name));
  query.set("slide", slideId);
  query.set("x", tidy(view.x, 2));
  query.set("y", tidy(view.y, 2));
  query.set("downsample", String(Number(view.downsample.toPrecision(7))));
  if (view.rotation) query.set("rotation", tidy(view.rotation, 3));
  let text = query.toString();
  if (box) text += `&roi=${box.x},${box.y},${box.width},${box.height}`;
  return `?${text}`;
}

/**
 * Show the view in the address, without a new entry in the history.
 * @param {string} slideId
 * @param {View} view
 * @param {Box|null} box
 */
export function writeView(slideId, view, box) {
  const search = formatView(window.location.search, slideId, view, box);
  if (search !== window.location.search) {
    window.history.replaceState(window.history.state, "", `${window.location.pathname}${search}`);
  }
}

/**
 * Put a further name into the address, or take it out of it with null.
 * @param {string} name
 * @param {string|null} value
 */
export function writeParameter(name, value) {
  const query = new URLSearchParams(window.location.search);
  const roi = query.get("roi");
  query.delete(name);
  query.delete("roi");
  if (value) query.set(name, value);
  // commas stay readable
  const text = query.toString() + (roi ? `${query.size ? "&" : ""}roi=${roi}` : "");
  window.history.replaceState(
    window.history.state,
    "",
    `${window.location.pathname}${text && `?${text}`}`,
  );
}

/** @param {number} value @param {number} places */
function tidy(value, places) {
  return String(Number(value.toFixed(places)));
}

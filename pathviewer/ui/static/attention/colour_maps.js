/** Colour tables from the stops that the server hands to the page. */

/** @type {Map<string, Uint8Array>} */
const tables = new Map();
/** @type {Map<string, string>} */
const gradients = new Map();
/** @type {Object<string, number[][]>} */
let stops = {};

/** Take the server's stops over. @param {Object<string, number[][]>} given RGB from low to high */
export function setColours(given) {
  stops = given;
  tables.clear();
  gradients.clear();
}

/** Names of the colour maps. */
export function colourNames() {
  return Object.keys(stops);
}

/** 256 x RGB from low to high. @param {string} name @returns {Uint8Array} */
export function colourTable(name) {
  const table = tables.get(name) ?? interpolated(stops[name] ?? Object.values(stops)[0]);
  tables.set(name, table);
  return table;
}

/**
 * A table as a CSS gradient from left to right.
 * @param {string} name
 * @returns {string}
 */
export function gradient(name) {
  const text = gradients.get(name) ?? gradientOf(name);
  gradients.set(name, text);
  return text;
}

/** @param {string} name */
function gradientOf(name) {
  const table = colourTable(name);
  const at = Array.from({ length: 17 }, (_, index) => Math.round((index * 255) / 16));
  return `linear-gradient(to right, ${at
    .map((index) => `rgb(${table.subarray(3 * index, 3 * index + 3).join(" ")})`)
    .join(", ")})`;
}

/** @param {number[][]} colours */
function interpolated(colours) {
  const table = new Uint8Array(3 * 256);
  for (let index = 0; index < 256; index += 1) {
    const at = (index * (colours.length - 1)) / 255;
    const low = Math.min(colours.length - 2, Math.floor(at));
    for (let part = 0; part < 3; part += 1) {
      const [a, b] = [colours[low][part], colours[low + 1][part]];
      table[3 * index + part] = Math.round(a + (b - a) * (at - low));
    }
  }
  return table;
}

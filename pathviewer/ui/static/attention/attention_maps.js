/**
 * Attention as numbers: what models/attention.py computes, for the layers that are chosen here.
 *
 * Map: {columns, rows, weights: Float64Array (rows * columns) summing to 1, imageShare,
 *       relative: whether it is over that of a neutral question}
 * Told: the body of GET .../maps, `values` decoded to Uint8Array.
 *
 * @import { AttentionEvent, Maps, PassageMap } from "../../api_types"
 * @import { AttentionGlow, DecodedMaps, HeatMap } from "../../page_types"
 */

/** @param {string} text base64 @returns {Uint8Array} */
export function decoded(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/**
 * The body of GET .../maps with its bytes decoded.
 * @param {Maps} told
 * @returns {DecodedMaps}
 */
export function decodedMaps(told) {
  const neutral = told.neutral && { ...told.neutral, values: decoded(told.neutral.values) };
  return { ...told, values: decoded(told.values), neutral };
}

/**
 * What the map of a passage is computed from.
 * @typedef {Pick<DecodedMaps, "columns"|"rows"|"values"|"peaks"|"layers"> & {
 *   passages: Pick<PassageMap, "image_share">[]}} Summed
 */

/**
 * The raw map of a passage over a range of layers.
 * @param {Summed} told
 * @param {number} passage its place in told.passages
 * @param {number[]} layers first and last, from 0
 */
export function rawMap(told, passage, layers) {
  const { columns, rows, values, peaks } = told;
  const from = passage * told.layers * columns * rows;
  const mean = layerMean(values, from, peaks[passage], columns * rows, layers);
  const all = layers[0] === 0 && layers[1] === told.layers - 1;
  const share = all ? told.passages[passage].image_share : sum(mean);
  return mapOf(mean, columns, rows, share);
}

/**
 * The neutral question's map over a range of layers, or null where there is none.
 * @param {DecodedMaps} told
 * @param {number[]} layers
 */
export function neutralMap(told, layers) {
  const { columns, rows, neutral } = told;
  if (!neutral) return null;
  const mean = layerMean(neutral.values, 0, neutral.peaks, columns * rows, layers);
  return mapOf(mean, columns, rows, sum(mean));
}

/**
 * The map of an `attention` event: raw, all layers.
 * @param {Pick<AttentionEvent, "columns"|"rows"|"peak"|"values"|"image_share">} event
 */
export function liveMap({ columns, rows, peak, values, image_share: share }) {
  const bytes = decoded(values);
  const mean = layerMean(bytes, 0, [peak], columns * rows, [0, 0]);
  return mapOf(mean, columns, rows, share);
}

/**
 * `raw` over a neutral question's map of the same cells, summing to 1 again.
 * @param {HeatMap} raw
 * @param {HeatMap} neutral
 * @param {number} floor
 * @returns {HeatMap}
 */
export function relativeMap(raw, neutral, floor) {
  const least = floor / raw.weights.length;
  const ratio = raw.weights.map(
    (weight, cell) => (weight + least) / (neutral.weights[cell] + least),
  );
  const total = sum(ratio);
  return { ...raw, weights: ratio.map((value) => value / total), relative: true };
}

/**
 * Entropy of the weights over that of an even map: 0 one cell, 1 even; 1 for a single cell.
 * @param {HeatMap} map
 */
export function entropy({ weights }) {
  if (weights.length === 1) return 1;
  let found = 0;
  weights.forEach((weight) => {
    if (weight > 0) found -= weight * Math.log(weight);
  });
  return Math.min(1, Math.max(0, found / Math.log(weights.length)));
}

/**
 * Share of the cells over which an even map of this entropy would lie; 1 is even.
 * @param {HeatMap} map
 */
export function spread(map) {
  return map.weights.length ** (entropy(map) - 1);
}

/**
 * "localised", "diffuse", or "elsewhere" where hardly any attention fell on the picture.
 * @param {{localised_spread: number, least_image_share: number}} limits
 * @param {HeatMap} map
 * @returns {AttentionGlow["verdict"]}
 */
export function verdict(map, limits) {
  if (map.imageShare < limits.least_image_share) return "elsewhere";
  return map.weights.length > 1 && spread(map) <= limits.localised_spread ? "localised" : "diffuse";
}

/** The greatest weight in even shares. @param {HeatMap} map */
export function peakOf({ weights }) {
  return weights.reduce((most, weight) => Math.max(most, weight), 0) * weights.length;
}

/**
 * Mean over layers of bytes that are each scaled to their layer's peak.
 * @param {Uint8Array} values
 * @param {number} from where the first layer begins among the values
 * @param {number[]} peaks
 * @param {number} cells
 * @param {number[]} layers first and last
 */
function layerMean(values, from, peaks, cells, [first, last]) {
  const mean = new Float64Array(cells);
  const count = last - first + 1;
  for (let layer = first; layer <= last; layer += 1) {
    const scale = peaks[layer] / 255 / count;
    const start = from + layer * cells;
    for (let cell = 0; cell < cells; cell += 1) mean[cell] += values[start + cell] * scale;
  }
  return mean;
}

/**
 * @param {Float64Array} mean
 * @param {number} columns
 * @param {number} rows
 * @param {number} share
 * @returns {HeatMap}
 */
function mapOf(mean, columns, rows, share) {
  const total = sum(mean);
  const weights = total > 0 ? mean.map((value) => value / total) : mean.fill(1 / mean.length);
  return { columns, rows, weights, imageShare: Math.min(1, share), relative: false };
}

/** @param {Float64Array} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

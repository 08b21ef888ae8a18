/**
 * Magnification and zoom. `downsample` is level-0 pixels per screen (CSS) pixel: 1 is the scan's
 * own resolution, 4 shows a quarter of it, 0.5 is the over-zoom limit.
 *
 * @import { PoweredSlide } from "../../page_types"
 */

import { pixelSize } from "./scale.js";

export const MOST_OVERZOOM = 2;
const PRESETS = [1.25, 2.5, 5, 10, 20, 40];
const RATIOS = [32, 16, 8, 4, 2, 1];

/**
 * The magnification of the scan's own resolution. Where the file does not name its objective, the
 * convention 10/mpp (0.5 um per pixel is 20x) stands in for it, marked approximate. Oblong pixels
 * count by their width, since `downsample` runs along a row.
 * @param {PoweredSlide} slide
 * @returns {{power: number, approximate: boolean} | null} null when neither is known
 */
export function scanPower(slide) {
  if (slide.objective_power) return { power: slide.objective_power, approximate: false };
  const pixel = pixelSize(slide);
  if (pixel) return { power: 10 / pixel.x, approximate: true };
  return null;
}

/**
 * The zoom in words: "20x", "~20x", or "1:4" where no magnification is known.
 * @param {PoweredSlide} slide
 * @param {number} downsample
 */
export function zoomText(slide, downsample) {
  const scan = scanPower(slide);
  if (!scan) return downsample < 1 ? `${tidy(1 / downsample)}:1` : `1:${tidy(downsample)}`;
  return `${scan.approximate ? "~" : ""}${tidy(scan.power / downsample)}x`;
}

/**
 * @param {string} text as typed: "20", "20x", "~5x", "1:4", "2:1"
 * @param {PoweredSlide} slide
 * @returns {number|null} the downsample, or null when the text names none
 */
export function parseZoom(slide, text) {
  const ratio = /^\s*(\d+(?:\.\d+)?)\s*:\s*(\d+(?:\.\d+)?)\s*$/.exec(text);
  if (ratio) return positive(Number(ratio[2]) / Number(ratio[1]));
  const typed = /^\s*~?\s*(\d+(?:[.,]\d+)?)\s*[x×]?\s*$/i.exec(text);
  const scan = scanPower(slide);
  if (!typed || !scan) return null;
  return positive(scan.power / Number(typed[1].replace(",", ".")));
}

/**
 * The six presets of the keys 1 to 6.
 * @param {PoweredSlide|null|undefined} slide
 * @returns {{label: string, downsample: number, reachable: boolean}[]}
 */
export function presets(slide) {
  const scan = slide && scanPower(slide);
  if (!scan) {
    return RATIOS.map((ratio) => ({ label: `1:${ratio}`, downsample: ratio, reachable: true }));
  }
  return PRESETS.map((power) => {
    const downsample = scan.power / power;
    return { label: `${power}x`, downsample, reachable: downsample >= 0.999 / MOST_OVERZOOM };
  });
}

/** @param {number} value */
function positive(value) {
  return Number.isFinite(value) && value > 0 ? value : null;
}

/** @param {number} value */
function tidy(value) {
  return String(Number(value.toPrecision(value >= 10 || value < 2 ? 3 : 2)));
}

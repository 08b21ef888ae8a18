/**
 * The scale of a slide: lengths and areas between level-0 points in um, each axis with its own, and
 * where the scale is from, in words. `scale` is that of GET /api/slides/{id}.
 *
 * @import { ScaleOut } from "../../api_types"
 * @import { Drawn, PixelSize, Point, Scaled } from "../../page_types"
 */

import { area, extent } from "../regions/shapes.js";

const MICRONS = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 4, useGrouping: false });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/**
 * @param {Scaled|null|undefined} slide
 * @returns {{x: number, y: number}|null} um per level-0 pixel; null where it is unknown
 */
export function pixelSize(slide) {
  const { x, y } = slide?.scale ?? {};
  return x && y ? { x, y } : null;
}

/**
 * Length of a straight line in um.
 * @param {{x: number, y: number}} pixel
 * @param {Point} a
 * @param {Point} b
 */
export function lengthUm(a, b, pixel) {
  return Math.hypot((a[0] - b[0]) * pixel.x, (a[1] - b[1]) * pixel.y);
}

/**
 * Area of a closed shape in square um.
 * @param {Point[]} points
 * @param {PixelSize} pixel
 */
export function areaUm2(points, pixel) {
  return area(points) * pixel.x * pixel.y;
}

/**
 * Width and height of a region in um: a rectangle's sides, else the extent.
 * @param {Drawn} region
 * @param {PixelSize} pixel
 */
export function extentUm(region, pixel) {
  return extent(region, pixel);
}

/**
 * "0.25" or "0.25 × 0.5", without the unit; the same digits as the server's.
 * @param {{x?: number|null, y?: number|null}} scale
 */
export function sizeDigits({ x, y }) {
  return x === y ? digits(x) : `${digits(x)} × ${digits(y)}`;
}

/** @param {number|null|undefined} size */
function digits(size) {
  return MICRONS.format(size ?? 0);
}

/**
 * What the file says of the scale: "the file claims 42.33 µm/px".
 * @param {Pick<Partial<ScaleOut>, "claimed">} scale
 */
export function claimText({ claimed }) {
  if (!claimed) return "the file states none";
  if (!claimed.x || !claimed.y) return "the file states it along one axis only";
  return `the file claims ${sizeDigits(claimed)} µm/px`;
}

/**
 * Who entered the scale, and when: "entered by ada on 30 Nov 2026".
 * @param {Pick<Partial<ScaleOut>, "entered_by"|"entered_at">} scale
 */
export function enteredText({ entered_by: by, entered_at: at }) {
  return `entered${by ? ` by ${by}` : " by hand"}${at ? ` on ${DAY.format(new Date(at))}` : ""}`;
}

/**
 * The scale in one line: "0.25 µm/px", "0.25 µm/px, entered by ada on 30 Nov 2026".
 * @param {Partial<ScaleOut>} scale
 */
export function scaleText(scale) {
  if (!scale.source) return `scale unknown${scale.claimed ? `: ${claimText(scale)}` : ""}`;
  const size = `${sizeDigits(scale)} µm/px`;
  return scale.source === "file" ? size : `${size}, ${enteredText(scale)}`;
}

/**
 * A typed scale: "0.25", "0,25", "0.25 x 0.5".
 * @param {string} text
 * @returns {number|{x: number, y: number}|null} null when the text is none
 */
export function parseScale(text) {
  const parts = text
    .trim()
    .split(/\s*[x×*]\s*|\s+/i)
    .map((part) => Number(part.replace(",", ".")));
  if (parts.length > 2 || !parts.every((part) => part > 0 && Number.isFinite(part))) return null;
  return parts.length === 1 ? parts[0] : { x: parts[0], y: parts[1] };
}

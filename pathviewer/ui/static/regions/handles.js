/**
 * Changing a drawn region by its handles. All points are in level-0 pixels.
 *
 * @import { Drawn, Extent, Point, ScaledSlide } from "../../page_types"
 */

import {
  boundingBox,
  crossesItself,
  distance,
  isField,
  isUpright,
  ontoSlide,
  onSlide,
} from "./shapes.js";

const MOST_VERTICES = 60;
const MOST_INSERTS = 24;

/**
 * A handle; that of a side has hx, hy in -1, 0, 1: which sides of the rectangle it moves.
 * @typedef {{kind: "move", at: Point}
 *   | {kind: "side", at: Point, hx: number, hy: number}
 *   | {kind: "vertex"|"insert", at: Point, index: number}} Handle
 */

/**
 * The handles of a region. A square of 1 mm2 is a field and can only be moved.
 * @param {Drawn} region
 * @param {ScaledSlide} slide
 * @returns {Handle[]}
 */
export function handlesOf(region, slide) {
  const { points } = region;
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  const middle = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
  /** @type {Handle} */
  const move = { kind: "move", at: middle };
  if (isField(region, slide)) return [move];
  if (region.shape === "rectangle") return [move, ...sideHandles(points)];
  /** @type {Handle[]} */
  const vertices =
    points.length > MOST_VERTICES ? [] : points.map((at, index) => ({ kind: "vertex", at, index }));
  /** @type {Handle[]} */
  const inserts =
    points.length > MOST_INSERTS
      ? []
      : points.map((point, index) => {
          const next = points[(index + 1) % points.length];
          return {
            kind: "insert",
            at: [(point[0] + next[0]) / 2, (point[1] + next[1]) / 2],
            index,
          };
        });
  return [move, ...inserts, ...vertices];
}

/** @param {Point[]} points @returns {Handle[]} */
function sideHandles(points) {
  const { origin, across, down, width, height } = rectangleFrame(points);
  /** @type {Handle[]} */
  const handles = [];
  for (const hx of [-1, 0, 1]) {
    for (const hy of [-1, 0, 1]) {
      if (hx === 0 && hy === 0) continue;
      const [right, below] = [((hx + 1) / 2) * width, ((hy + 1) / 2) * height];
      const at = along(origin, across, right, down, below);
      handles.push({ kind: "side", at, hx, hy });
    }
  }
  return handles;
}

/**
 * The points after dragging `handle` from `from` to `to`.
 * @param {Drawn} region
 * @param {Handle} handle
 * @param {Point} from
 * @param {Point} to
 * @param {Extent} slide
 * @returns {number[][]|null} null where the drag would leave the slide or cross the outline
 */
export function dragged(region, handle, from, to, slide) {
  if (handle.kind === "move") return moved(region.points, to[0] - from[0], to[1] - from[1], slide);
  if (handle.kind === "side") return resized(region.points, handle, to, slide);
  const points = [...region.points];
  const at = ontoSlide(to, slide);
  if (handle.kind === "vertex") points[handle.index] = at;
  else points.splice(handle.index + 1, 0, at);
  return crossesItself(points) ? null : points;
}

/**
 * The points moved by (dx, dy), stopped at the slide's edge.
 * @param {Point[]} points
 * @param {number} dx
 * @param {number} dy
 * @param {Extent} slide
 */
export function moved(points, dx, dy, slide) {
  const box = boundingBox(points, slide);
  const right = Math.min(slide.width - box.x - box.width, Math.max(-box.x, dx));
  const below = Math.min(slide.height - box.y - box.height, Math.max(-box.y, dy));
  const whole = points.every((point) => point.every(Number.isInteger));
  const [x, y] = whole ? [Math.round(right), Math.round(below)] : [right, below];
  return points.map((point) => [point[0] + x, point[1] + y]);
}

/**
 * A rectangle grown or shrunk at its right and lower side.
 * @param {Point[]} points
 * @param {number} dx
 * @param {number} dy
 * @param {Extent} slide
 */
export function grown(points, dx, dy, slide) {
  const { origin, across, down, width, height } = rectangleFrame(points);
  const to = along(origin, across, Math.max(1, width + dx), down, Math.max(1, height + dy));
  return resized(points, { hx: 1, hy: 1 }, to, slide);
}

/**
 * A polygon without one of its vertices, or null when it would not be one any more.
 * @param {Point[]} points
 * @param {number} index
 */
export function withoutVertex(points, index) {
  const rest = points.filter((_, other) => other !== index);
  return rest.length < 3 || crossesItself(rest) ? null : rest;
}

/**
 * @param {Point[]} points
 * @param {{hx?: number, hy?: number}} given
 * @param {Point} to
 * @param {Extent} slide
 */
function resized(points, { hx, hy }, to, slide) {
  const { origin, across, down, width, height } = rectangleFrame(points);
  const upright = isUpright(points);
  const [x, y] = upright ? ontoSlide(to, slide) : to;
  const span = [x - origin[0], y - origin[1]];
  const right = span[0] * across[0] + span[1] * across[1];
  const below = span[0] * down[0] + span[1] * down[1];
  const [left, rightEnd] = ordered(hx === -1 ? right : 0, hx === 1 ? right : width);
  const [top, bottom] = ordered(hy === -1 ? below : 0, hy === 1 ? below : height);
  const shape = [
    [left, top],
    [rightEnd, top],
    [rightEnd, bottom],
    [left, bottom],
  ].map(([u, v]) => along(origin, across, u, down, v));
  return upright || onSlide(shape, slide) ? shape : null;
}

/**
 * A rectangle's first corner, the directions of its sides and their lengths.
 * @param {Point[]} point
 */
function rectangleFrame([origin, right, , below]) {
  const width = distance(origin, right);
  const height = distance(origin, below);
  const across = [(right[0] - origin[0]) / width, (right[1] - origin[1]) / width];
  const down = [(below[0] - origin[0]) / height, (below[1] - origin[1]) / height];
  return { origin, across, down, width, height };
}

/**
 * @param {Point} origin
 * @param {Point} across
 * @param {number} u
 * @param {Point} down
 * @param {number} v
 * @returns {Point}
 */
function along(origin, across, u, down, v) {
  return [origin[0] + u * across[0] + v * down[0], origin[1] + u * across[1] + v * down[1]];
}

/** @param {number} a @param {number} b */
function ordered(a, b) {
  return Math.abs(a - b) < 1
    ? [Math.min(a, b), Math.min(a, b) + 1]
    : [Math.min(a, b), Math.max(a, b)];
}

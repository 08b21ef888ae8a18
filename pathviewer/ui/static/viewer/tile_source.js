/**
 * Our pyramid as an OpenSeadragon tile source. The server lists levels from the finest down;
 * OpenSeadragon counts from the smallest up, so its level n is our level (count - 1 - n).
 *
 * @import { OpenedSlide } from "../../api_types"
 */

import { contextOf } from "../core/dom.js";
import { ApiError, failureOf, refusal, url } from "../core/api.js";
import { pixelAspect, tileAt, tileBox } from "./pyramid.js";
import { coloured } from "./tile_colours.js";

/**
 * Options of an OpenSeadragon.TileSource, as this page gives them.
 * @typedef {{width: number, height: number, tileWidth: number, tileHeight: number,
 *   tileOverlap: number, minLevel: number, maxLevel: number,
 *   getLevelScale: (level: number) => number, getTileWidth: (level: number) => number,
 *   getTileHeight: (level: number) => number,
 *   getNumTiles: (level: number) => OpenSeadragon.Point,
 *   getTileAtPoint: (level: number, point: OpenSeadragon.Point) => OpenSeadragon.Point,
 *   getTileBounds: (level: number, column: number, row: number, isSource?: boolean) =>
 *     OpenSeadragon.Rect,
 *   getTileUrl: (level: number, column: number, row: number) => string,
 *   downloadTileStart: (job: OpenSeadragon.ImageJob) => void,
 *   downloadTileAbort: (job: OpenSeadragon.ImageJob) => void}} TileSourceOptions
 */

/**
 * @param {OpenedSlide} slide
 * @param {(error: import("../core/api.js").ApiError) => void} onTrouble told of each tile that has no picture
 * @returns {TileSourceOptions}
 */
export function tileSource(slide, onTrouble) {
  const last = slide.levels.length - 1;
  /** @param {number} level */
  const ours = (level) => slide.levels[last - level];
  const base = url(`/api/slides/${encodeURIComponent(slide.id)}/tiles`);
  return {
    width: slide.width,
    height: slide.height * pixelAspect(slide),
    tileWidth: slide.levels[0].tile_width,
    tileHeight: slide.levels[0].tile_height,
    tileOverlap: 0,
    minLevel: 0,
    maxLevel: last,
    getLevelScale: (level) => 1 / ours(level).downsample,
    getTileWidth: (level) => ours(level).tile_width,
    getTileHeight: (level) => ours(level).tile_height,
    getNumTiles: (level) =>
      new OpenSeadragon.Point(
        Math.ceil(ours(level).width / ours(level).tile_width),
        Math.ceil(ours(level).height / ours(level).tile_height),
      ),
    getTileAtPoint: (level, { x, y }) => {
      const place = tileAt(slide, ours(level), [x * slide.width, y * slide.width]);
      return new OpenSeadragon.Point(place.column, place.row);
    },
    getTileBounds: (level, column, row, isSource) => {
      const { pixels, drawn } = tileBox(slide, ours(level), column, row);
      if (isSource) return new OpenSeadragon.Rect(0, 0, pixels.width, pixels.height);
      const sides = [drawn.x, drawn.y, drawn.width, drawn.height];
      return new OpenSeadragon.Rect(...sides.map((side) => side / slide.width));
    },
    getTileUrl: (level, column, row) => `${base}/${last - level}/${column}/${row}`,
    downloadTileStart: (job) => startDownload(job, slide, onTrouble),
    downloadTileAbort: abort,
  };
}

/**
 * Load a tile as an image element, in the colours to be shown; ask why only if that fails.
 * @param {OpenSeadragon.ImageJob} job
 * @param {OpenedSlide} slide
 * @param {(error: ApiError) => void} onTrouble
 */
async function startDownload(job, slide, onTrouble) {
  const image = new Image();
  job.userData.image = image;
  image.src = job.src;
  try {
    await image.decode();
    const [picture, type] = await coloured(slide, image);
    if (!job.userData.aborted) job.finish(picture, null, type);
  } catch {
    if (!job.userData.aborted) await explain(job, onTrouble);
  }
}

/** @param {OpenSeadragon.ImageJob} job @param {(error: ApiError) => void} onTrouble */
async function explain(job, onTrouble) {
  let error;
  try {
    const response = await fetch(job.src);
    error = response.ok
      ? new ApiError("tile_damaged", "The tile is not a picture.", 422)
      : await refusal(response);
  } catch (thrown) {
    const failure = failureOf(thrown);
    error = new ApiError("unreachable", failure.message, 0);
  }
  onTrouble(error);
  if (error.status === 422) job.finish(damagedTile(job.tile), null, "context2d");
  else job.fail(error.message, null);
}

/** @param {OpenSeadragon.ImageJob} job */
function abort(job) {
  job.userData.aborted = true;
  job.userData.image.src = "";
}

/**
 * A hatched tile that says "damaged": marked, so that nobody takes it for tissue.
 * @param {OpenSeadragon.Tile} tile
 */
function damagedTile(tile) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(tile.sourceBounds.width));
  canvas.height = Math.max(1, Math.round(tile.sourceBounds.height));
  const context = contextOf(canvas);
  context.fillStyle = "#3a3a3a";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = "#c9a227";
  context.lineWidth = 2;
  const step = Math.max(4, Math.min(16, canvas.width / 4));
  for (let start = -canvas.height; start < canvas.width; start += step) {
    context.beginPath();
    context.moveTo(start, canvas.height);
    context.lineTo(start + canvas.height, 0);
    context.stroke();
  }
  if (canvas.width >= 100 && canvas.height >= 32) writeDamaged(context, canvas);
  return context;
}

/** @param {CanvasRenderingContext2D} context @param {HTMLCanvasElement} canvas */
function writeDamaged(context, canvas) {
  context.font = "bold 18px sans-serif";
  const text = "damaged";
  const width = context.measureText(text).width + 16;
  context.fillStyle = "#000";
  context.fillRect((canvas.width - width) / 2, canvas.height / 2 - 16, width, 30);
  context.fillStyle = "#fff";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, canvas.width / 2, canvas.height / 2);
}

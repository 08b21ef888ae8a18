/**
 * Corrects the colours of tiles beside the page. Takes {slide, table} once per slide, then
 * {number, slide, picture: ImageBitmap}; answers {number, picture} or {number, error}.
 */

import { applyTable, readTable } from "./colour_table.js";

/** @typedef {ReturnType<typeof readTable>} Table */

/** @type {Map<string, Table>} */
const tables = new Map();

self.onmessage = ({ data: { number, slide, table, picture } }) => {
  if (table) {
    tables.set(slide, readTable(table));
    return;
  }
  try {
    const corrected = correct(picture, /** @type {Table} */ (tables.get(slide)));
    postMessage({ number, picture: corrected }, { transfer: [corrected] });
  } catch (error) {
    postMessage({ number, error: String(error) });
  }
};

/** @param {ImageBitmap} picture @param {Table} table */
function correct(picture, table) {
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { alpha: false, willReadFrequently: true })
  );
  context.drawImage(picture, 0, 0);
  picture.close();
  const pixels = context.getImageData(0, 0, width, height);
  applyTable(pixels.data, table);
  context.putImageData(pixels, 0, 0);
  return canvas.transferToImageBitmap();
}

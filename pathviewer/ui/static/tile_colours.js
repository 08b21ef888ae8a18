/**
 * The colours of tiles: corrected to sRGB by the slide's colour profile, or as they were scanned.
 * The server sends tiles as they are in the file; the page corrects them.
 *
 * store "corrected"  whether colours are corrected where a profile applies; kept for the account
 */

import { request } from "./api.js";
import { keep, recall } from "./kept.js";
import { say, store } from "./store.js";

const KEPT = "corrected-colours";

store.set("corrected", true);
store.on("me", () => store.set("corrected", recall(KEPT) !== false));

/** Whether tiles of this slide are shown corrected now. @param {Object|null} slide */
export function isCorrected(slide) {
  return Boolean(slide?.colour_profile?.applied && store.get("corrected"));
}

/** Show corrected colours, or those that were scanned. */
export function toggleColours() {
  const corrected = !store.get("corrected");
  store.set("corrected", corrected);
  keep(KEPT, corrected);
}

/** What a question says of its colours: nothing where they are corrected, the server's default. */
export function askedColours(slide) {
  return slide?.colour_profile?.applied && !store.get("corrected") ? { colours: "raw" } : {};
}

/** Load the tiles of a viewer again whenever their colours change. */
export function followColours(viewer, slideOf) {
  let shown = store.get("corrected");
  store.on("corrected", (corrected) => {
    if (corrected === shown) return;
    shown = corrected;
    if (!slideOf()?.colour_profile?.applied) return;
    viewer.world.resetItems();
    viewer.navigator?.world.resetItems();
    viewer.forceRedraw();
  });
}

/**
 * A tile in the colours to be shown.
 * @param {Object} slide GET /api/slides/{id}
 * @param {HTMLImageElement} image decoded
 * @returns {Promise<[HTMLImageElement|ImageBitmap, string]>} and its type in OpenSeadragon
 */
export async function coloured(slide, image) {
  if (!isCorrected(slide)) return [image, "image"];
  try {
    await loadTable(slide);
    return [await corrections.correct(slide.id, image), "imageBitmap"];
  } catch (error) {
    say(`Colours are shown as they were scanned, not corrected: ${error.message}`, "warning");
    return [image, "image"];
  }
}

const tables = new Map();

/** Fetch the slide's table and hand it to the worker, once. */
function loadTable({ id }) {
  if (!tables.has(id)) {
    const loading = request(`/api/slides/${encodeURIComponent(id)}/colours`)
      .then((table) => corrections.take(id, table));
    loading.catch(() => tables.delete(id));
    tables.set(id, loading);
  }
  return tables.get(id);
}

/** The worker, which begins with the first tile. */
class Corrections {
  #worker = null;
  #waiting = new Map();
  #number = 0;

  take(slide, table) {
    this.#begin();
    this.#worker.postMessage({ slide, table });
  }

  async correct(slide, image) {
    const picture = await createImageBitmap(image, { colorSpaceConversion: "none" });
    this.#number += 1;
    const number = this.#number;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, slide, picture }, [picture]);
    });
  }

  #begin() {
    if (this.#worker) return;
    this.#worker = new Worker(new URL("./colour_worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data: { number, picture, error } }) => {
      const { resolve, reject } = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (error) reject(new Error(error));
      else resolve(picture);
    };
    this.#worker.onerror = () => this.#end("the browser does not run the page's worker.");
  }

  /** Nothing comes from this worker any more; the next slide begins another one. */
  #end(message) {
    this.#worker.terminate();
    this.#worker = null;
    tables.clear();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    waiting.forEach(({ reject }) => reject(new Error(message)));
  }
}

const corrections = new Corrections();

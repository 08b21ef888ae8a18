/**
 * The colours of tiles: corrected to sRGB by the slide's colour profile, or as they were scanned.
 * The server sends tiles as they are in the file; the page corrects them.
 * A slide that this page could not correct is shown as scanned as a whole: no view mixes the two.
 *
 * @import { ColourTableOut, OpenedSlide } from "../../api_types"
 */

import { ApiError, request } from "../core/api.js";
import { keep, recall } from "../core/browser_storage.js";
import { say, store } from "../core/store.js";

const KEPT = "corrected-colours";

const NO_WORKER = "the browser does not run the page's worker.";
const NO_PICTURE = "the browser could not correct a tile.";

store.set("corrected", true);
store.set("uncorrected", new Set());
store.on("me", () => store.set("corrected", recall(KEPT) !== false));

/**
 * Whether tiles of this slide are shown corrected now.
 * @param {OpenedSlide|null|undefined} slide
 */
export function isCorrected(slide) {
  return Boolean(slide?.colour_profile?.applied && store.get("corrected") && !cannotCorrect(slide));
}

/**
 * Whether correcting this slide failed since the page was loaded.
 * @param {OpenedSlide|null|undefined} slide
 */
export function cannotCorrect(slide) {
  return store.get("uncorrected").has(slide?.id ?? "");
}

/** Show corrected colours, or those that were scanned. */
export function toggleColours() {
  const corrected = !store.get("corrected");
  store.set("corrected", corrected);
  keep(KEPT, corrected);
}

/**
 * What a question says of its colours: nothing where they are corrected, the server's default.
 * @param {OpenedSlide|undefined} slide
 * @returns {{colours?: "raw"}}
 */
export function askedColours(slide) {
  return slide?.colour_profile?.applied && !isCorrected(slide) ? { colours: "raw" } : {};
}

/**
 * Load the tiles of a viewer again whenever their colours change.
 * @param {OpenSeadragon.Viewer} viewer
 * @param {() => OpenedSlide|null|undefined} slideOf
 */
export function followColours(viewer, slideOf) {
  let shown = store.get("corrected");
  const reload = () => {
    viewer.world.resetItems();
    viewer.navigator?.world.resetItems();
    viewer.forceRedraw();
  };
  store.on("corrected", (corrected) => {
    if (corrected === shown) return;
    shown = corrected;
    if (slideOf()?.colour_profile?.applied && !cannotCorrect(slideOf())) reload();
  });
  let known = store.get("uncorrected");
  store.on("uncorrected", (uncorrected) => {
    const id = slideOf()?.id ?? "";
    if (uncorrected.has(id) && !known.has(id)) reload();
    known = uncorrected;
  });
}

/**
 * A tile in the colours to be shown.
 * @param {OpenedSlide} slide
 * @param {HTMLImageElement} image decoded
 * @returns {Promise<[HTMLImageElement|ImageBitmap, string]>} and its type in OpenSeadragon
 */
export async function coloured(slide, image) {
  if (!isCorrected(slide)) return [image, "image"];
  try {
    await loadTable(slide);
    const corrected = await corrections.correct(slide.id, image);
    if (isCorrected(slide)) return [corrected, "imageBitmap"];
  } catch (error) {
    giveUp(slide, error);
  }
  return [image, "image"];
}

/**
 * Show all of the slide's tiles as they were scanned from now on, and say so once.
 * @param {OpenedSlide} slide
 * @param {unknown} error
 */
function giveUp(slide, error) {
  if (cannotCorrect(slide)) return;
  store.set("uncorrected", new Set(store.get("uncorrected")).add(slide.id));
  const reason =
    error instanceof Uncorrected || error instanceof ApiError ? error.message : NO_PICTURE;
  say(
    `All colours of this slide are shown as they were scanned, not corrected: ${reason}`,
    "warning",
  );
}

/** A failure whose message is a sentence for the person at the page. */
class Uncorrected extends Error {}

/** @type {Map<string, Promise<void>>} */
const tables = new Map();

/** Fetch the slide's table and hand it to the worker, once. @param {OpenedSlide} slide */
function loadTable({ id }) {
  if (!tables.has(id)) {
    const loading = request("GET /api/slides/{slide_id}/colours", {
      path: { slide_id: id },
    }).then((table) => corrections.take(id, table));
    loading.catch(() => tables.delete(id));
    tables.set(id, loading);
  }
  return tables.get(id);
}

/** The worker, which begins with the first tile. */
class Corrections {
  /** @type {Worker|null} */
  #worker = null;
  /** @type {Map<number, {resolve: (now: ImageBitmap) => void, reject: (why: Error) => void}>} */
  #waiting = new Map();
  #number = 0;

  /** @param {string} slide @param {ColourTableOut} table */
  take(slide, table) {
    this.#worker ??= this.#begin();
    this.#worker.postMessage({ slide, table });
  }

  /** @param {string} slide @param {HTMLImageElement} image @returns {Promise<ImageBitmap>} */
  async correct(slide, image) {
    const picture = await createImageBitmap(image, { colorSpaceConversion: "none" });
    const worker = this.#worker;
    if (!worker) throw new Uncorrected(NO_WORKER);
    this.#number += 1;
    const number = this.#number;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      worker.postMessage({ number, slide, picture }, [picture]);
    });
  }

  #begin() {
    const worker = new Worker(new URL("./colour_worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data: { number, picture, error } }) => {
      if (worker !== this.#worker) return;
      const waits = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (error) waits?.reject(new Uncorrected(NO_PICTURE));
      else waits?.resolve(picture);
    };
    // an ended worker may have errors and answers still on their way
    worker.onerror = () => worker === this.#worker && this.#end(NO_WORKER);
    return worker;
  }

  /**
   * Nothing comes from this worker any more; the next slide begins another one.
   * @param {string} message
   */
  #end(message) {
    this.#worker?.terminate();
    this.#worker = null;
    tables.clear();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    waiting.forEach(({ reject }) => reject(new Uncorrected(message)));
  }
}

const corrections = new Corrections();

/**
 * The regions of the slide on the screen.
 *
 * A region's `id` is the page's and never changes; the server's is in the region's Saver. A change
 * shows at once and is then saved by the server where the role may save; what could not be saved
 * stays in the page, marked, also while another slide is on the screen.
 *
 * @import { OpenedSlide, RegionOut } from "../../api_types"
 * @import { Extent, Point, Region, Shape } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { Saver, flushOnLeaving } from "./region_saver.js";
import { boundingBox, isUpright } from "./shapes.js";
import { may, say, store } from "../core/store.js";

/** @type {Map<string, Saver>} */
const savers = new Map();
/** @type {Map<string, Region[]>} */
const aside = new Map();
/** @type {Region|null} */
let lastDeleted = null;
let lastNumber = 0;
let lastId = 0;
/** @type {string|null} */
let shownSlide = null;

flushOnLeaving(savers);

/** Fetch the saved regions of a slide. @returns {Promise<void>} @param {OpenedSlide} slide */
export async function loadRegions(slide) {
  setAside();
  shownSlide = slide.id;
  store.set("selected", null);
  store.set("regions", []);
  lastDeleted = null;
  lastNumber = 0;
  try {
    await settled(slide.id);
    const saved = await request("GET /api/slides/{slide_id}/regions", {
      path: { slide_id: slide.id },
    });
    if (store.get("slide")?.id === slide.id) store.set("regions", withUnsaved(saved, slide.id));
  } catch (thrown) {
    const error = failureOf(thrown);
    say(`The regions could not be loaded: ${error.message}`, "warning");
  }
}

/** Keep what the server does not have of the slide that leaves the screen, and send the rest. */
function setAside() {
  savers.forEach((saver) => saver.flush());
  if (!shownSlide) return;
  const unsaved = store.get("regions").filter(({ saved }) => !saved);
  aside.set(shownSlide, [...(aside.get(shownSlide) ?? []), ...unsaved]);
}

/**
 * The server's regions, and those of the slide that it does not have as they were shown.
 * @param {RegionOut[]} saved
 * @param {string} slideId
 * @returns {Region[]}
 */
function withUnsaved(saved, slideId) {
  const left = (aside.get(slideId) ?? []).filter(({ id }) => !savers.get(id)?.done);
  aside.delete(slideId);
  const replaced = new Set(left.map(({ id }) => savers.get(id)?.remote));
  const drawn = new Set(store.get("regions").map(({ id }) => savers.get(id)?.remote ?? id));
  return [
    ...saved.filter(({ id }) => !replaced.has(id) && !drawn.has(id)).map(asSaved),
    ...left.map((region) => ({ ...region, waiting: false })),
    ...store.get("regions"),
  ];
}

/**
 * Resolves when nothing of a slide's regions is on its way to the server any more.
 * @param {string} slideId
 */
export async function settled(slideId) {
  const its = [...savers.values()].filter(({ slide }) => slide === slideId);
  await Promise.all(its.map((saver) => saver.settled()));
}

/**
 * Draw a new region; with `save` false it stays in the page.
 * @param {Shape} shape
 * @param {Point[]} points
 */
export function addRegion(shape, points, name = "", { save = true } = {}) {
  const slide = store.need("slide");
  const neat = tidyPoints(shape, points, slide);
  lastId += 1;
  const region = {
    id: `page-${lastId}`,
    name: name || nextName(),
    shape,
    points: neat,
    box: boundingBox(neat, slide),
    saved: false,
    waiting: false,
  };
  store.set("regions", [...store.get("regions"), region]);
  select(region.id);
  if (save) keepRegion(region.id);
}

/**
 * Show new points without saving them: a drag under way.
 * @param {string} id
 * @param {Point[]} points
 */
export function moveRegion(id, points) {
  const region = findRegion(id);
  if (!region) return;
  const slide = store.need("slide");
  const neat = tidyPoints(region.shape, points, slide);
  replace({ ...region, points: neat, box: boundingBox(neat, slide), saved: false, waiting: true });
}

/** Show a region again as it was before `moveRegion`. @param {Region} region */
export function restoreRegion(region) {
  const saver = savers.get(region.id);
  const state = saver ? { saved: saver.done, waiting: saver.busy } : { waiting: false };
  replace({ ...region, ...state });
}

/**
 * Save a region as it now is in the page, `delay` ms after the last change of it.
 * @param {string} id
 */
export function keepRegion(id, delay = 0) {
  const region = findRegion(id);
  if (!region || !may("draw_regions")) return;
  replace({ ...region, saved: false, waiting: true });
  saverOf(id).keep(region, delay);
}

/** @param {string} id @param {string|null} [remote] @returns {Saver} */
function saverOf(id, remote = null) {
  /** @type {Saver} */
  const saver = savers.get(id) ?? new Saver(store.need("slide").id, remote, () => sent(id, saver));
  savers.set(id, saver);
  return saver;
}

/**
 * A request of a region has ended: mark what is saved, say what is not.
 * @param {string} id
 * @param {Saver} saver
 */
function sent(id, saver) {
  const shown = findRegion(id);
  const { name } = shown ?? asideRegion(saver.slide, id) ?? {};
  if (name && saver.failure) say(`${name} is not saved: ${saver.failure.message}`, "warning");
  if (!shown) return;
  replace({ ...shown, saved: saver.done, waiting: saver.busy });
  // the slide's list may have been fetched in between, with this region in it
  if (saver.remote && saver.remote !== id && findRegion(saver.remote)) {
    store.set(
      "regions",
      store.get("regions").filter((other) => other.id !== saver.remote),
    );
  }
}

/** @param {string} slideId @param {string} id */
function asideRegion(slideId, id) {
  return aside.get(slideId)?.find((region) => region.id === id);
}

/**
 * Give a region another name.
 * @param {string} id
 * @param {string} name
 */
export function renameRegion(id, name) {
  const region = findRegion(id);
  if (!region || !name.trim() || name.trim() === region.name) return;
  replace({ ...region, name: name.trim().slice(0, 200) });
  keepRegion(id);
}

/** Remove a region; `undoDelete` brings it back. @param {string|null} id */
export async function removeRegion(id) {
  const region = findRegion(id);
  if (!region) return;
  store.set(
    "regions",
    store.get("regions").filter((other) => other.id !== id),
  );
  if (store.get("selected") === id) select(null);
  lastDeleted = region;
  say(`${region.name} deleted.`, "info", { label: "Undo", run: undoDelete });
  const saver = savers.get(region.id);
  if (!saver) return;
  saver.drop();
  await saver.settled();
  if (!saver.done) putBack(region, saver);
}

/**
 * Show a region again that the server would not delete.
 * @param {Region} region
 * @param {Saver} saver
 */
function putBack(region, saver) {
  if (lastDeleted === region) lastDeleted = null;
  say(`${region.name} could not be deleted: ${saver.failure?.message}`, "warning");
  if (store.get("slide")?.id !== saver.slide || findRegion(region.id)) return;
  store.set("regions", [...store.get("regions"), { ...region, waiting: false }]);
}

/** Bring the last deleted region back. */
export function undoDelete() {
  if (!lastDeleted) return;
  const { shape, points, name } = lastDeleted;
  lastDeleted = null;
  store.set("message", null);
  addRegion(shape, points, name);
}

/** @param {string|null} id */
export function select(id) {
  if (store.get("selected") !== id) store.set("selected", id);
}

/** @param {string|null} id */
export function findRegion(id) {
  return store.get("regions").find((region) => region.id === id) ?? null;
}

/** The region that is selected, or null. */
export function selectedRegion() {
  return findRegion(store.get("selected"));
}

/**
 * A region that the server keeps, as the page keeps it.
 * @param {RegionOut} region
 * @returns {Region}
 */
function asSaved({ id, name, shape, points, box }) {
  saverOf(id, id);
  return { id, name, shape, points, box, saved: true, waiting: false };
}

/** @param {Region} region */
function replace(region) {
  store.set(
    "regions",
    store.get("regions").map((other) => (other.id === region.id ? region : other)),
  );
}

function nextName() {
  const names = new Set(store.get("regions").map((region) => region.name));
  do lastNumber += 1;
  while (names.has(`Region ${lastNumber}`));
  return `Region ${lastNumber}`;
}

/**
 * Upright rectangles on whole pixels, rounded outwards; other shapes to a hundredth of a pixel.
 * @param {Shape} shape
 * @param {Point[]} points
 * @param {Extent} slide
 */
function tidyPoints(shape, points, slide) {
  if (shape === "rectangle" && isUpright(points)) {
    const { x, y, width, height } = boundingBox(points, slide);
    const [right, bottom] = [x + Math.max(1, width), y + Math.max(1, height)];
    return [
      [x, y],
      [right, y],
      [right, bottom],
      [x, bottom],
    ];
  }
  return points.map(([x, y]) => [Math.round(x * 100) / 100, Math.round(y * 100) / 100]);
}

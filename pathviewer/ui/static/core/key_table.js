/**
 * The key table. It is bound (key_binding.js) and fills the "?" panel, so that the two cannot differ.
 * Where HistomicsUI has a key for the same thing, it is the same key.
 *
 * @import { KeyEntry } from "../../page_types"
 * @import { Canvas } from "../viewer/slide_canvas.js"
 */

import { grown, moved } from "../regions/handles.js";
import { judgeKeys } from "../feedback/feedback_keys.js";
import { readingKeys } from "../questions/question_keys.js";
import {
  keepRegion,
  moveRegion,
  removeRegion,
  selectedRegion,
  undoDelete,
} from "../regions/regions.js";
import { isField } from "../regions/shapes.js";
import { say, store } from "./store.js";
import { ARROWS, scaled, viewKeys } from "../viewer/view_keys.js";
import { worklistKeys } from "../worklists/worklist_keys.js";

const NUDGE = 10;
const KEEP_AFTER_MS = 400;

/**
 * @param {import("../viewer/slide_canvas.js").Canvas} canvas
 * @returns {KeyEntry[]}
 */
export function keyTable(canvas) {
  return [
    ...viewKeys(canvas),
    ...toolKeys(canvas),
    ...regionKeys(canvas),
    ...readingKeys(),
    ...judgeKeys(),
    ...worklistKeys(),
    ...pageKeys(canvas),
  ];
}

/** @param {Canvas} canvas @returns {KeyEntry[]} */
function toolKeys(canvas) {
  const group = "Tools";
  /** @param {string} name */
  const take = (name) => () => canvas.take(name);
  return [
    { keys: ["v"], shown: "V", what: "Pan and select", group, run: take("pan") },
    { keys: ["r"], shown: "R", what: "Draw a rectangle", group, run: take("rectangle") },
    { keys: ["p"], shown: "P", what: "Draw a polygon", group, run: take("polygon") },
    { keys: ["q"], shown: "Q", what: "Place a field of 1 mm²", group, run: take("field") },
    { keys: ["w"], shown: "W", what: "Place a high-power field", group, run: take("hpf") },
    { keys: ["m"], shown: "M", what: "Measure a distance", group, run: take("measure") },
    {
      keys: ["Enter"],
      shown: "Enter",
      group,
      what: "Set a corner at the crosshair; in mouse use, close the polygon",
      run: () => canvas.placeOrFinish(),
    },
    {
      keys: ["Shift+Enter"],
      shown: "Shift + Enter",
      what: "Close the polygon",
      group,
      run: () => canvas.tool?.finish(),
    },
    {
      keys: ["Backspace"],
      shown: "Backspace",
      what: "Take the polygon's last corner away",
      group,
      run: () => canvas.tool?.back(),
    },
    {
      keys: ["Escape"],
      shown: "Esc",
      what: "Give up what is begun, then the tool, then the selection",
      group,
      run: () => canvas.escape(),
    },
  ];
}

/** @param {Canvas} canvas @returns {KeyEntry[]} */
function regionKeys(canvas) {
  const group = "Selected region";
  /** @param {KeyboardEvent} event @param {typeof grown} how */
  const change = (event, how) => {
    const region = selectedRegion();
    if (!region) return;
    if (how === grown && isField(region, canvas.frames.slide)) {
      say("A field of 1 mm² keeps its size; it can be moved.");
      return;
    }
    const step = NUDGE * canvas.frames.downsample();
    const [dx, dy] = turned(scaled(event, step), canvas.frames.rotation());
    const { aspect, slide } = canvas.frames;
    const points = how(region.points, dx, dy / aspect, slide);
    if (points) moveRegion(region.id, points);
    keepRegion(region.id, KEEP_AFTER_MS);
  };
  /** @param {string} prefix */
  const arrows = (prefix) => Object.keys(ARROWS).map((key) => prefix + key);
  return [
    {
      keys: arrows("Alt+"),
      shown: "Alt + arrows",
      what: "Move it",
      group,
      run: (event) => change(event, moved),
    },
    {
      keys: arrows("Alt+Shift+"),
      shown: "Alt + Shift + arrows",
      what: "Resize a rectangle",
      group,
      run: (event) => selectedRegion()?.shape === "rectangle" && change(event, grown),
    },
    {
      keys: ["Delete"],
      shown: "Delete",
      what: "Delete it",
      group,
      run: () => removeRegion(store.get("selected")),
    },
    {
      keys: ["Ctrl+z"],
      shown: "Ctrl + Z",
      what: "Bring the deleted region back",
      group,
      run: () => undoDelete(),
    },
    { keys: ["l"], shown: "L", what: "Go to it", group, run: () => canvas.goTo(selectedRegion()) },
    { keys: ["n"], shown: "N", what: "Select the next region", group, run: () => canvas.next(1) },
    {
      keys: ["Shift+N"],
      shown: "Shift + N",
      what: "Select the region before",
      group,
      run: () => canvas.next(-1),
    },
  ];
}

/** @param {Canvas} canvas @returns {KeyEntry[]} */
function pageKeys(canvas) {
  return [
    {
      keys: ["/"],
      shown: "/",
      what: "Search the slides",
      group: "Page",
      run: () => /** @type {HTMLElement} */ (document.querySelector("#pv-search"))?.focus(),
    },
    {
      keys: ["?", "Shift+?"],
      shown: "?",
      what: "This list of keys",
      group: "Page",
      run: () => canvas.toggleKeys(),
    },
  ];
}

/**
 * A step on the screen as a step on a slide that is shown rotated by `degrees`.
 * @param {number[]} point
 * @param {number} degrees
 * @returns {[number, number]}
 */
function turned([dx, dy], degrees) {
  const angle = (-degrees * Math.PI) / 180;
  return [dx * Math.cos(angle) - dy * Math.sin(angle), dx * Math.sin(angle) + dy * Math.cos(angle)];
}

/**
 * The key table. It binds the keys and fills the "?" panel, so that the two cannot differ.
 * Where HistomicsUI has a key for the same thing, it is the same key.
 */

import { grown, moved } from "./edit.js";
import { judgeKeys } from "./judge_keys.js";
import { readingKeys } from "./reading_keys.js";
import { keepRegion, moveRegion, removeRegion, selectedRegion, undoDelete } from "./regions.js";
import { isField } from "./shapes.js";
import { say, store } from "./store.js";

const PAN = 80;
const NUDGE = 10;
const KEEP_AFTER_MS = 400;
const OWN_KEYS = /^(Arrow.*|Home|End|Page.*|Enter| )$/;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param {import("./slide_canvas.js").Canvas} canvas
 * @returns {{keys: string[], shown: string, what: string, group: string, run: Function}[]}
 *   `keys` are KeyboardEvent.key values with "Alt+", "Ctrl+" or "Shift+" before them
 */
export function keyTable(canvas) {
  return [...viewKeys(canvas), ...toolKeys(canvas), ...regionKeys(canvas), ...readingKeys(),
    ...judgeKeys(), ...pageKeys(canvas)];
}

function viewKeys(canvas) {
  const group = "View";
  const names = ["1.25x", "2.5x", "5x", "10x", "20x", "40x"];
  return [
    ...names.map((name, index) => ({ keys: [String(index + 1)], shown: String(index + 1),
      what: `Magnification ${name}`, group, run: () => canvas.preset(index) })),
    { keys: ["7"], shown: "7", what: "Fit the whole slide", group, run: () => canvas.fit() },
    { keys: ["+", "=", "Shift++"], shown: "+", what: "Zoom in", group, run: () => canvas.zoomBy(2) },
    { keys: ["-", "_", "Shift+_"], shown: "-", what: "Zoom out", group,
      run: () => canvas.zoomBy(0.5) },
    { keys: Object.keys(ARROWS), shown: "Arrows", what: "Pan", group,
      run: (event) => canvas.panBy(...scaled(event, PAN)) },
    { keys: Object.keys(ARROWS).map((key) => `Shift+${key}`), shown: "Shift + arrows",
      what: "Pan far", group, run: (event) => canvas.panBy(...scaled(event, PAN * 4)) },
    { keys: [","], shown: ",", what: "Rotate left by 15°", group, run: () => canvas.rotateBy(-15) },
    { keys: ["."], shown: ".", what: "Rotate right by 15°", group, run: () => canvas.rotateBy(15) },
    { keys: ["<", "Shift+<"], shown: "<", what: "Rotate left by 90°", group,
      run: () => canvas.rotateBy(-90) },
    { keys: [">", "Shift+>"], shown: ">", what: "Rotate right by 90°", group,
      run: () => canvas.rotateBy(90) },
    { keys: ["0"], shown: "0", what: "Undo the rotation", group, run: () => canvas.rotateTo(0) },
    { keys: ["g"], shown: "G", what: "Type a magnification", group,
      run: () => canvas.typeMagnification() },
    { keys: ["f"], shown: "F", what: "Full screen on and off", group,
      run: () => canvas.toggleFullScreen() },
  ];
}

function toolKeys(canvas) {
  const group = "Tools";
  const take = (name) => () => canvas.take(name);
  return [
    { keys: ["v"], shown: "V", what: "Pan and select", group, run: take("pan") },
    { keys: ["r"], shown: "R", what: "Draw a rectangle", group, run: take("rectangle") },
    { keys: ["p"], shown: "P", what: "Draw a polygon", group, run: take("polygon") },
    { keys: ["q"], shown: "Q", what: "Place a field of 1 mm²", group, run: take("field") },
    { keys: ["w"], shown: "W", what: "Place a high-power field", group, run: take("hpf") },
    { keys: ["m"], shown: "M", what: "Measure a distance", group, run: take("measure") },
    { keys: ["Enter"], shown: "Enter", group,
      what: "Set a corner at the crosshair; in mouse use, close the polygon",
      run: () => canvas.placeOrFinish() },
    { keys: ["Shift+Enter"], shown: "Shift + Enter", what: "Close the polygon", group,
      run: () => canvas.tool?.finish() },
    { keys: ["Backspace"], shown: "Backspace", what: "Take the polygon's last corner away", group,
      run: () => canvas.tool?.back() },
    { keys: ["Escape"], shown: "Esc", what: "Give up what is begun, then the tool, then the selection",
      group, run: () => canvas.escape() },
  ];
}

function regionKeys(canvas) {
  const group = "Selected region";
  const change = (event, how) => {
    const region = selectedRegion();
    if (!region) return;
    if (how === grown && isField(region, canvas.frames.slide)) {
      say("A field of 1 mm² keeps its size; it can be moved.");
      return;
    }
    const step = NUDGE * canvas.frames.downsample();
    const [dx, dy] = turned(scaled(event, step), canvas.frames.rotation());
    moveRegion(region.id, how(region.points, dx, dy, canvas.frames.slide));
    keepRegion(region.id, KEEP_AFTER_MS);
  };
  const arrows = (prefix) => Object.keys(ARROWS).map((key) => prefix + key);
  return [
    { keys: arrows("Alt+"), shown: "Alt + arrows", what: "Move it", group,
      run: (event) => change(event, moved) },
    { keys: arrows("Alt+Shift+"), shown: "Alt + Shift + arrows", what: "Resize a rectangle", group,
      run: (event) => selectedRegion()?.shape === "rectangle" && change(event, grown) },
    { keys: ["Delete"], shown: "Delete", what: "Delete it", group,
      run: () => removeRegion(store.get("selected")) },
    { keys: ["Ctrl+z"], shown: "Ctrl + Z", what: "Bring the deleted region back", group,
      run: () => undoDelete() },
    { keys: ["l"], shown: "L", what: "Go to it", group, run: () => canvas.goTo(selectedRegion()) },
    { keys: ["n"], shown: "N", what: "Select the next region", group, run: () => canvas.next(1) },
    { keys: ["Shift+N"], shown: "Shift + N", what: "Select the region before", group,
      run: () => canvas.next(-1) },
  ];
}

function pageKeys(canvas) {
  return [
    { keys: ["/"], shown: "/", what: "Search the slides", group: "Page",
      run: () => document.querySelector("#pv-search")?.focus() },
    { keys: ["?", "Shift+?"], shown: "?", what: "This list of keys", group: "Page",
      run: () => canvas.toggleKeys() },
  ];
}

/** Bind a table to the document. Keys typed into fields stay theirs. */
export function bindKeys(table) {
  const bound = new Map(table.flatMap((entry) => entry.keys.map((key) => [key, entry])));
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || typing(event)) return;
    const entry = bound.get(nameOf(event));
    if (!entry || (event.key === "Enter" && event.target.closest?.("button, a, summary"))) return;
    event.preventDefault();
    if (entry.group === "View" || entry.group === "Tools") store.set("mode", modeAfter(event));
    entry.run(event);
  });
}

function modeAfter(event) {
  return event.key === "Enter" || event.key === "Backspace" ? store.get("mode") : "keys";
}

/** Whether a key belongs to what has the focus: sliders and boxes want only a few of them. */
function typing({ target, key }) {
  if (target.matches?.("input[type=range], input[type=checkbox]")) return OWN_KEYS.test(key);
  return Boolean(target.closest?.("input, textarea, select, [contenteditable=true], dialog"));
}

function nameOf(event) {
  // AltGr types characters such as [ and {; Windows tells it as Ctrl and Alt
  const typed = event.getModifierState?.("AltGraph");
  const modifiers = [["Ctrl+", !typed && (event.ctrlKey || event.metaKey)],
    ["Alt+", !typed && event.altKey],
    ["Shift+", event.shiftKey]];
  return modifiers.map(([name, held]) => (held ? name : "")).join("") + event.key;
}

function scaled(event, step) {
  return ARROWS[event.key].map((part) => part * step);
}

/** A step on the screen as a step on a slide that is shown rotated by `degrees`. */
function turned([dx, dy], degrees) {
  const angle = (-degrees * Math.PI) / 180;
  return [dx * Math.cos(angle) - dy * Math.sin(angle), dx * Math.sin(angle) + dy * Math.cos(angle)];
}

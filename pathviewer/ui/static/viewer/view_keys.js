/**
 * The keys of the view, part of every key table.
 *
 * @import { KeyEntry } from "../../page_types"
 */

import { toggleColours } from "./tile_colours.js";

const PAN = 80;
/** @type {Record<string, [number, number]>} */
export const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * What the keys of the view act on.
 * @typedef {import("./view_moves.js").ViewMoves & {
 *   typeMagnification: () => void, toggleFullScreen: () => void}} KeyedView
 */

/** @param {KeyedView} canvas @returns {KeyEntry[]} */
export function viewKeys(canvas) {
  const group = "View";
  const names = ["1.25x", "2.5x", "5x", "10x", "20x", "40x"];
  return [
    ...names.map((name, index) => ({
      keys: [String(index + 1)],
      shown: String(index + 1),
      what: `Magnification ${name}`,
      group,
      run: () => canvas.preset(index),
    })),
    { keys: ["7"], shown: "7", what: "Fit the whole slide", group, run: () => canvas.fit() },
    {
      keys: ["+", "=", "Shift++"],
      shown: "+",
      what: "Zoom in",
      group,
      run: () => canvas.zoomBy(2),
    },
    {
      keys: ["-", "_", "Shift+_"],
      shown: "-",
      what: "Zoom out",
      group,
      run: () => canvas.zoomBy(0.5),
    },
    {
      keys: Object.keys(ARROWS),
      shown: "Arrows",
      what: "Pan",
      group,
      run: (event) => canvas.panBy(...scaled(event, PAN)),
    },
    {
      keys: Object.keys(ARROWS).map((key) => `Shift+${key}`),
      shown: "Shift + arrows",
      what: "Pan far",
      group,
      run: (event) => canvas.panBy(...scaled(event, PAN * 4)),
    },
    { keys: [","], shown: ",", what: "Rotate left by 15°", group, run: () => canvas.rotateBy(-15) },
    { keys: ["."], shown: ".", what: "Rotate right by 15°", group, run: () => canvas.rotateBy(15) },
    {
      keys: ["<", "Shift+<"],
      shown: "<",
      what: "Rotate left by 90°",
      group,
      run: () => canvas.rotateBy(-90),
    },
    {
      keys: [">", "Shift+>"],
      shown: ">",
      what: "Rotate right by 90°",
      group,
      run: () => canvas.rotateBy(90),
    },
    { keys: ["0"], shown: "0", what: "Undo the rotation", group, run: () => canvas.rotateTo(0) },
    {
      keys: ["g"],
      shown: "G",
      what: "Type a magnification",
      group,
      run: () => canvas.typeMagnification(),
    },
    {
      keys: ["f"],
      shown: "F",
      what: "Full screen on and off",
      group,
      run: () => canvas.toggleFullScreen(),
    },
    {
      keys: ["Shift+C"],
      shown: "Shift + C",
      group,
      what: "Colours corrected by the slide's profile, or as scanned",
      run: toggleColours,
    },
  ];
}

/**
 * An arrow's direction as a step of so many pixels.
 * @param {KeyboardEvent} event
 * @param {number} step
 * @returns {[number, number]}
 */
export function scaled(event, step) {
  const [dx, dy] = ARROWS[event.key];
  return [dx * step, dy * step];
}

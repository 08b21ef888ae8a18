/**
 * The rows of buttons above and below the slide.
 *
 * @import { OpenedSlide } from "../../api_types"
 * @import { Canvas } from "./slide_canvas.js"
 */

import { fill, h, icon, setText } from "../core/dom.js";
import { parseZoom, presets, zoomText } from "./magnification.js";
import { pixelSize } from "./scale.js";
import { toggleSlideMap } from "../questions/slide_map.js";
import { say, store } from "../core/store.js";
import { cannotCorrect, isCorrected, toggleColours } from "./tile_colours.js";

/**
 * A tool's button; `hint` and `keys` say how it is used by pointer and keyboard, `scaled` that it
 * needs the slide's scale.
 * @typedef {{name: string, label: string, key: string, about: string, hint?: string, keys?: string,
 *   scaled?: boolean}} Tool
 */

/** @type {Tool[]} */
const TOOLS = [
  { name: "pan", label: "Pan", key: "V", about: "Pan and select" },
  {
    name: "rectangle",
    label: "Rectangle",
    key: "R",
    about: "Draw a rectangle",
    hint: "Drag a rectangle, or click two corners. Esc gives up.",
    keys: "Enter sets the first corner at the crosshair; move by arrows; Enter sets the other.",
  },
  {
    name: "polygon",
    label: "Polygon",
    key: "P",
    about: "Draw a polygon",
    hint: "Click the corners; double-click or Enter closes, Backspace takes one back.",
    keys: "Enter sets the first corner at the crosshair, then each next one; Shift + Enter closes.",
  },
  {
    name: "field",
    label: "1 mm²",
    key: "Q",
    about: "Place a square of 1 mm²",
    scaled: true,
    hint: "Click to place a square of 1 mm².",
    keys: "Enter places a square of 1 mm².",
  },
  {
    name: "hpf",
    label: "HPF",
    key: "W",
    scaled: true,
    about: "Place a high-power field: a circle of 0.55 mm, 0.24 mm² (field number 22 at 40x)",
    hint: "Click to place a high-power field: 0.55 mm across, 0.24 mm² (field number 22 at 40x).",
    keys: "Enter places a high-power field: 0.55 mm across, 0.24 mm² (field number 22 at 40x).",
  },
  {
    name: "measure",
    label: "Measure",
    key: "M",
    about: "Measure a distance",
    hint: "Drag a line, or click its two ends.",
    keys: "Enter sets the first end at the crosshair; arrows move on; Enter sets the other.",
  },
];
const ICONS = {
  left: "M4 4v5h5M4.5 9A6.5 6.5 0 1 1 4 13",
  right: "M16 4v5h-5M15.5 9A6.5 6.5 0 1 0 16 13",
  full: "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4",
};

/**
 * @param {import("./slide_canvas.js").Canvas} canvas
 * @returns {{bar: HTMLElement, hint: HTMLElement}}
 */
export function toolbar(canvas) {
  const buttons = TOOLS.map((tool) => toolButton(tool, canvas));
  const hint = h("p", { class: "pv-hint", "aria-live": "polite" });
  store.on("tool", (name) => {
    buttons.forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    });
  });
  store.onAny(["tool", "mode", "drawInto"], () => setText(hint, hintText()));
  store.on("slide", (slide) =>
    buttons.forEach((button, index) => allow(button, TOOLS[index], slide)),
  );
  const bar = h(
    "div",
    { class: "pv-bar", role: "toolbar", "aria-label": "Tools" },
    ...buttons,
    h("span", { class: "pv-gap" }),
    mapButton(),
    iconButton("Rotate left by 90° (<)", ICONS.left, () => canvas.rotateBy(-90)),
    iconButton("Rotate right by 90° (>)", ICONS.right, () => canvas.rotateBy(90)),
    squareButton("Undo the rotation (0)", "0°", () => canvas.rotateTo(0)),
    iconButton("Full screen (F)", ICONS.full, () => canvas.toggleFullScreen()),
    squareButton("List of keys (?)", "?", () => canvas.toggleKeys()),
  );
  return { bar, hint };
}

function hintText() {
  const tool = TOOLS.find(({ name }) => name === store.get("tool"));
  const hint = (store.get("mode") === "keys" && tool?.keys) || tool?.hint || "";
  return hint && (store.get("drawInto")?.hint ?? "") + hint;
}

/**
 * A button pressed by keyboard hands the keyboard on to the slide, where Enter sets points.
 * @param {Tool} tool
 * @param {Canvas} canvas
 */
function toolButton(tool, canvas) {
  /** @param {MouseEvent} event */
  const take = (event) => {
    if (event.detail === 0) {
      store.set("mode", "keys");
      canvas.surface.focus();
    }
    canvas.take(tool.name);
  };
  return h(
    "button",
    {
      type: "button",
      class: "pv-button",
      "data-tool": tool.name,
      "aria-label": `${tool.about} (${tool.key})`,
      onclick: take,
    },
    tool.label,
  );
}

/**
 * A tool of fixed size needs the scale: without it the button is off and says why.
 * @param {HTMLButtonElement} button
 * @param {Tool} tool
 * @param {OpenedSlide|undefined} slide
 */
function allow(button, tool, slide) {
  const missing = Boolean(tool.scaled && slide && !pixelSize(slide));
  button.disabled = missing || !slide;
  button.title = missing
    ? "Needs the slide's scale: enter microns per pixel on the left"
    : `${tool.about} (${tool.key})`;
}

/** On while colours are corrected; there only for slides with a colour profile. */
function coloursButton() {
  const button = h(
    "button",
    { type: "button", class: "pv-button", hidden: true, onclick: toggleColours },
    "Colours",
  );
  const show = () => {
    const slide = store.get("slide");
    const profile = slide?.colour_profile;
    button.hidden = !profile;
    if (!profile) return;
    const corrected = isCorrected(slide);
    const failed = cannotCorrect(slide);
    button.disabled = !profile.applied || failed;
    setText(button, failed ? "Colours: not corrected" : "Colours");
    button.setAttribute("aria-pressed", String(corrected));
    button.title = !profile.applied
      ? `Colour profile: ${profile.sentence}`
      : failed
        ? "Colours are as scanned: correcting them failed. Reload the page to try again."
        : corrected
          ? `Colours are corrected by the slide's profile, ${profile.name} (Shift + C)`
          : `Colours are as scanned; correct them by the profile, ${profile.name} (Shift + C)`;
  };
  store.onAny(["slide", "corrected", "uncorrected"], show);
  return button;
}

function mapButton() {
  const button = h(
    "button",
    {
      type: "button",
      class: "pv-button",
      title: "Map of all questions on this slide (Y)",
      onclick: () => toggleSlideMap(),
    },
    "Map",
  );
  store.on("slideMap", (map) => button.setAttribute("aria-pressed", String(Boolean(map))));
  return button;
}

/** @param {string} label @param {string} path @param {() => unknown} run */
function iconButton(label, path, run) {
  return squareButton(label, icon(path), run);
}

/** @param {string} label @param {Node|string} content @param {() => unknown} run */
function squareButton(label, content, run) {
  return h(
    "button",
    {
      type: "button",
      class: "pv-button pv-square",
      title: label,
      "aria-label": label,
      onclick: run,
    },
    content,
  );
}

/**
 * The magnification row.
 * @param {Canvas} canvas
 * @returns {{bar: HTMLElement, show: Function, focus: Function}}
 */
export function magnificationBar(canvas) {
  const buttons = h("div", { class: "pv-presets", role: "group", "aria-label": "Magnification" });
  const field = h("input", {
    type: "text",
    class: "pv-field",
    id: "pv-magnification",
    "aria-label": "Magnification, such as 12x",
    autocomplete: "off",
    spellcheck: "false",
  });
  const where = h("span", { class: "pv-where" });
  const bar = h(
    "div",
    { class: "pv-bar pv-bar-low" },
    buttons,
    h("label", { class: "pv-typed" }, "Zoom", field),
    coloursButton(),
    where,
  );
  store.on("slide", (slide) => fillPresets(buttons, slide, canvas));
  listenToField(field, canvas);
  /** @param {OpenedSlide} slide @param {number} downsample @param {number} rotation */
  const show = (slide, downsample, rotation) => {
    if (document.activeElement !== field) field.value = zoomText(slide, downsample);
    const turned = rotation ? `rotated ${Math.round(rotation)}°` : "";
    setText(
      where,
      [downsample < 0.999 ? "beyond the scan's resolution" : "", turned].filter(Boolean).join(", "),
    );
  };
  return { bar, show, focus: () => field.select() };
}

/** @param {HTMLElement} node @param {OpenedSlide|undefined} slide @param {Canvas} canvas */
function fillPresets(node, slide, canvas) {
  fill(
    node,
    ...presets(slide).map(({ label, reachable }, index) =>
      h(
        "button",
        {
          type: "button",
          class: "pv-button",
          disabled: !slide || !reachable,
          title: reachable
            ? `${label} (${index + 1})`
            : `${label} is more than twice the scan's resolution`,
          onclick: () => canvas.preset(index),
        },
        label,
      ),
    ),
    h(
      "button",
      {
        type: "button",
        class: "pv-button",
        title: "Whole slide (7)",
        disabled: !slide,
        onclick: () => canvas.fit(),
      },
      "Fit",
    ),
  );
}

/** @param {HTMLInputElement} field @param {Canvas} canvas */
function listenToField(field, canvas) {
  const take = () => {
    const slide = store.get("slide");
    if (!slide) return;
    const downsample = parseZoom(slide, field.value);
    if (downsample) canvas.zoomTo(downsample);
    else say(`"${field.value}" is no magnification. Type one such as 12x, or a ratio such as 1:4.`);
    field.blur();
    canvas.showPlace();
  };
  field.addEventListener("focus", () => field.select());
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") take();
    if (event.key === "Escape") field.blur();
  });
  field.addEventListener("blur", () => canvas.showPlace());
}

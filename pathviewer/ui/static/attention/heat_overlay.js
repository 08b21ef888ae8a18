/**
 * Attention on the slide: a canvas over OpenSeadragon's, drawn anew with every move of the view.
 *
 * A cell of the map is a cell of the token grid: the region's level-0 box divided evenly. Nothing is
 * smoothed, since the model saw nothing finer.
 *
 * @import { Box } from "../../api_types"
 * @import { Glow, MapGlow, StoreValues } from "../../page_types"
 */

import { contextOf, h } from "../core/dom.js";
import { colourTable } from "./colour_maps.js";
import { sameBox } from "../regions/shapes.js";
import { isDrawn } from "./selected_map.js";
import { heatInForce } from "./heat_settings.js";
import { store } from "../core/store.js";

/** Share of the opacity that the lowest values that are drawn have; it grows with the value. */
const FAINTEST = 0.45;
const GRID = [{ width: 1, colour: "rgb(0 0 0 / 55%)" }];
const FRAME = [
  { width: 4, colour: "rgb(0 0 0 / 60%)" },
  { width: 2, colour: "#fff", dash: [7, 5] },
];

/**
 * What is shown: names of the store's values that it depends on, the glow, id of the slide that it
 * lies on, and the level-0 box that was asked about unless it is drawn already.
 * @typedef {{names: (keyof StoreValues)[], glow: () => Glow|null, slide: () => string|undefined,
 *   frame: () => Box|null|undefined}} Shown
 * @typedef {{width: number, colour: string, dash?: number[]}} Line
 */

/** What the viewer's page shows; another page has its own. @type {Shown} */
const OF_PAGE = {
  names: ["glow", "slide", "regions"],
  glow: () => store.get("glow"),
  slide: () => store.get("reading")?.slide,
  frame: frameWanted,
};

export class Heat {
  /**
   * @param {OpenSeadragon.Viewer} viewer
   * @param {import("../viewer/coordinate_frames.js").Frames} frames
   */
  constructor(viewer, frames, shown = OF_PAGE) {
    this.frames = frames;
    this.shown = shown;
    this.viewer = viewer;
    this.canvas = h("canvas", { class: "pv-heat", "aria-hidden": "true" });
    this.cells = h("canvas");
    this.empty = true;
    /** @type {Glow|null} */
    this.glow = null;
    viewer.canvas.append(this.canvas);
    viewer.addHandler("update-viewport", () => this.draw());
    viewer.addHandler("resize", () => this.draw());
    store.onAny(shown.names, () => this.changed());
  }

  changed() {
    const glow = this.shown.glow();
    const same = glow === this.glow;
    this.glow = glow;
    if (!same && isDrawn(glow)) this.paint(glow);
    this.draw();
  }

  /** A pixel per cell: the colours of the map as they now are. @param {MapGlow} glow */
  paint({ map, peak }) {
    const { opacity, threshold, colours } = heatInForce();
    const table = colourTable(colours);
    const image = new ImageData(map.columns, map.rows);
    map.weights.forEach((weight, cell) => {
      const gain = weight * map.weights.length;
      if (gain < threshold) return;
      const value = Math.min(1, gain / peak);
      image.data.set(table.subarray(3 * Math.round(value * 255)).subarray(0, 3), 4 * cell);
      image.data[4 * cell + 3] = Math.round(255 * opacity * (FAINTEST + (1 - FAINTEST) * value));
    });
    this.cells.width = map.columns;
    this.cells.height = map.rows;
    contextOf(this.cells).putImageData(image, 0, 0);
  }

  draw() {
    const { glow } = this;
    const here = this.onItsSlide();
    const shown = here && isDrawn(glow) ? glow : null;
    const framed = here && this.shown.frame();
    if (!shown && !framed && this.empty) return;
    const ratio = window.devicePixelRatio || 1;
    const context = this.cleared(ratio);
    this.empty = !shown && !framed;
    if (shown) this.drawCells(context, shown, ratio);
    if (framed) this.stroke(context, framePath(framed), framed, ratio, FRAME);
  }

  /** @param {CanvasRenderingContext2D} context @param {MapGlow} glow @param {number} ratio */
  drawCells(context, glow, ratio) {
    const [a, b, c, d, x, y] = this.placing(glow.box, ratio);
    context.setTransform(a, b, c, d, x, y);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.cells, 0, 0, glow.box.width, glow.box.height);
    context.resetTransform();
    if (heatInForce().grid) this.stroke(context, gridPath(glow), glow.box, ratio, GRID);
    if (!store.get("heatSeen")) store.set("heatSeen", true);
  }

  /** An empty canvas of the view's size in the screen's own pixels. @param {number} ratio */
  cleared(ratio) {
    const { clientWidth, clientHeight } = this.viewer.canvas;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    const context = contextOf(this.canvas);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    } else context.clearRect(0, 0, width, height);
    return context;
  }

  onItsSlide() {
    const { slide, item } = this.frames;
    return Boolean(slide && item && this.shown.slide() === slide.id);
  }

  /**
   * Matrix from level-0 pixels, counted from a box's corner so that they stay small, to pixels.
   * @param {Box} box
   * @param {number} ratio
   */
  placing(box, ratio) {
    return [...this.frames.linear(), ...this.frames.toScreen([box.x, box.y])].map(
      (part) => part * ratio,
    );
  }

  /**
   * Lines of even width, whatever the zoom; `lines` are drawn one over the other.
   * @param {CanvasRenderingContext2D} context
   * @param {Path2D} path
   * @param {Box} box
   * @param {number} ratio
   * @param {Line[]} lines
   */
  stroke(context, path, box, ratio, lines) {
    const placed = new Path2D();
    placed.addPath(path, new DOMMatrix(this.placing(box, ratio)));
    lines.forEach(({ width, colour, dash = [] }) => {
      context.lineWidth = width * ratio;
      context.strokeStyle = colour;
      context.setLineDash(dash.map((part) => part * ratio));
      context.stroke(placed);
    });
  }
}

/** The box that was asked about, where no region of the page shows it already. */
function frameWanted() {
  const box = store.get("reading")?.box;
  const drawn = box && store.get("regions").some((region) => sameBox(region.box, box));
  return box && !drawn ? box : null;
}

/** @param {Box} box */
function framePath({ width, height }) {
  const path = new Path2D();
  path.rect(0, 0, width, height);
  return path;
}

/** The lines between the cells, in level-0 pixels from the box's corner. @param {MapGlow} glow */
function gridPath({ map, box }) {
  const path = new Path2D();
  for (let column = 0; column <= map.columns; column += 1) {
    const x = (column * box.width) / map.columns;
    path.moveTo(x, 0);
    path.lineTo(x, box.height);
  }
  for (let row = 0; row <= map.rows; row += 1) {
    const y = (row * box.height) / map.rows;
    path.moveTo(0, y);
    path.lineTo(box.width, y);
  }
  return path;
}

/**
 * What is drawn over the slide: regions, the shape under the pen, handles, the measured distance.
 * Outlines are kept in level-0 pixels under one matrix; handles and labels in screen pixels.
 *
 * @import { Point } from "../../page_types"
 */

import { fill, s, setAttribute } from "../core/dom.js";
import { handlesOf } from "../regions/handles.js";
import { EVIDENCE, outlineOf } from "../feedback/evidence_region.js";
import { lengthText, pixelText } from "./lengths.js";
import { lengthUm, pixelSize } from "./scale.js";
import { corners, distance } from "../regions/shapes.js";
import { store } from "../core/store.js";

const MOST_LABELS = 60;
const ORDER = { move: 8, side: 5, vertex: 5, insert: 3.5 };

export class Overlay {
  /** @param {OpenSeadragon.Viewer} viewer @param {import("./coordinate_frames.js").Frames} frames */
  constructor(viewer, frames) {
    this.frames = frames;
    this.viewer = viewer;
    /** @type {{points: Point[], closed: boolean}|null} */
    this.draft = null;
    /** @type {Point[]|null} */
    this.measured = null;
    this.outlines = s("g");
    this.pen = s("g", { class: "pv-pen" });
    this.scene = s("g", {}, this.outlines, this.pen);
    this.marks = s("g");
    this.svg = s("svg", { class: "pv-overlay", "aria-hidden": "true" }, this.scene, this.marks);
    viewer.canvas.append(this.svg);
    this.redraw = () => this.place();
    viewer.addHandler("update-viewport", this.redraw);
    viewer.addHandler("resize", this.redraw);
    store.on("regions", () => this.refresh());
    store.on("selected", () => this.refresh());
    store.on("tool", () => this.refresh());
    store.on("draft", () => this.refresh());
    store.on("reading", () => this.refresh());
    store.on("mode", () => this.refresh());
  }

  get ready() {
    return Boolean(this.frames.slide && this.frames.item);
  }

  /** Show the shape under the pen. @param {{points: number[][], closed: boolean}|null} draft */
  sketch(draft) {
    this.draft = draft;
    this.refresh();
  }

  /**
   * Show a distance between two level-0 points, or none; `measured` of the store is set later.
   * @param {Point[]|null} ends
   */
  measure(ends) {
    this.measured = ends;
    if (store.get("measured")) store.set("measured", null);
    this.refresh();
  }

  /** Rebuild the outlines after a change. */
  refresh() {
    if (!this.ready) return;
    const selected = store.get("selected");
    const regions = [...store.get("regions")].sort((a) => (a.id === selected ? 1 : -1));
    fill(
      this.outlines,
      ...regions.flatMap((region) =>
        outline(region.points, true, region.id === selected ? "pv-selected" : "pv-region"),
      ),
    );
    /** @type {SVGElement[]} */
    const pen = [];
    if (this.draft) pen.push(...outline(this.draft.points, this.draft.closed, "pv-selected"));
    const evidence = store.get("draft")?.evidence;
    if (evidence) pen.push(...outline(outlineOf(evidence), true, "pv-evidence"));
    const item = itemHere();
    if (item) pen.push(...outline(corners(item.box), true, "pv-item"));
    if (this.measured) pen.push(...outline(this.measured, false, "pv-measure"));
    fill(this.pen, ...pen);
    this.place();
  }

  /** Bring everything to where the slide now is. */
  place() {
    if (!this.ready) return;
    setAttribute(this.scene, "transform", this.frames.matrix());
    fill(this.marks, ...this.labels(), ...this.handles(), ...this.ruler(), ...this.crosshair());
  }

  labels() {
    const regions = store.get("regions");
    if (regions.length > MOST_LABELS) return [];
    const evidence = store.get("draft")?.evidence;
    return [...regions, ...(evidence ? [{ name: EVIDENCE, points: outlineOf(evidence) }] : [])].map(
      ({ name, points }) => {
        const [x, y] = topmost(points.map((point) => this.frames.toScreen(point)));
        return s("text", { x, y: y - 8, class: "pv-label" }, name);
      },
    );
  }

  handles() {
    const region = store.get("regions").find((one) => one.id === store.get("selected"));
    if (!region || store.get("tool") !== "pan") return [];
    return handlesOf(region, this.frames.slide).map(({ kind, at }) => {
      const [cx, cy] = this.frames.toScreen(at);
      const dot = s("circle", { cx, cy, r: ORDER[kind], class: `pv-handle pv-${kind}` });
      if (kind !== "move") return dot;
      const cross = `M${cx - 5} ${cy}h10M${cx} ${cy - 5}v10`;
      return s("g", {}, dot, s("path", { d: cross, class: "pv-move-cross" }));
    });
  }

  ruler() {
    if (!this.measured) return [];
    const [a, b] = this.measured.map((point) => this.frames.toScreen(point));
    const ends = /** @type {[number[], number[]]} */ (this.measured);
    const { slide } = this.frames;
    const pixel = pixelSize(slide);
    const text = pixel ? lengthText(lengthUm(...ends, pixel)) : pixelText(distance(...ends));
    const [x, y] = [(a[0] + b[0]) / 2 + 10, (a[1] + b[1]) / 2 - 10];
    return [
      s(
        "text",
        { x, y, class: "pv-label pv-distance" },
        text + (slide.mpp_by_hand ? " (scale entered by hand)" : ""),
      ),
    ];
  }

  /** Where Enter places a point, while a drawing tool is used by keyboard. */
  crosshair() {
    if (store.get("tool") === "pan" || store.get("mode") !== "keys") return [];
    const [x, y] = this.frames.toScreen(this.frames.centre());
    const d = `M${x - 18} ${y}h13m10 0h13M${x} ${y - 18}v13m0 10v13`;
    return [s("path", { d, class: "pv-halo" }), s("path", { d, class: "pv-crosshair" })];
  }
}

/** The worklist's item that the reading on the screen is about. */
function itemHere() {
  const reading = store.get("reading");
  return reading?.slide === store.get("slide")?.id ? reading?.item : null;
}

/** @param {Point[]} points @param {boolean} closed @param {string} kind */
function outline(points, closed, kind) {
  const d = `M${points.map((point) => point.join(" ")).join("L")}${closed ? "Z" : ""}`;
  return [s("path", { d, class: "pv-halo" }), s("path", { d, class: kind })];
}

/** @param {Point[]} points */
function topmost(points) {
  return points.reduce((best, point) => (point[1] < best[1] ? point : best));
}

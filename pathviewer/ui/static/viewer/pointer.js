/**
 * Pointer events of the viewer, handed to the tool in hand or to the selected region's handles.
 *
 * One pointer draws at a time. A second finger means a pinch, by which OpenSeadragon zooms: what
 * the first finger was drawing or dragging is given up, and nothing is drawn until all are up.
 *
 * @import { Point, Region } from "../../page_types"
 * @import { DrawingTool } from "../regions/drawing_tools.js"
 * @import { Frames } from "./coordinate_frames.js"
 * @import { Handle } from "../regions/handles.js"
 */

import { dragged, handlesOf, withoutVertex } from "../regions/handles.js";
import {
  findRegion,
  keepRegion,
  moveRegion,
  restoreRegion,
  select,
  selectedRegion,
} from "../regions/regions.js";
import { inside, outlineDistance } from "../regions/shapes.js";
import { store } from "../core/store.js";

const REACH = 9;
const CLICK = 4;

export class Pointer {
  /**
   * @param {Object<string, DrawingTool>} tools
   * @param {OpenSeadragon.Viewer} viewer
   * @param {Frames} frames
   */
  constructor(viewer, frames, tools) {
    this.viewer = viewer;
    this.frames = frames;
    this.tools = tools;
    /** @type {{screen: Point, travelled: boolean, pointerType: string}|null} */
    this.pressed = null;
    this.taken = false;
    /** @type {ReturnType<Pointer["grab"]>} */
    this.edit = null;
    this.fingers = new Set();
    this.pinched = false;
    viewer.addHandler("canvas-press", (event) => this.press(event));
    viewer.addHandler("canvas-drag", (event) => this.drag(event));
    viewer.addHandler("canvas-drag-end", (event) => this.claim(event));
    viewer.addHandler("canvas-release", (event) => this.release(event));
    viewer.addHandler("canvas-double-click", (event) => this.doubleClick(event));
    viewer.canvas.addEventListener("pointermove", (event) => this.hover(event));
    // before OpenSeadragon hears of them, which tells of the last finger alone
    viewer.canvas.addEventListener("pointerdown", (event) => this.addFinger(event), true);
    window.addEventListener("pointerup", (event) => this.removeFinger(event), true);
    window.addEventListener("pointercancel", (event) => this.loseFinger(event), true);
  }

  /** @param {PointerEvent} event */
  addFinger({ pointerType, pointerId }) {
    if (pointerType !== "touch") return;
    this.fingers.add(pointerId);
    if (this.fingers.size < 2) return;
    this.pinched = true;
    this.abandon("touch");
  }

  /** @param {PointerEvent} event */
  removeFinger({ pointerId }) {
    this.fingers.delete(pointerId);
    // OpenSeadragon hears of the last finger after this
    if (!this.fingers.size)
      setTimeout(() => {
        this.pinched &&= this.fingers.size > 0;
      });
  }

  /**
   * The browser or the system took the pointer for something of its own.
   * @param {PointerEvent} event
   */
  loseFinger(event) {
    this.abandon(event.pointerType);
    this.removeFinger(event);
  }

  /** Give up what a kind of pointer is drawing or dragging. @param {string} pointerType */
  abandon(pointerType) {
    if (this.pressed?.pointerType !== pointerType) return;
    this.pressed = null;
    this.tool?.abandon();
    if (this.edit && findRegion(this.edit.id)) restoreRegion(this.edit.region);
    this.edit = null;
  }

  get tool() {
    return this.tools[store.get("tool")] ?? null;
  }

  /**
   * Keep OpenSeadragon from panning, and from gliding on after the release, which comes before.
   * @param {{preventDefaultAction: boolean}} event
   */
  claim(event) {
    if (this.taken) event.preventDefaultAction = true;
  }

  /** @param {OpenSeadragon.CanvasPressEvent} event */
  press({ position, originalEvent, pointerType }) {
    const other = this.pressed && this.pressed.pointerType !== pointerType;
    if (!this.frames.item || this.pinched || other) return;
    const screen = [position.x, position.y];
    const point = this.frames.toLevel0(screen);
    if (store.get("mode") !== "pointer") store.set("mode", "pointer");
    this.edit = this.tool
      ? null
      : this.grab(screen, point, /** @type {MouseEvent} */ (originalEvent));
    this.taken = this.tool ? this.tool.press(point) : this.edit !== null;
    this.pressed = { screen, travelled: false, pointerType };
  }

  /** @param {OpenSeadragon.CanvasDragEvent} event */
  drag(event) {
    if (!this.pressed) return;
    if (event.pointerType !== this.pressed.pointerType) {
      event.preventDefaultAction = true; // a palm beside the pen
      return;
    }
    const screen = [event.position.x, event.position.y];
    const { pressed } = this;
    const far = Math.hypot(screen[0] - pressed.screen[0], screen[1] - pressed.screen[1]);
    pressed.travelled ||= far > CLICK;
    this.claim(event);
    const point = this.frames.toLevel0(screen);
    if (this.tool) this.tool.drag(point);
    else if (this.edit && pressed.travelled) this.pull(point);
  }

  /** @param {OpenSeadragon.CanvasReleaseEvent} event */
  release({ position, pointerType }) {
    if (this.pressed?.pointerType !== pointerType) return;
    const { travelled } = this.pressed;
    const screen = [position.x, position.y];
    this.pressed = null;
    if (this.tool) this.tool.release(this.frames.toLevel0(screen), travelled);
    else if (this.edit && travelled) keepRegion(this.edit.id);
    else if (!travelled) this.pick(screen);
    this.edit = null;
  }

  /** @param {OpenSeadragon.CanvasDoubleClickEvent} event */
  doubleClick(event) {
    if (!this.tool || this.pinched) return;
    event.preventDefaultAction = true;
    this.tool.finish();
  }

  /** @param {PointerEvent} event */
  hover(event) {
    if (!this.frames.item || this.pressed || this.pinched) return;
    // browsers send a move without movement when the page changes under a resting pointer
    if (event.movementX === 0 && event.movementY === 0) return;
    if (store.get("mode") !== "pointer") store.set("mode", "pointer");
    const { left, top } = this.viewer.canvas.getBoundingClientRect();
    const screen = [event.clientX - left, event.clientY - top];
    const point = this.frames.toLevel0(screen);
    this.tool?.hover(point);
    const grip = !this.tool && this.handleAt(screen);
    const cursor = this.tool ? "crosshair" : grip ? "move" : "grab";
    if (this.viewer.canvas.style.cursor !== cursor) this.viewer.canvas.style.cursor = cursor;
  }

  /**
   * The handle of the selected region within reach.
   * @param {Point} screen
   * @returns {Handle|null}
   */
  handleAt(screen) {
    const region = selectedRegion();
    if (!region) return null;
    const near = handlesOf(region, this.frames.slide)
      .map((handle) => {
        const [x, y] = this.frames.toScreen(handle.at);
        return { handle, away: Math.hypot(x - screen[0], y - screen[1]) };
      })
      .filter(({ away }) => away <= REACH);
    near.sort((a, b) => a.away - b.away);
    return near[0]?.handle ?? null;
  }

  /**
   * @param {Point} screen
   * @param {Point} point
   * @param {MouseEvent} originalEvent
   * @returns {{id: string, region: Region, handle: Handle, from: Point}|null}
   */
  grab(screen, point, originalEvent) {
    const handle = this.handleAt(screen);
    const region = selectedRegion();
    if (!handle || !region) return null;
    if (handle.kind === "vertex" && originalEvent?.altKey) {
      const points = withoutVertex(region.points, handle.index);
      if (points) {
        moveRegion(region.id, points);
        keepRegion(region.id);
      }
      return null;
    }
    return { id: region.id, region, handle, from: point };
  }

  /** @param {Point} point */
  pull(point) {
    if (!this.edit || !findRegion(this.edit.id)) return;
    const { region, handle, from, id } = this.edit;
    const points = dragged(region, handle, from, point, this.frames.slide);
    if (points) moveRegion(id, points);
  }

  /**
   * Select the region whose outline was clicked, else the smallest around the click.
   * @param {Point} screen
   */
  pick(screen) {
    const point = this.frames.toLevel0(screen);
    const reach = REACH * this.frames.downsample();
    const hits = store
      .get("regions")
      .filter(({ points }) => outlineDistance(point, points) <= reach || inside(point, points));
    /** @param {Region} region */
    const size = ({ box }) => box.width * box.height;
    hits.sort((a, b) => size(a) - size(b));
    select(hits[0]?.id ?? null);
  }
}

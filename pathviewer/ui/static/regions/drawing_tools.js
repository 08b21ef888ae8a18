/**
 * The tools that draw. Each takes points in level-0 pixels:
 *   press(p)   the pointer goes down; true keeps the drag from panning
 *   drag(p), hover(p)   the pointer moves, pressed or not
 *   release(p, travelled)   it goes up; `travelled` tells a drag from a click
 *   abandon()   what this press was drawing is given up: a second finger came, or the system took it
 *   place(p)   Enter at the crosshair;  finish(), back(), cancel()   close, undo a point, give up
 *
 * @import { PixelSize, Point, ScaledSlide, Shape } from "../../page_types"
 * @import { Frames } from "../viewer/coordinate_frames.js"
 * @import { Overlay } from "../viewer/overlay.js"
 */

import { normalizeName } from "../core/names.js";
import { addRegion } from "./regions.js";
import { pixelSize } from "../viewer/scale.js";
import {
  clipToSlide,
  crossesItself,
  distance,
  ellipse,
  fieldSides,
  isUpright,
  onSlide,
  ontoSlide,
  screenRectangle,
} from "./shapes.js";
import { say, store } from "../core/store.js";

/**
 * @typedef {TwoPoints|Polygon|Fixed} DrawingTool
 * @typedef {{half: (pixel: PixelSize) => Point,
 *   about: (centre: Point, pixel: PixelSize) => Point[]}} Outline
 */

/** Diameter of a high-power field: field number 22 under a 40x objective, 22 mm / 40. */
export const FIELD_DIAMETER_UM = 550;
const LEAST_PIXELS = 3;

/**
 * Two points, by dragging or by two clicks: the rectangle and the ruler, which say what to `sketch`
 * between the points and what to `take` of them.
 */
class TwoPoints {
  /** @param {Frames} frames @param {Overlay} overlay */
  constructor(frames, overlay) {
    this.frames = frames;
    this.overlay = overlay;
    /** @type {Point|null} */
    this.start = null;
  }

  /** @param {Point} point */
  press(point) {
    this.fresh = this.start === null;
    if (this.fresh) this.begin(point);
    return true;
  }

  /** @abstract @param {number[]} _start @param {number[]} _end */
  sketch(_start, _end) {}

  /** @abstract @param {number[]} _start @param {number[]} _end */
  take(_start, _end) {}

  /** @param {Point} point */
  begin(point) {
    this.start = ontoSlide(point, this.frames.slide);
  }

  /** @param {Point} point */
  drag(point) {
    if (this.start) this.sketch(this.start, point);
  }

  /** @param {Point} point */
  hover(point) {
    this.drag(point);
  }

  /** @param {Point} point @param {boolean} travelled */
  release(point, travelled) {
    if (this.start && (travelled || !this.fresh)) this.complete(point);
  }

  /** A first corner that was set by a click of its own stays. */
  abandon() {
    if (this.fresh) this.cancel();
    else this.overlay.sketch(null);
  }

  /** @param {Point} point */
  place(point) {
    if (this.start) this.complete(point);
    else this.begin(point);
  }

  /** @param {Point} point */
  complete(point) {
    const { start } = this;
    if (!start || this.frames.screenDistance(start, point) < LEAST_PIXELS) return;
    this.start = null;
    this.take(start, point);
  }

  finish() {}

  back() {
    this.cancel();
  }

  cancel() {
    this.start = null;
    this.overlay.sketch(null);
  }
}

/** A rectangle along the screen's axes; under rotation its corners are kept as drawn. */
class Rectangle extends TwoPoints {
  /** @param {Point} start @param {Point} end */
  sketch(start, end) {
    this.overlay.sketch({ points: this.shape(start, end), closed: true });
  }

  /** @param {Point} start @param {Point} end */
  shape(start, end) {
    const to = this.frames.rotation() % 90 === 0 ? ontoSlide(end, this.frames.slide) : end;
    return screenRectangle(start, to, this.frames.rotation(), this.frames.aspect);
  }

  /** @param {Point} start @param {Point} end */
  take(start, end) {
    /** @type {Point[]} */
    const points = this.shape(start, end);
    this.overlay.sketch(null);
    // under rotation, corners that are right angles on the screen are none among oblong pixels
    const right =
      isUpright(points) || (this.frames.aspect === 1 && onSlide(points, this.frames.slide));
    if (right) keep("rectangle", points);
    else keep("polygon", clipToSlide(points, this.frames.slide));
  }
}

class Ruler extends TwoPoints {
  /** @param {Point} point */
  begin(point) {
    this.overlay.measure(null);
    super.begin(point);
  }

  /** @param {Point} start @param {Point} end */
  sketch(start, end) {
    this.overlay.measure([start, ontoSlide(end, this.frames.slide)]);
  }

  /** @param {Point} start @param {Point} end */
  take(start, end) {
    const ends = [start, ontoSlide(end, this.frames.slide)];
    this.overlay.measure(ends);
    store.set("measured", ends);
  }

  cancel() {
    super.cancel();
    this.overlay.measure(null);
  }
}

/** Corner by corner; dragging pans meanwhile. */
class Polygon {
  /** @param {Frames} frames @param {Overlay} overlay */
  constructor(frames, overlay) {
    this.frames = frames;
    this.overlay = overlay;
    /** @type {Point[]} */
    this.points = [];
  }

  press() {
    return false;
  }

  drag() {}

  /** @param {Point} point */
  hover(point) {
    if (this.points.length) this.show([...this.points, ontoSlide(point, this.frames.slide)]);
  }

  /** @param {Point} point @param {boolean} travelled */
  release(point, travelled) {
    if (!travelled) this.place(point);
  }

  /** Corners that are set stay. */
  abandon() {
    this.show(this.points);
  }

  /** @param {Point} point */
  place(point) {
    /** @param {Point} other */
    const pixels = (other) => this.frames.screenDistance(point, other);
    if (this.points.length >= 3 && pixels(this.points[0]) < 8) this.finish();
    else if (!this.points.length || pixels(this.points[this.points.length - 1]) >= LEAST_PIXELS) {
      this.points.push(ontoSlide(point, this.frames.slide));
      this.show(this.points);
    }
  }

  finish() {
    if (this.points.length < 3) return say("A polygon needs three corners or more.");
    if (crossesItself(this.points)) {
      return say("The outline crosses itself. Backspace takes the last corner away.", "warning");
    }
    const { points } = this;
    this.cancel();
    return keep("polygon", points);
  }

  back() {
    this.points.pop();
    this.show(this.points);
  }

  cancel() {
    this.points = [];
    this.overlay.sketch(null);
  }

  /** @param {Point[]} points */
  show(points) {
    this.overlay.sketch(points.length ? { points, closed: points.length > 2 } : null);
  }
}

/** A shape of fixed size about the pointer, placed by one click. */
class Fixed {
  /**
   * @param {Frames} frames
   * @param {Overlay} overlay
   * @param {Shape} shape
   * @param {Outline} outline
   * @param {string} name
   */
  constructor(frames, overlay, shape, outline, name) {
    this.frames = frames;
    this.overlay = overlay;
    this.shape = shape;
    this.outline = outline;
    this.name = name;
  }

  press() {
    return false;
  }

  drag() {}

  /** @param {Point} point */
  hover(point) {
    const points = this.fitted(point);
    this.overlay.sketch(points && { points, closed: true });
  }

  /** @param {Point} point @param {boolean} travelled */
  release(point, travelled) {
    if (!travelled) this.place(point);
  }

  abandon() {
    this.overlay.sketch(null);
  }

  /** @param {Point} point */
  place(point) {
    const points = this.fitted(point);
    this.overlay.sketch(null);
    if (!points) {
      say("The slide is smaller than this field.", "warning");
      return;
    }
    if (distance(point, this.inside(point)) > 0) say("The field was moved to stay on the slide.");
    keep(this.shape, points, this.name);
  }

  /**
   * The outline about a point, moved onto the slide whole; null where it cannot fit.
   * @param {Point} point
   */
  fitted(point) {
    const { slide } = this.frames;
    const pixel = pixelOf(slide);
    const [halfWidth, halfHeight] = this.outline.half(pixel);
    if (2 * halfWidth > slide.width || 2 * halfHeight > slide.height) return null;
    return this.outline.about(this.inside(point), pixel);
  }

  /**
   * The centre nearest to a point at which the whole outline lies on the slide.
   * @param {Point} point
   */
  inside([x, y]) {
    const { width, height } = this.frames.slide;
    const [halfWidth, halfHeight] = this.outline.half(pixelOf(this.frames.slide));
    return [
      Math.min(width - halfWidth, Math.max(halfWidth, x)),
      Math.min(height - halfHeight, Math.max(halfHeight, y)),
    ];
  }

  finish() {}

  back() {}

  cancel() {
    this.overlay.sketch(null);
  }
}

/** A square of 1 mm2 on whole pixels, its corner at the pixel nearest to centring it. */
/** @type {Outline} */
const squareMillimetre = {
  half: (pixel) => fieldSides(pixel).map((side) => side / 2),
  about([x, y], pixel) {
    const [width, height] = fieldSides(pixel);
    const left = Math.round(x - width / 2);
    const top = Math.round(y - height / 2);
    return [
      [left, top],
      [left + width, top],
      [left + width, top + height],
      [left, top + height],
    ];
  },
};

/** @type {Outline} */
const highPowerField = {
  half: ({ x, y }) => [FIELD_DIAMETER_UM / 2 / x, FIELD_DIAMETER_UM / 2 / y],
  about: (centre, pixel) => ellipse(centre, highPowerField.half(pixel)),
};

/**
 * The drawing tools by name; "pan" is none of them.
 * @param {Frames} frames
 * @param {Overlay} overlay
 * @returns {Object<string, DrawingTool>}
 */
export function drawingTools(frames, overlay) {
  return {
    rectangle: new Rectangle(frames, overlay),
    polygon: new Polygon(frames, overlay),
    field: new Fixed(frames, overlay, "rectangle", squareMillimetre, "Field 1 mm²"),
    hpf: new Fixed(frames, overlay, "polygon", highPowerField, "HPF 0.55 mm"),
    measure: new Ruler(frames, overlay),
  };
}

/** @param {Shape} shape @param {Point[]} points @param {string} [name] */
function keep(shape, points, name = "") {
  const into = store.get("drawInto");
  store.set("tool", "pan");
  if (points.length < 3) return;
  if (into) into.take(shape, points);
  else addRegion(shape, points, name && unusedName(name));
}

/** A tool of fixed size is in hand only where the scale is known. @param {ScaledSlide} slide */
function pixelOf(slide) {
  return /** @type {PixelSize} */ (pixelSize(slide));
}

/** @param {string} name */
function unusedName(name) {
  const names = new Set(store.get("regions").map((region) => normalizeName(region.name)));
  if (!names.has(name)) return name;
  let number = 2;
  while (names.has(`${name} (${number})`)) number += 1;
  return `${name} (${number})`;
}

/**
 * @import { Box, OpenedSlide } from "../../api_types"
 * @import { Point } from "../../page_types"
 */

import { pixelAspect } from "./pyramid.js";

/**
 * The frames of the viewer. screen: CSS pixels from the viewer's top left. level 0: pixels of the
 * scan, as floats. OpenSeadragon's own frames stay in here: "image", which is level 0 with rows
 * stretched by the pixel aspect, and "viewport", in which the slide's width is 1.
 */
export class Frames {
  /** @param {OpenSeadragon.Viewer} viewer @param {OpenedSlide|null|undefined} slide */
  constructor(viewer, slide) {
    this.viewer = viewer;
    this.slide = /** @type {OpenedSlide} */ (slide); // as long as one is open
  }

  get item() {
    return this.viewer.world.getItemAt(0);
  }

  get aspect() {
    return pixelAspect(this.slide);
  }

  /** @param {number[]} point level 0 @returns {number[]} screen */
  toScreen([x, y]) {
    const image = new OpenSeadragon.Point(x, y * this.aspect);
    const point = this.item.imageToViewerElementCoordinates(image);
    return [point.x, point.y];
  }

  /** @param {number[]} point screen @returns {number[]} level 0, also outside the slide */
  toLevel0([x, y]) {
    const point = this.viewer.viewport.pointFromPixel(new OpenSeadragon.Point(x, y), true);
    return this.fromViewport(point);
  }

  /** @param {{x: number, y: number}} given @returns {Point} */
  fromViewport({ x, y }) {
    return [x * this.slide.width, (y * this.slide.width) / this.aspect];
  }

  /**
   * Screen pixels between two level-0 points.
   * @param {Point} a
   * @param {Point} b
   */
  screenDistance(a, b) {
    return Math.hypot(a[0] - b[0], (a[1] - b[1]) * this.aspect) / this.downsample();
  }

  /** Level-0 pixels per screen pixel along a row; `target` is where an animation will end. */
  downsample(target = false) {
    return 1 / this.item.viewportToImageZoom(this.viewer.viewport.getZoom(!target));
  }

  /** The view's centre in level 0, where an animation under way will end. */
  centre() {
    const point = this.viewer.viewport.getCenter(false);
    return this.fromViewport(point);
  }

  /** Degrees clockwise, 0 to below 360. */
  rotation() {
    return ((this.viewer.viewport.getRotation(false) % 360) + 360) % 360;
  }

  /** Zoom about the centre. @param {number} downsample */
  zoomTo(downsample, immediately = false) {
    this.viewer.viewport.zoomTo(
      this.item.imageToViewportZoom(1 / downsample),
      undefined,
      immediately,
    );
    this.viewer.viewport.applyConstraints(immediately);
  }

  /** @param {{x: number, y: number, downsample: number, rotation: number}} view centre in level 0 */
  show(view, immediately = true) {
    const { viewport } = this.viewer;
    viewport.setRotation(view.rotation, immediately);
    viewport.zoomTo(this.item.imageToViewportZoom(1 / view.downsample), undefined, immediately);
    const { width } = this.slide;
    const centre = new OpenSeadragon.Point(view.x / width, (view.y * this.aspect) / width);
    viewport.panTo(centre, immediately);
  }

  /** The view that `show` would bring back. */
  view() {
    const [x, y] = this.centre();
    return { x, y, downsample: this.downsample(true), rotation: this.rotation() };
  }

  /** Whether the whole slide lies within the view. */
  wholeInView() {
    const { width, height } = this.slide;
    const { clientWidth, clientHeight } = this.viewer.container;
    return [
      [0, 0],
      [width, 0],
      [width, height],
      [0, height],
    ].every((corner) => {
      const [x, y] = this.toScreen(corner);
      return x > -1 && y > -1 && x < clientWidth + 1 && y < clientHeight + 1;
    });
  }

  /**
   * Let the view zoom out as far as the options say, and to `downsample` in any case.
   * @param {number} downsample
   */
  allowOut(downsample) {
    const { viewport } = this.viewer;
    viewport.minZoomLevel = Math.min(
      viewport.getHomeZoom() * viewport.minZoomImageRatio,
      this.item.imageToViewportZoom(1 / downsample),
    );
  }

  /**
   * Bring a level-0 box into view with room around it, never beyond the scan's own resolution.
   * @param {Box} box
   */
  frame(box, immediately = false) {
    const { container } = this.viewer;
    const room = Math.min(container.clientWidth, container.clientHeight) * 0.7;
    const downsample = Math.max(box.width / room, (box.height * this.aspect) / room, 1);
    this.show(
      {
        x: box.x + box.width / 2,
        y: box.y + box.height / 2,
        downsample,
        rotation: this.rotation(),
      },
      immediately,
    );
  }

  /** The first four of an affine matrix's six: what it does to directions. */
  linear() {
    const [originX, originY] = this.toScreen([0, 0]);
    const [rightX, rightY] = this.toScreen([this.slide.width, 0]);
    const a = (rightX - originX) / this.slide.width;
    const b = (rightY - originY) / this.slide.width;
    return [a, b, -b * this.aspect, a * this.aspect];
  }

  /** The SVG matrix that takes level-0 points to the screen. */
  matrix() {
    return `matrix(${[...this.linear(), ...this.toScreen([0, 0])].join(" ")})`;
  }
}

/** Moving the view of a slide: what keys and buttons do to it. */

import { MOST_OVERZOOM, presets } from "./magnification.js";
import { say } from "../core/store.js";

/** What is made once its place is in the page. @type {any} */
const LATER = undefined;

/** For viewers that have `viewer`, `frames` (see frames.js) and `home`, the view that `fit` left. */
export class ViewMoves {
  /** @type {OpenSeadragon.Viewer} */
  viewer = LATER;
  /** @type {import("./coordinate_frames.js").Frames} */
  frames = LATER;
  /** @type {{zoom: number, centre: OpenSeadragon.Point}|null} */
  home = null;

  /** @param {number} index */
  preset(index) {
    const choice = this.frames.slide && presets(this.frames.slide)[index];
    if (!choice) return;
    if (choice.reachable) this.zoomTo(choice.downsample);
    else say(`${choice.label} is more than twice the scan's resolution.`);
  }

  /** @param {number} downsample */
  zoomTo(downsample) {
    this.frames.zoomTo(downsample);
  }

  /** @param {number} factor */
  zoomBy(factor) {
    if (this.frames.item) this.frames.zoomTo(this.frames.downsample(true) / factor);
  }

  /** Show the whole slide; a tiny one no larger than the over-zoom limit. */
  fit(immediately = false) {
    if (!this.frames.item) return;
    this.viewer.viewport.goHome(immediately);
    const least = 1 / MOST_OVERZOOM;
    if (this.frames.downsample(true) < least) this.frames.zoomTo(least, immediately);
    this.home = { zoom: this.viewer.viewport.getZoom(), centre: this.viewer.viewport.getCenter() };
  }

  /**
   * Pan by screen pixels.
   * @param {number} dx
   * @param {number} dy
   */
  panBy(dx, dy) {
    const { viewport } = this.viewer;
    if (!this.frames.item) return;
    viewport.panBy(
      viewport
        .deltaPointsFromPixels(new OpenSeadragon.Point(dx, dy), false)
        .rotate(-viewport.getRotation(false)),
    );
    viewport.applyConstraints();
  }

  /** @param {number} degrees */
  rotateBy(degrees) {
    this.rotateTo(this.frames.rotation() + degrees);
  }

  /** @param {number} degrees */
  rotateTo(degrees) {
    if (this.frames.item) this.viewer.viewport.setRotation(((degrees % 360) + 360) % 360, true);
  }
}

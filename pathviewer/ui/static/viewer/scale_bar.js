/**
 * The scale bar: a 1-2-5 length of 60 to 160 screen pixels; no bar where the scale is unknown.
 *
 * @import { SlideOut } from "../../api_types"
 */

import { h, setText } from "../core/dom.js";
import { lengthText } from "./lengths.js";
import { pixelSize } from "./scale.js";

const MOST_PIXELS = 160;

/**
 * The longest length of 1, 2 or 5 times a power of ten that fits.
 * @param {number} umPerPixel um per screen pixel
 * @returns {{um: number, pixels: number}}
 */
export function niceLength(umPerPixel) {
  const most = MOST_PIXELS * umPerPixel;
  const decade = 10 ** Math.floor(Math.log10(most));
  const um = [5, 2, 1].map((step) => step * decade).find((length) => length <= most) ?? decade;
  return { um, pixels: um / umPerPixel };
}

/** @returns {{node: HTMLElement, show: (slide: SlideOut, downsample: number) => void}} */
export function scaleBar() {
  const label = h("span", { class: "pv-scale-label" });
  const line = h("span", { class: "pv-scale-line" });
  const node = h("div", { class: "pv-scale", role: "img", hidden: true }, label, line);
  /** @param {SlideOut} slide @param {number} downsample */
  const show = (slide, downsample) => {
    const pixel = pixelSize(slide);
    node.hidden = !pixel;
    if (!pixel) return;
    const { um, pixels } = niceLength(pixel.x * downsample);
    setText(label, lengthText(um) + (slide.mpp_by_hand ? " (scale entered by hand)" : ""));
    line.style.width = `${pixels}px`;
    node.setAttribute("aria-label", `Scale bar: ${label.textContent}`);
  };
  return { node, show };
}

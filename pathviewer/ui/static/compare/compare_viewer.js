/**
 * One view of the slide with the attention of a side on it.
 *
 * @import { OpenedSlide } from "../../api_types"
 * @import { GlowName } from "../../page_types"
 */

import { h } from "../core/dom.js";
import { Frames } from "../viewer/coordinate_frames.js";
import { Heat } from "../attention/heat_overlay.js";
import { heatLegend } from "../attention/heat_legend.js";
import { presets, zoomText } from "../viewer/magnification.js";
import { scaleBar } from "../viewer/scale_bar.js";
import { say, store } from "../core/store.js";
import { followColours } from "../viewer/tile_colours.js";
import { tileSource } from "../viewer/tile_source.js";
import { ViewMoves } from "../viewer/view_moves.js";
import { newViewer } from "../viewer/viewer_options.js";

export class CompareViewer extends ViewMoves {
  /** @type {Heat|undefined} */
  heat;

  /** @param {string} label @param {GlowName} glow name of the glow in the store that it shows */
  constructor(label, glow) {
    super();
    this.stage = h("div", { class: "pv-stage" });
    this.scale = scaleBar();
    this.power = h("span", { class: "pv-compare-power" });
    this.node = h(
      "div",
      { class: "pv-frame", role: "group", "aria-label": label },
      this.stage,
      this.scale.node,
      this.power,
      heatLegend(glow),
    );
    this.glow = glow;
    this.label = label;
  }

  /** Make the viewer, once its place is in the page. */
  begin() {
    if (this.heat) return;
    this.viewer = newViewer(this.stage);
    this.viewer.canvas.setAttribute("role", "application");
    this.viewer.canvas.setAttribute("aria-label", this.label);
    this.frames = new Frames(this.viewer, null);
    this.heat = new Heat(this.viewer, this.frames, {
      names: [this.glow, "comparison"],
      glow: () => store.get(this.glow),
      slide: () => store.get("comparison")?.slide.id,
      frame: () => store.get("comparison")?.box,
    });
    this.viewer.addHandler("update-viewport", () => this.showPlace());
    followColours(this.viewer, () => this.frames.slide);
  }

  /**
   * Show a slide; `then` is called with it on the screen.
   * @param {OpenedSlide} slide
   * @param {() => void} then
   */
  open(slide, then) {
    this.begin();
    if (this.frames.slide?.id === slide.id && this.frames.item) {
      then();
      return;
    }
    this.frames.slide = slide;
    this.stage.style.setProperty("--pv-slide", slide.background ?? "#ffffff");
    this.viewer.close();
    this.viewer.addTiledImage({
      tileSource: tileSource(
        slide,
        (error) =>
          error.status !== 401 &&
          say(`Some tiles could not be loaded: ${error.message}`, "warning"),
      ),
      placeholderFillStyle: slide.background ?? "#ffffff",
      success: () => {
        this.frames.allowOut(Math.max(...presets(slide).map(({ downsample }) => downsample)));
        then();
        this.heat?.changed();
      },
    });
  }

  showPlace() {
    const { slide, item } = this.frames;
    const downsample = item && this.frames.downsample();
    // a view that is not in the page's layout has no size, and so no scale
    const placed = Boolean(downsample && Number.isFinite(downsample) && downsample > 0);
    this.scale.node.hidden = !placed;
    if (!placed) return;
    this.viewer.navigator.element.style.visibility = this.frames.wholeInView()
      ? "hidden"
      : "visible";
    this.viewer.drawer?.setImageSmoothingEnabled?.(downsample >= 0.999);
    this.scale.show(slide, downsample);
    this.power.textContent = zoomText(slide, downsample);
  }
}

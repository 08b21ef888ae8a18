/**
 * The viewer: OpenSeadragon, what is drawn over it, its buttons and keys.
 *
 * @import { Box, OpenedSlide } from "../../api_types"
 * @import { PanelProps, View } from "../../page_types"
 * @import { ApiError } from "../core/api.js"
 */

import { h } from "../core/dom.js";
import { Frames } from "./coordinate_frames.js";
import { Heat } from "../attention/heat_overlay.js";
import { heatLegend } from "../attention/heat_legend.js";
import { bindKeys } from "../core/key_binding.js";
import { keyTable } from "../core/key_table.js";
import { keysPanel } from "../core/keys_panel.js";
import { knownLength } from "./known_length.js";
import { presets } from "./magnification.js";
import { Overlay } from "./overlay.js";
import { Pointer } from "./pointer.js";
import { select, selectedRegion } from "../regions/regions.js";
import { pixelSize } from "./scale.js";
import { scaleBar } from "./scale_bar.js";
import { start } from "../core/page_start.js";
import { say, store, unsay } from "../core/store.js";
import { SlideMap } from "../questions/slide_map.js";
import { pixelAspect } from "./pyramid.js";
import { followColours } from "./tile_colours.js";
import { tileSource } from "./tile_source.js";
import { magnificationBar, toolbar } from "./toolbar.js";
import { drawingTools } from "../regions/drawing_tools.js";
import { parseView, writeView } from "./view_url.js";
import { ViewMoves } from "./view_moves.js";
import { newViewer } from "./viewer_options.js";

/** The viewer and what can be done to it; `store.get("canvas")`. */
export class Canvas extends ViewMoves {
  /**
   * @param {HTMLElement} host the element to fill
   * @param {ReturnType<typeof parseView>} linked
   * @param {Object<string, string>} verdicts words by verdict
   */
  constructor(host, linked, verdicts) {
    super();
    /** @type {ReturnType<typeof parseView>|null} */
    this.linked = linked;
    this.stage = h("div", { class: "pv-stage" });
    this.scale = scaleBar();
    const { bar, hint } = toolbar(this);
    this.magnification = magnificationBar(this);
    this.node = h(
      "section",
      { class: "pv-viewer", "aria-label": "Slide" },
      bar,
      h(
        "div",
        { class: "pv-frame" },
        this.stage,
        hint,
        knownLength(),
        this.scale.node,
        heatLegend(),
      ),
      this.magnification.bar,
    );
    host.replaceChildren(this.node);
    this.viewer = newViewer(this.stage);
    /** @type {Box|null} */
    this.goesTo = null;
    /** What was said of tiles that did not come. @type {string|undefined} */
    this.troubleText = undefined;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.writing = undefined;
    this.surface = this.viewer.canvas;
    this.surface.setAttribute("role", "application");
    this.frames = new Frames(this.viewer, null);
    this.heat = new Heat(this.viewer, this.frames);
    this.overlay = new Overlay(this.viewer, this.frames);
    this.map = new SlideMap(this.viewer, this.frames, verdicts);
    this.stage.after(this.map.panel);
    this.tools = drawingTools(this.frames, this.overlay);
    this.pointer = new Pointer(this.viewer, this.frames, this.tools);
    const table = keyTable(this);
    this.keys = keysPanel(table);
    this.node.append(this.keys);
    bindKeys(table);
    this.bind();
  }

  bind() {
    this.viewer.addHandler("update-viewport", () => {
      this.showPlace();
      this.follow();
    });
    this.viewer.addHandler("resize", () => this.resized());
    followColours(this.viewer, () => this.frames.slide);
    store.on("slide", (slide) => this.slideChanged(slide));
    store.on("selected", () => this.writeSoon());
    store.on("regions", () => this.writeSoon());
  }

  get tool() {
    return this.tools[store.get("tool")] ?? null;
  }

  /**
   * Open another slide, or take over changed facts about the one that is open.
   * @param {OpenedSlide|undefined} slide
   */
  slideChanged(slide) {
    const known = slide && this.frames.slide?.id === slide.id;
    const same = known && pixelAspect(this.frames.slide) === pixelAspect(slide);
    const before = known && !same && this.frames.item ? this.frames.view() : null;
    if (!known) this.tool?.cancel();
    this.frames.slide = /** @type {OpenedSlide} */ (slide);
    this.surface.setAttribute("aria-label", slide ? `Slide, ${slide.name}` : "No slide");
    document.title = slide ? `${slide.name} - PathViewer` : "PathViewer";
    if (!known) this.overlay.measure(null);
    if (same || !slide) {
      if (!slide) this.viewer.close();
      this.overlay.refresh();
      this.showPlace();
      return;
    }
    unsay(this.troubleText); // which was about the slide before
    if (!known) store.set("tool", "pan");
    this.stage.style.setProperty("--pv-slide", slide.background ?? "#ffffff");
    const view = this.linked?.slide === slide.id ? this.linked.view : before;
    this.linked = null;
    this.goesTo = null;
    this.viewer.close();
    this.viewer.addTiledImage({
      tileSource: tileSource(slide, (error) => this.trouble(slide, error)),
      placeholderFillStyle: slide.background ?? "#ffffff",
      success: () => this.opened(view),
    });
  }

  /** @param {View|null} view */
  opened(view) {
    this.allowPresets();
    if (view) this.frames.show(view);
    else this.fit(true);
    if (this.goesTo) this.frames.frame(this.goesTo, true);
    this.goesTo = null;
    this.overlay.refresh();
    this.showPlace();
  }

  /** Every preset can be reached, also those that show the slide smaller than it fits. */
  allowPresets() {
    const { slide } = this.frames;
    this.frames.allowOut(Math.max(...presets(slide).map(({ downsample }) => downsample)));
  }

  /** The window changed: magnification and centre stay, and a fitted slide is fitted anew. */
  resized() {
    if (!this.frames.item) return;
    const { home } = this;
    const fitted = home && sameView(home, this.viewer.viewport);
    // OpenSeadragon restores the magnification right after this event
    queueMicrotask(() => {
      if (!this.frames.item) return;
      this.allowPresets();
      if (fitted) this.fit(true);
      this.showPlace();
    });
  }

  /** @param {OpenedSlide} slide @param {ApiError} error */
  trouble(slide, error) {
    if (store.get("slide")?.id !== slide.id || error.status === 401) return;
    const [text, kind] = tileTrouble(error);
    this.troubleText = text;
    say(text, kind);
  }

  /** Show scale, magnification and address of the present view. */
  showPlace() {
    if (!this.frames.slide || !this.frames.item) {
      this.scale.node.hidden = true;
      return;
    }
    const { slide } = this.frames;
    const downsample = this.frames.downsample();
    this.viewer.navigator.element.style.visibility = this.frames.wholeInView()
      ? "hidden"
      : "visible";
    this.viewer.drawer?.setImageSmoothingEnabled?.(downsample >= 0.999);
    this.scale.show(slide, downsample);
    this.magnification.show(slide, downsample, this.frames.rotation());
    this.writeSoon();
  }

  writeSoon() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => {
      if (!this.frames.slide || !this.frames.item) return;
      writeView(this.frames.slide.id, this.frames.view(), selectedRegion()?.box ?? null);
    }, 200);
  }

  /** Drawing by keyboard: the shape under way reaches to the crosshair. */
  follow() {
    if (!this.tool || !this.frames.item || store.get("mode") !== "keys") return;
    this.tool.hover(this.frames.centre());
  }

  toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.node.requestFullscreen?.().catch(() => say("The browser refused full screen."));
  }

  toggleKeys() {
    if (this.keys.open) this.keys.close();
    else this.keys.showModal();
  }

  typeMagnification() {
    this.magnification.focus();
  }

  /** Take a tool in hand; tools of fixed size need the scale. @param {string} name */
  take(name) {
    if ((name === "field" || name === "hpf") && !pixelSize(this.frames.slide)) {
      say("This needs the slide's scale: enter microns per pixel on the left.");
      return;
    }
    this.tool?.cancel();
    store.set("tool", name);
    this.follow();
  }

  placeOrFinish() {
    if (!this.tool || !this.frames.item) return;
    if (store.get("mode") === "keys") {
      this.tool.place(this.frames.centre());
      this.follow();
    } else this.tool.finish();
  }

  escape() {
    if (this.tool) this.take("pan");
    else if (this.overlay.measured) this.overlay.measure(null);
    else select(null);
  }

  /**
   * Bring a region into view, of a slide that is being opened as soon as it is there.
   * @param {{box: Box}|null} region
   */
  goTo(region) {
    if (!region) return;
    if (this.frames.item) this.frames.frame(region.box);
    else this.goesTo = region.box;
  }

  /**
   * Select the region after (1) or before (-1) the selected one, and go there.
   * @param {1|-1} step
   */
  next(step) {
    const regions = store.get("regions");
    if (!regions.length) return;
    const at = regions.findIndex((region) => region.id === store.get("selected"));
    const first = step > 0 ? 0 : regions.length - 1;
    const region = at < 0 ? regions[first] : regions[(at + step + regions.length) % regions.length];
    select(region.id);
    this.goTo(region);
  }
}

/** The sentence about tiles that did not come, and its kind. @param {ApiError} error */
function tileTrouble(error) {
  if (error.code === "tile_damaged") {
    return [
      "Part of this slide is damaged; the places are marked. All else can be viewed.",
      "warning",
    ];
  }
  if (error.status === 422) return [error.message, "error"];
  if (error.status === 404 || error.status === 410) {
    return [
      "This slide is no longer on the server. What is loaded stays; pick another slide.",
      "error",
    ];
  }
  return [`Some tiles could not be loaded: ${error.message}`, "warning"];
}

/**
 * Whether `viewport` is heading where `home` notes.
 * @param {{zoom: number, centre: OpenSeadragon.Point}} given
 * @param {OpenSeadragon.Viewport} viewport
 */
function sameView({ zoom, centre }, viewport) {
  return (
    Math.abs(viewport.getZoom() / zoom - 1) < 1e-6 && centre.distanceTo(viewport.getCenter()) < 1e-6
  );
}

/**
 * Tell Python which region is selected, exact level-0 values, a moment after the last change.
 * @param {(name: string, told: unknown) => void} trigger
 */
function reportSelection(trigger) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let pending;
  const report = () => {
    clearTimeout(pending);
    pending = setTimeout(() => {
      const region = selectedRegion();
      trigger("select", {
        slide: store.get("slide")?.id ?? null,
        region: region && {
          id: region.id,
          name: region.name,
          shape: region.shape,
          points: region.points,
          box: region.box,
        },
      });
    }, 80);
  };
  store.onAny(["selected", "regions", "slide"], report);
}

/**
 * Mount the viewer into the page's element.
 * @param {Element} element
 * @param {PanelProps & {verdicts: Object<string, string>}} props
 * @param {(name: string, told: unknown) => void} trigger
 */
export async function mount(element, props, trigger) {
  await start(props);
  const host = /** @type {HTMLElement} */ (element.querySelector("[data-panel]"));
  const canvas = new Canvas(host, parseView(window.location.search), props.verdicts);
  store.set("canvas", canvas);
  reportSelection(trigger);
  // the handle of the browser tests and benchmarks; nothing in the page uses it
  window.PathViewer = { store, canvas };
}

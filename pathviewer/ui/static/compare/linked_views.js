/**
 * The slide between the two answers: one view whose attention is switched, or two that move as one.
 *
 * @import { Box, OpenedSlide } from "../../api_types"
 * @import { Comparison } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { CompareViewer } from "./compare_viewer.js";
import { h } from "../core/dom.js";
import { keep, recall } from "../core/browser_storage.js";
import { say, store } from "../core/store.js";

const KEPT = "compare linked";

store.set("linked", false);

export class CompareViews {
  constructor() {
    this.first = new CompareViewer("Slide", "firstGlow");
    this.second = new CompareViewer("Slide, right answer", "secondGlow");
    this.node = h(
      "section",
      { class: "pv-compare-views", "aria-label": "Slide" },
      this.first.node,
      this.second.node,
    );
    this.leader = this.first;
    /** @type {OpenedSlide|null} */
    this.slide = null;
    /** @type {string|null} */
    this.boxed = null;
    store.on("me", () => store.set("linked", recall(KEPT) === true));
  }

  /** Make the first viewer, once its place is in the page; the page has its layout by then. */
  begin() {
    this.first.begin();
    this.follow(this.first, this.second);
    store.on("comparison", (one) => this.show(one));
    store.on("linked", () => this.arrange());
  }

  /** Both views or one, with the whole region in each; kept for the account. */
  toggle() {
    store.set("linked", !store.get("linked"));
    keep(KEPT, store.get("linked"));
    const one = store.get("comparison");
    // OpenSeadragon takes over its new size with the next frame
    if (one) requestAnimationFrame(() => requestAnimationFrame(() => this.goTo(one.box)));
  }

  /** @param {Comparison|null} one */
  async show(one) {
    if (!one || !this.first.viewer) return;
    if (this.slide?.id !== one.slide.id) {
      this.slide = null;
      try {
        const slide = await request("GET /api/slides/{slide_id}", {
          path: { slide_id: one.slide.id },
        });
        if (store.get("comparison")?.slide.id !== slide.id) return;
        this.slide = slide;
      } catch (thrown) {
        const error = failureOf(thrown);
        if (error.status !== 401) say(`The slide cannot be shown: ${error.message}`, "warning");
        return;
      }
    }
    this.showSlide(this.slide, one.id, one.box);
  }

  /**
   * A slide, and a level-0 box of it if another one was on the screen before.
   * @param {OpenedSlide} slide
   * @param {string} name
   * @param {Box|null} box
   */
  showSlide(slide, name, box) {
    this.slide = slide;
    this.first.open(slide, () => {
      if (this.boxed !== name) {
        this.boxed = name;
        if (box) this.goTo(box);
        else this.first.fit(true);
      }
      this.arrange();
    });
  }

  /** Bring what was asked about into view. @param {Box} box */
  goTo(box) {
    this.leader = this.first;
    if (this.first.frames?.item) this.first.frames.frame(box);
  }

  arrange() {
    const linked = store.get("linked");
    this.second.node.hidden = !linked;
    if (!linked || !this.slide || !this.first.frames?.item) return;
    const made = !this.second.viewer;
    this.second.begin();
    if (made) this.follow(this.second, this.first);
    this.second.open(this.slide, () => this.take(this.first, this.second));
  }

  /**
   * Let a view's movements be the other's, while it is the one that is moved.
   * @param {CompareViewer} from
   * @param {CompareViewer} to
   */
  follow(from, to) {
    const lead = () => {
      this.leader = from;
    };
    ["pointerdown", "wheel"].forEach((name) =>
      from.stage.addEventListener(name, lead, { capture: true, passive: true }),
    );
    from.viewer.addHandler("update-viewport", () => this.leader === from && this.take(from, to));
  }

  /**
   * Put a view where another one is.
   * @param {CompareViewer} from
   * @param {CompareViewer} to
   */
  take(from, to) {
    if (!store.get("linked") || !from.frames?.item || !to.frames?.item) return;
    const [there, here] = [from.viewer.viewport, to.viewer.viewport];
    if (here.getRotation(true) !== there.getRotation(true)) {
      here.setRotation(there.getRotation(true), true);
    }
    here.zoomTo(there.getZoom(true), undefined, true);
    here.panTo(there.getCenter(true), true);
  }

  /** The view that keys move. */
  get moved() {
    this.leader = this.first;
    return this.first;
  }
}

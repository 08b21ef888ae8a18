/**
 * What to compare: a worklist's pairs, or two answers to a question of one's own.
 *
 * @import { Box, ComparisonList, OpenedSlide } from "../../api_types"
 */

import { failureOf, request } from "../core/api.js";
import { progressText } from "./vote_bar.js";
import { askTwice, openList } from "./compare_store.js";
import { fill, h, setText } from "../core/dom.js";
import { identityText } from "../viewer/slide_identity.js";
import { say, store } from "../core/store.js";
import { askedColours } from "../viewer/tile_colours.js";
import { parseView } from "../viewer/view_url.js";

export class CompareStart {
  /** @param {import("./linked_views.js").CompareViews} views */
  constructor(views) {
    this.views = views;
    this.lists = h("ul", { class: "pv-compare-lists", "aria-label": "Worklists with pairs" });
    this.region = h("span", { class: "pv-quiet" });
    this.slide = h("select", {
      class: "pv-field",
      "aria-label": "Slide",
      onchange: () => this.openSlide(),
    });
    this.question = h("textarea", {
      class: "pv-field",
      rows: 3,
      id: "pv-question",
      maxlength: 4000,
      "aria-label": "Question",
      placeholder: "What do you want to know about this region?",
    });
    this.options = h("textarea", {
      class: "pv-field",
      rows: 3,
      "aria-label": "Options, one a line",
      placeholder: "Options, one a line; none for a free answer",
    });
    this.ask = h("button", { type: "submit", class: "pv-button pv-primary" }, "Ask twice");
    this.node = h(
      "section",
      { class: "pv-compare-start", "aria-label": "What to compare" },
      h("h2", {}, "Pairs of a worklist"),
      this.lists,
      h("h2", {}, "A question of your own"),
      h(
        "p",
        { class: "pv-quiet" },
        "The model answers twice; the sides are drawn by lot. The region is what the slide shows.",
      ),
      h(
        "form",
        {
          class: "pv-compare-form",
          onsubmit: (event) => {
            event.preventDefault();
            this.submit();
          },
        },
        this.slide,
        this.question,
        this.options,
        h("div", { class: "pv-ballot-row" }, this.region, this.ask),
      ),
    );
    store.on("busy", (busy) => {
      this.ask.disabled = busy;
    });
  }

  /** Load what there is to choose from, and the slide of the address. */
  async open() {
    try {
      const [lists, slides] = await Promise.all([
        request("GET /api/comparisons"),
        request("GET /api/slides"),
      ]);
      fill(
        this.lists,
        ...(lists.length
          ? lists.map(entry)
          : [
              h(
                "li",
                { class: "pv-quiet" },
                "No worklist has pairs; the command ",
                h("code", {}, "python -m pathviewer worklist pairs"),
                " draws them.",
              ),
            ]),
      );
      const linked = parseView(window.location.search);
      fill(
        this.slide,
        ...slides.map(({ id, name }) =>
          h("option", { value: id, selected: id === linked.slide }, name),
        ),
      );
      if (slides.length) this.openSlide(linked.roi);
    } catch (thrown) {
      const error = failureOf(thrown);
      if (error.status !== 401) say(error.message, "warning");
    }
  }

  /** @param {Box|null} [box] */
  async openSlide(box = null) {
    const slide = await request("GET /api/slides/{slide_id}", {
      path: { slide_id: this.slide.value },
    });
    if (store.get("comparison")) return;
    this.views.showSlide(slide, `slide ${slide.id}`, box);
  }

  submit() {
    const box = this.inView();
    if (!box) {
      say("Bring the region into view first.", "warning");
      return;
    }
    const options = this.options.value
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
    const slide = /** @type {OpenedSlide} */ (this.views.slide);
    askTwice({
      slide: slide.id,
      identity: slide.identity,
      box,
      question: this.question.value,
      ...askedColours(slide),
      ...(options.length && { options }),
    });
  }

  /** What the slide shows, whole level-0 pixels on the slide; null where that is nothing. */
  inView() {
    const { frames, viewer } = this.views.first;
    if (!frames?.item) return null;
    const { clientWidth, clientHeight } = viewer.container;
    const corners = [
      [0, 0],
      [clientWidth, 0],
      [0, clientHeight],
      [clientWidth, clientHeight],
    ].map((corner) => frames.toLevel0(corner));
    const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
    const [left, top] = [
      Math.max(0, Math.ceil(Math.min(...xs))),
      Math.max(0, Math.ceil(Math.min(...ys))),
    ];
    const right = Math.min(frames.slide.width, Math.floor(Math.max(...xs)));
    const bottom = Math.min(frames.slide.height, Math.floor(Math.max(...ys)));
    return right > left && bottom > top
      ? { x: left, y: top, width: right - left, height: bottom - top }
      : null;
  }

  /** Say how large the region is that would be asked about. */
  follow() {
    const box = this.inView();
    const where = identityText(this.views.slide?.identity);
    setText(
      this.region,
      box ? `${box.width} × ${box.height} px of the scan: ${where}` : "nothing in view",
    );
  }
}

/** @param {ComparisonList} list */
function entry({ id, name, pairs, mine, done }) {
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "pv-button pv-compare-list", onclick: () => openList(id) },
      h("strong", {}, name),
      h("span", { class: "pv-quiet" }, progressText(done, mine, pairs)),
    ),
  );
}

/**
 * A slide's own map: every question asked on it that one may see, as an outline in the colour of its
 * verdict, with the regions where the model should have looked.
 *
 * @import { MapEvidence, SlideMapQuestion } from "../../api_types"
 * @import { Point, StoreValues } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { fill, h, s, setAttribute } from "../core/dom.js";
import { openReading } from "./question_store.js";
import { corners, inside } from "../regions/shapes.js";
import { say, store } from "../core/store.js";

const MIXED = "raters disagree";
const NONE = "not judged";

store.set("slideMap", null);

/** Show the map of the slide on the screen, or put it away. */
export async function toggleSlideMap() {
  const slide = store.get("slide");
  if (store.get("slideMap") || !slide) {
    store.set("slideMap", null);
    return;
  }
  try {
    const found = await request("GET /api/slides/{slide_id}/map", { path: { slide_id: slide.id } });
    if (store.get("slide")?.id !== slide.id) return;
    if (found.questions.length) store.set("slideMap", found);
    else say("Nothing that you may see was asked on this slide yet.");
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status !== 401) say(`The map cannot be shown: ${error.message}`, "warning");
  }
}

export class SlideMap {
  /**
   * @param {OpenSeadragon.Viewer} viewer
   * @param {import("../viewer/coordinate_frames.js").Frames} frames
   * @param {Object<string, string>} verdicts words by verdict
   */
  constructor(viewer, frames, verdicts) {
    this.frames = frames;
    /** @type {Record<string, string>} */
    this.words = { ...verdicts, mixed: MIXED };
    this.scene = s("g");
    this.svg = s("svg", { class: "pv-overlay pv-slide-map", "aria-hidden": "true" }, this.scene);
    this.list = h("ul", { class: "pv-map-list" });
    this.head = h("p", { class: "pv-map-head" });
    this.panel = h(
      "section",
      { class: "pv-map-panel", "aria-label": "Questions on this slide", hidden: true },
      this.head,
      this.list,
    );
    viewer.canvas.append(this.svg);
    viewer.addHandler("update-viewport", () => this.place());
    viewer.addHandler("resize", () => this.place());
    viewer.addHandler(
      "canvas-click",
      ({ quick, position }) => quick && this.clicked([position.x, position.y]),
    );
    store.on("slide", () => store.get("slideMap") && store.set("slideMap", null));
    store.on("slideMap", (map) => this.show(map));
  }

  /** @param {StoreValues["slideMap"]} map */
  show(map) {
    const questions = map?.questions ?? [];
    this.panel.hidden = !map;
    // what is judged lies over what is not, where both are of one region
    /** @param {SlideMapQuestion} one */
    const judged = (one) => Number(Boolean(one.verdict));
    fill(this.scene, ...[...questions].sort((a, b) => judged(a) - judged(b)).flatMap(outlines));
    fill(
      this.head,
      `${questions.length}${map?.more ? " newest" : ""} ${
        questions.length === 1 ? "question" : "questions"
      } on this slide`,
      h(
        "button",
        {
          type: "button",
          class: "pv-plain",
          "aria-label": "Put the map away (Y)",
          onclick: () => toggleSlideMap(),
        },
        "×",
      ),
    );
    fill(
      this.list,
      ...questions.map((one) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              class: "pv-map-row",
              "data-verdict": one.verdict ?? "none",
              title: one.question,
              onclick: () => open(one),
            },
            h("span", { class: "pv-map-question" }, one.question),
            h(
              "span",
              { class: "pv-quiet" },
              this.words[one.verdict ?? ""] ?? NONE,
              one.evidence.length > 0 && " · evidence region",
            ),
          ),
        ),
      ),
    );
    this.place();
  }

  place() {
    if (this.frames.item && this.scene.childElementCount) {
      setAttribute(this.scene, "transform", this.frames.matrix());
    }
  }

  /** The smallest outline under the pointer is the one that is meant. @param {Point} position */
  clicked(position) {
    const map = store.get("slideMap");
    if (!map || store.get("tool") !== "pan") return;
    const point = this.frames.toLevel0(position);
    const [found] = map.questions
      .filter((one) => inside(point, shapeOf(one)))
      .sort(
        (a, b) =>
          a.box.width * a.box.height - b.box.width * b.box.height ||
          Number(Boolean(b.verdict)) - Number(Boolean(a.verdict)),
      );
    if (found) open(found);
  }
}

/** @param {{reading: string}} given */
async function open({ reading }) {
  await openReading(reading);
  const shown = store.get("reading");
  if (shown?.id === reading) store.get("canvas")?.goTo(shown);
}

/** @param {MapEvidence} mapEvidence */
function shapeOf({ box, points }) {
  return points ?? corners(box);
}

/** @param {SlideMapQuestion} one */
function outlines(one) {
  return [
    path(shapeOf(one), "pv-asked-there", one.verdict ?? "none"),
    ...one.evidence.map((each) => path(shapeOf(each), "pv-evidence-there", "evidence")),
  ].flat();
}

/** @param {Point[]} points @param {string} kind @param {string} verdict */
function path(points, kind, verdict) {
  const d = `M${points.map((point) => point.join(" ")).join("L")}Z`;
  return [
    s("path", { d, class: "pv-halo" }),
    s("path", { d, class: kind, "data-verdict": verdict }),
  ];
}

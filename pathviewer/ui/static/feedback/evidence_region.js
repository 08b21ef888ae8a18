/**
 * "It should have looked here": the region of a judgment, drawn with the viewer's own tools.
 *
 * @import { Evidence, Point, Shape } from "../../page_types"
 */

import { change } from "./feedback_store.js";
import { boundingBox, corners, isUpright } from "../regions/shapes.js";
import { store } from "../core/store.js";

export const EVIDENCE = "It should have looked here";

store.set("drawInto", null);

/**
 * Take a drawing tool in hand whose next shape becomes the evidence region.
 * @param {boolean} byKeys whether the corners are to be set at the crosshair
 */
export function drawEvidence(byKeys) {
  const canvas = store.need("canvas");
  if (byKeys) store.set("mode", "keys");
  canvas.take("rectangle");
  store.set("drawInto", { hint: `${EVIDENCE}: `, take });
  canvas.surface.focus();
}

/** Its outline in level-0 pixels. @param {Evidence} evidence */
export function outlineOf({ box, points }) {
  return points ?? corners(box);
}

/** @param {Shape} shape @param {Point[]} points */
function take(shape, points) {
  const slide = store.need("slide");
  const box = boundingBox(points, slide);
  const plain = shape === "rectangle" && isUpright(points);
  change({
    evidence: {
      box: { ...box, width: Math.max(1, box.width), height: Math.max(1, box.height) },
      points: plain
        ? null
        : points.map((point) => point.map((value) => Math.round(value * 100) / 100)),
    },
  });
}

// a tool that is put away takes no more shapes for anybody
store.on("tool", (tool) => tool === "pan" && store.get("drawInto") && store.set("drawInto", null));

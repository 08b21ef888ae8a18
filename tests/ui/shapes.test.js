import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import {
  dragged,
  handlesOf,
  moved,
  withoutVertex,
} from "../../pathviewer/ui/static/regions/handles.js";
import {
  area,
  boundingBox,
  clipToSlide,
  corners,
  crossesItself,
  ellipse,
  extent,
  fieldSides,
  inside,
  isField,
  isUpright,
  onSlide,
  ontoSlide,
  outlineDistance,
  screenRectangle,
} from "../../pathviewer/ui/static/regions/shapes.js";

const SLIDE = { width: 1000, height: 800 };
const SQUARE = corners({ x: 0, y: 0, width: 10, height: 10 });
const BOW_TIE = [
  [0, 0],
  [10, 10],
  [10, 0],
  [0, 10],
];

const boxes = fc.record(
  {
    x: fc.integer({ min: 0, max: 900 }),
    y: fc.integer({ min: 0, max: 700 }),
    width: fc.integer({ min: 1, max: 100 }),
    height: fc.integer({ min: 1, max: 100 }),
  },
  { noNullPrototype: true },
);
const coordinate = fc.double({ min: -5000, max: 5000, noNaN: true });
const points = fc.tuple(coordinate, coordinate);

function near(one, other, tolerance = 1e-6) {
  assert.ok(Math.abs(one - other) <= tolerance, `${one} is not near ${other}`);
}

test("a box is the bounding box of its corners and as large as they say", () => {
  fc.assert(
    fc.property(boxes, (box) => {
      assert.deepEqual(boundingBox(corners(box), SLIDE), box);
      assert.equal(area(corners(box)), box.width * box.height);
    }),
  );
});

test("a bounding box is rounded outwards and kept on the slide", () => {
  const outline = [
    [-5, 1.2],
    [3.1, 900],
  ];
  assert.deepEqual(boundingBox(outline, SLIDE), { x: 0, y: 1, width: 4, height: 799 });
});

test("an area is the same in either direction of the outline", () => {
  assert.equal(area([...SQUARE].reverse()), 100);
});

test("the extent of a rectangle is its sides, also when it is rotated", () => {
  const points = screenRectangle([0, 0], [3, 4], 30);
  const rectangle = /** @type {const} */ ({ shape: "rectangle", points });
  const [width, height] = extent(rectangle);
  near(Math.hypot(width, height), 5);
});

test("the extent in microns counts each axis with its own pixel size", () => {
  assert.deepEqual(extent({ shape: "polygon", points: SQUARE }, { x: 0.5, y: 2 }), [5, 20]);
});

test("a point is inside or outside, and so far from the outline", () => {
  assert.ok(inside([5, 5], SQUARE));
  assert.ok(!inside([15, 5], SQUARE));
  assert.equal(outlineDistance([5, 3], SQUARE), 3);
  assert.equal(outlineDistance([13, 14], SQUARE), 5);
});

test("an outline that crosses itself is told from one that does not", () => {
  assert.ok(crossesItself(BOW_TIE));
  assert.ok(!crossesItself(SQUARE));
});

test("clipping leaves what is on the slide alone and brings the rest onto it", () => {
  fc.assert(
    fc.property(boxes, (box) => {
      assert.deepEqual(clipToSlide(corners(box), SLIDE), corners(box));
    }),
  );
  const over = corners({ x: -10, y: -10, width: 30, height: 20 });
  const clipped = clipToSlide(over, SLIDE);
  assert.ok(onSlide(clipped, SLIDE));
  assert.equal(area(clipped), 200);
});

test("a point brought onto the slide is on it, and one that is on it stays", () => {
  fc.assert(
    fc.property(points, (point) => {
      const nearest = ontoSlide(point, SLIDE);
      assert.ok(onSlide([nearest], SLIDE));
      assert.deepEqual(ontoSlide(nearest, SLIDE), nearest);
    }),
  );
});

test("a rectangle on the screen has right angles and its opposite corners", () => {
  const rotations = fc.integer({ min: 0, max: 359 });
  fc.assert(
    fc.property(points, points, rotations, (a, b, rotation) => {
      const [first, right, opposite, below] = screenRectangle(a, b, rotation);
      assert.deepEqual([first, opposite], [a, b]);
      const across = [right[0] - a[0], right[1] - a[1]];
      const down = [below[0] - a[0], below[1] - a[1]];
      near(across[0] * down[0] + across[1] * down[1], 0, 1e-3);
    }),
  );
});

test("only rectangles along the slide's sides are upright", () => {
  assert.ok(isUpright(screenRectangle([0, 0], [30, 20], 90)));
  assert.ok(!isUpright(screenRectangle([0, 0], [30, 20], 10)));
});

test("a field is a square of 1 mm² on whole pixels", () => {
  const slide = { width: 10_000, height: 10_000, scale: { x: 0.25, y: 0.5 } };
  assert.deepEqual(fieldSides(slide.scale), [4000, 2000]);
  const points = corners({ x: 5, y: 5, width: 4000, height: 2000 });
  assert.ok(isField({ shape: "rectangle", points }, slide));
  assert.ok(!isField({ shape: "polygon", points }, slide));
  assert.ok(!isField({ shape: "rectangle", points: SQUARE }, slide));
  assert.ok(!isField({ shape: "rectangle", points }, { ...slide, scale: {} }));
});

test("an ellipse has the area of one, a little less for its corners", () => {
  const size = area(ellipse([500, 400], [100, 50]));
  assert.ok(size < Math.PI * 5000 && size > Math.PI * 5000 * 0.998);
});

test("moving keeps size and shape, and stops at the slide's edge", () => {
  const steps = fc.integer({ min: -2000, max: 2000 });
  fc.assert(
    fc.property(boxes, steps, steps, (box, dx, dy) => {
      const after = boundingBox(moved(corners(box), dx, dy, SLIDE), SLIDE);
      assert.deepEqual([after.width, after.height], [box.width, box.height]);
      assert.ok(onSlide(corners(after), SLIDE));
    }),
  );
});

test("the handles of a rectangle move its sides", () => {
  const region = /** @type {const} */ ({ shape: "rectangle", points: SQUARE });
  const handles = handlesOf(region, SLIDE);
  assert.deepEqual(handles[0], { kind: "move", at: [5, 5] });
  assert.equal(handles.length, 9);
  const corner = handles.find((one) => one.kind === "side" && one.hx === 1 && one.hy === 1);
  const larger = dragged(region, corner, corner.at, [30, 20], SLIDE);
  assert.deepEqual(boundingBox(larger, SLIDE), { x: 0, y: 0, width: 30, height: 20 });
});

test("a vertex is not dragged to where the outline would cross itself", () => {
  const region = /** @type {const} */ ({ shape: "polygon", points: SQUARE });
  /** @type {import("../../pathviewer/ui/static/regions/handles.js").Handle} */
  const vertex = { kind: "vertex", at: [10, 0], index: 1 };
  assert.equal(dragged(region, vertex, [10, 0], [-5, 20], SLIDE), null);
  assert.deepEqual(dragged(region, vertex, [10, 0], [12, 1], SLIDE)[1], [12, 1]);
});

test("a triangle keeps its vertices", () => {
  assert.equal(withoutVertex(SQUARE.slice(0, 3), 0), null);
  assert.deepEqual(withoutVertex(SQUARE, 0), SQUARE.slice(1));
});

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { Frames } from "../../pathviewer/ui/static/viewer/coordinate_frames.js";
import { pixelAspect, tileAt, tileBox } from "../../pathviewer/ui/static/viewer/pyramid.js";

const SLIDE = { width: 1000, height: 500, pixel_aspect: 2 };
const LEVEL = {
  width: 500,
  height: 250,
  tile_width: 256,
  tile_height: 256,
  downsample_x: 2,
  downsample_y: 2,
};

const pyramids = fc
  .record({
    width: fc.integer({ min: 1, max: 200_000 }),
    height: fc.integer({ min: 1, max: 200_000 }),
    tile: fc.integer({ min: 16, max: 1024 }),
    downsample: fc.constantFrom(1, 2, 4, 16, 64),
    aspect: fc.constantFrom(0.5, 1, 2),
  })
  .map(({ width, height, tile, downsample, aspect }) => ({
    slide: { width, height, pixel_aspect: aspect },
    level: {
      width: Math.ceil(width / downsample),
      height: Math.ceil(height / downsample),
      tile_width: tile,
      tile_height: tile,
      downsample_x: downsample,
      downsample_y: downsample,
    },
  }));

test("pixels are square where the scale is unknown", () => {
  assert.equal(pixelAspect(SLIDE), 2);
  assert.equal(pixelAspect({ pixel_aspect: null }), 1);
  assert.equal(pixelAspect(null), 1);
});

test("a whole tile is drawn with its rows stretched by the pixel aspect", () => {
  const level = { ...LEVEL, width: 5000, height: 5000 };
  const slide = { width: 10_000, height: 10_000, pixel_aspect: 2 };
  assert.deepEqual(tileBox(slide, level, 1, 1), {
    pixels: { width: 256, height: 256 },
    drawn: { x: 512, y: 1024, width: 512, height: 1024 },
  });
});

test("the last tile of a row is cut off where the slide ends", () => {
  const { pixels } = tileBox(SLIDE, LEVEL, 1, 0);
  assert.deepEqual(pixels, { width: 244, height: 250 });
});

test("a level that is rounded up shows no more than the slide has", () => {
  const level = { ...LEVEL, width: 501 };
  assert.equal(tileBox(SLIDE, level, 1, 0).pixels.width, 244);
});

test("points outside the slide belong to the nearest tile", () => {
  assert.deepEqual(tileAt(SLIDE, LEVEL, [-10, -10]), { column: 0, row: 0 });
  assert.deepEqual(tileAt(SLIDE, LEVEL, [1e9, 1e9]), { column: 1, row: 0 });
});

test("the middle of a tile lies in that tile, and tiles end with the slide", () => {
  fc.assert(
    fc.property(pyramids, fc.nat(), fc.nat(), ({ slide, level }, someColumn, someRow) => {
      const column = someColumn % Math.ceil(level.width / level.tile_width);
      const row = someRow % Math.ceil(level.height / level.tile_height);
      const { drawn } = tileBox(slide, level, column, row);
      if (drawn.width <= 0 || drawn.height <= 0) return; // the level's rounding alone is in it
      const middle = [drawn.x + drawn.width / 2, drawn.y + drawn.height / 2];
      assert.deepEqual(tileAt(slide, level, middle), { column, row });
      assert.ok(drawn.x + drawn.width <= slide.width * (1 + 1e-9));
      assert.ok(drawn.y + drawn.height <= slide.height * slide.pixel_aspect * (1 + 1e-9));
    }),
  );
});

test("OpenSeadragon's viewport leads back to level 0", () => {
  const frames = new Frames(null, /** @type {any} */ (SLIDE));
  assert.deepEqual(frames.fromViewport({ x: 1, y: 1 }), [1000, 500]);
  assert.deepEqual(frames.fromViewport({ x: 0.5, y: 0 }), [500, 0]);
});

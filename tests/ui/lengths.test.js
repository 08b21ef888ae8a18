import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import {
  areaText,
  dimensionsText,
  lengthText,
  pixelText,
  sizeText,
} from "../../pathviewer/ui/static/viewer/lengths.js";
import {
  parseZoom,
  presets,
  scanPower,
  zoomText,
} from "../../pathviewer/ui/static/viewer/magnification.js";
import {
  areaUm2,
  claimText,
  enteredText,
  lengthUm,
  parseScale,
  pixelSize,
  scaleText,
  sizeDigits,
} from "../../pathviewer/ui/static/viewer/scale.js";

const SCANNED_AT_40 = { objective_power: 40, scale: { x: 0.25, y: 0.25 } };
const OF_KNOWN_SCALE = { objective_power: null, scale: { x: 0.5, y: 0.5 } };
const UNKNOWN = { objective_power: null, scale: {} };

test("lengths are written in the unit that suits them, which stays on their line", () => {
  assert.equal(lengthText(87.34), "87.3\u00a0µm");
  assert.equal(lengthText(1240), "1.24\u00a0mm");
  assert.equal(pixelText(1234.4), "1,234\u00a0px");
  assert.equal(sizeText(139.72, 1154.7), "139.7 × 1,155 µm");
  assert.equal(dimensionsText(2220, 2967), "2,220 × 2,967\u00a0px");
});

test("areas are written in mm², small ones in µm²", () => {
  assert.equal(areaText(0.2374), "0.237 mm²");
  assert.equal(areaText(0.02374), "0.0237 mm²");
  assert.equal(areaText(0.0005), "500.0 µm²");
});

test("lengths and areas count each axis with its own pixel size", () => {
  const pixel = { x: 0.5, y: 2 };
  assert.equal(lengthUm([0, 0], [6, 2], pixel), 5);
  const square = [
    [0, 0],
    [10, 0],
    [10, 10],
    [0, 10],
  ];
  assert.equal(areaUm2(square, pixel), 100);
});

test("a scale that lacks an axis is unknown", () => {
  assert.deepEqual(pixelSize(SCANNED_AT_40), { x: 0.25, y: 0.25 });
  assert.equal(pixelSize({ scale: { x: 0.25, y: null } }), null);
  assert.equal(pixelSize(null), null);
});

test("a scale says where it is from", () => {
  const entered = { entered_by: "ada", entered_at: "2026-11-30T12:00:00Z" };
  assert.equal(enteredText(entered), "entered by ada on 30 Nov 2026");
  assert.equal(enteredText({ entered_by: null, entered_at: null }), "entered by hand");
  assert.equal(scaleText({ source: "file", x: 0.25, y: 0.25 }), "0.25 µm/px");
  assert.equal(
    scaleText({ source: "entered", x: 0.25, y: 0.5, ...entered }),
    "0.25 × 0.5 µm/px, entered by ada on 30 Nov 2026",
  );
  assert.equal(scaleText({ source: null }), "scale unknown");
  assert.equal(claimText({ claimed: { x: 42.33, y: 42.33 } }), "the file claims 42.33 µm/px");
  assert.equal(claimText({ claimed: { x: 1, y: null } }), "the file states it along one axis only");
});

test("a scale is read as it is written", () => {
  const size = fc.integer({ min: 1, max: 9999 }).map((whole) => whole / 1000);
  fc.assert(
    fc.property(size, size, (x, y) => {
      assert.deepEqual(parseScale(sizeDigits({ x, y })), x === y ? x : { x, y });
    }),
  );
  assert.equal(parseScale(" 0,25 "), 0.25);
  assert.deepEqual(parseScale("0.25 x 0.5"), { x: 0.25, y: 0.5 });
});

for (const text of ["", "0", "-1", "a", "1 2 3", "Infinity", "0.25 x 0"]) {
  test(`"${text}" is no scale`, () => assert.equal(parseScale(text), null));
}

test("the power of a scan is its objective's, or follows from the scale", () => {
  assert.deepEqual(scanPower(SCANNED_AT_40), { power: 40, approximate: false });
  assert.deepEqual(scanPower(OF_KNOWN_SCALE), { power: 20, approximate: true });
  assert.equal(scanPower(UNKNOWN), null);
});

test("a zoom is written as a magnification, or as a ratio where none is known", () => {
  assert.equal(zoomText(SCANNED_AT_40, 2), "20x");
  assert.equal(zoomText(OF_KNOWN_SCALE, 2), "~10x");
  assert.equal(zoomText(UNKNOWN, 4), "1:4");
  assert.equal(zoomText(UNKNOWN, 0.5), "2:1");
});

test("a zoom is read as it is written, to the digits that are shown", () => {
  const slides = fc.constantFrom(SCANNED_AT_40, OF_KNOWN_SCALE, UNKNOWN);
  const downsamples = fc.double({ min: 0.5, max: 512, noNaN: true });
  fc.assert(
    fc.property(slides, downsamples, (slide, downsample) => {
      const read = parseZoom(slide, zoomText(slide, downsample));
      assert.ok(Math.abs(read / downsample - 1) < 0.06, `${downsample} was read as ${read}`);
    }),
  );
});

test("what names no zoom is none", () => {
  assert.equal(parseZoom(UNKNOWN, "20x"), null);
  assert.equal(parseZoom(SCANNED_AT_40, "0x"), null);
  assert.equal(parseZoom(SCANNED_AT_40, "1:0"), null);
  assert.equal(parseZoom(SCANNED_AT_40, "close"), null);
});

test("presets beyond twice the scan's resolution cannot be reached", () => {
  const reachable = (slide) => presets(slide).map((preset) => preset.reachable);
  assert.deepEqual(reachable(SCANNED_AT_40), [true, true, true, true, true, true]);
  assert.deepEqual(reachable({ objective_power: 10 }), [true, true, true, true, true, false]);
  assert.equal(presets(UNKNOWN)[5].label, "1:1");
});

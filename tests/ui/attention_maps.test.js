import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import {
  decoded,
  entropy,
  liveMap,
  peakOf,
  rawMap,
  relativeMap,
  spread,
  verdict,
} from "../../pathviewer/ui/static/attention/attention_maps.js";
import { applyTable, readTable } from "../../pathviewer/ui/static/viewer/colour_table.js";
import {
  colourNames,
  colourTable,
  gradient,
  setColours,
} from "../../pathviewer/ui/static/attention/colour_maps.js";

const LIMITS = { localised_spread: 0.5, least_image_share: 0.1 };
const weights = fc
  .array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 64 })
  .map((bytes) => liveMap(eventOf(bytes)));

function eventOf(bytes) {
  const values = Buffer.from(bytes).toString("base64");
  return { columns: bytes.length, rows: 1, peak: 0.5, values, image_share: 0.8 };
}

function near(one, other, tolerance = 1e-9) {
  assert.ok(Math.abs(one - other) <= tolerance, `${one} is not near ${other}`);
}

const total = (map) => map.weights.reduce((sum, weight) => sum + weight, 0);

test("bytes come back from base64", () => {
  assert.deepEqual([...decoded(Buffer.from([0, 127, 255]).toString("base64"))], [0, 127, 255]);
});

test("weights sum to 1, and entropy and spread lie between 0 and 1", () => {
  fc.assert(
    fc.property(weights, (map) => {
      near(total(map), 1);
      assert.ok(entropy(map) >= 0 && entropy(map) <= 1);
      assert.ok(spread(map) > 0 && spread(map) <= 1);
      assert.ok(peakOf(map) >= 1 - 1e-9);
    }),
  );
});

test("one cell has no entropy, an even map all of it", () => {
  near(entropy(liveMap(eventOf([255, 0, 0, 0]))), 0);
  near(spread(liveMap(eventOf([255, 0, 0, 0]))), 0.25);
  near(entropy(liveMap(eventOf([9, 9, 9, 9]))), 1);
});

test("a map over itself is even", () => {
  fc.assert(
    fc.property(weights, (map) => {
      const relative = relativeMap(map, map, 0.1);
      near(total(relative), 1);
      near(peakOf(relative), 1);
    }),
  );
});

test("attention is localised, diffuse or elsewhere", () => {
  assert.equal(verdict(liveMap(eventOf([255, 0, 0, 0])), LIMITS), "localised");
  assert.equal(verdict(liveMap(eventOf([9, 9, 9, 9])), LIMITS), "diffuse");
  const little = { ...eventOf([255, 0, 0, 0]), image_share: 0.01 };
  assert.equal(verdict(liveMap(little), LIMITS), "elsewhere");
});

test("a raw map averages the layers that are chosen, each scaled to its own peak", () => {
  const told = {
    columns: 2,
    rows: 1,
    layers: 2,
    values: Uint8Array.from([255, 0, 0, 255]),
    peaks: [[0.3, 0.1]],
    passages: [{ image_share: 0.4 }],
  };
  const both = rawMap(told, 0, [0, 1]);
  near(both.weights[0], 0.75);
  assert.equal(both.imageShare, 0.4);
  assert.deepEqual([...rawMap(told, 0, [1, 1]).weights], [0, 1]);
  near(rawMap(told, 0, [1, 1]).imageShare, 0.1);
});

test("a colour table runs from the first stop to the last", () => {
  setColours({
    grey: [
      [0, 0, 0],
      [255, 255, 255],
    ],
  });
  assert.deepEqual(colourNames(), ["grey"]);
  const table = colourTable("grey");
  assert.deepEqual([...table.subarray(0, 3)], [0, 0, 0]);
  assert.deepEqual([...table.subarray(3 * 100, 3 * 100 + 3)], [100, 100, 100]);
  assert.deepEqual([...table.subarray(3 * 255)], [255, 255, 255]);
  assert.match(
    gradient("grey"),
    /^linear-gradient\(to right, rgb\(0 0 0\), .*rgb\(255 255 255\)\)$/,
  );
});

test("a table of the identity leaves every colour as it is", () => {
  const floats = (values) => Buffer.from(Float32Array.from(values).buffer).toString("base64");
  const curve = Array.from({ length: 256 }, (_, value) => value / 255);
  const nodes = Array.from({ length: 8 }, (_, node) =>
    [node >> 2, (node >> 1) & 1, node & 1].map((bit) => 255 * bit),
  ).flat();
  const table = readTable({
    size: 2,
    light: false,
    curves: floats([...curve, ...curve, ...curve]),
    nodes: floats(nodes),
  });
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(fc.array(fc.tuple(byte, byte, byte), { minLength: 1 }), (colours) => {
      const pixels = Uint8ClampedArray.from(colours.flatMap((colour) => [...colour, 255]));
      const before = [...pixels];
      applyTable(pixels, table);
      assert.deepEqual([...pixels], before);
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { formatView, parseView } from "../../pathviewer/ui/static/viewer/view_url.js";

const VIEW = { x: 10.126, y: 20, downsample: 4, rotation: 0 };

test("an address names slide, centre, downsample and region", () => {
  assert.equal(
    formatView("", "abc", VIEW, { x: 1, y: 2, width: 3, height: 4 }),
    "?slide=abc&x=10.13&y=20&downsample=4&roi=1,2,3,4",
  );
});

test("other parameters of the address stay, former ones of the view go", () => {
  const search = formatView("?reading=r1&x=1&roi=1,1,1,1", "abc", VIEW, null);
  assert.equal(search, "?reading=r1&slide=abc&x=10.13&y=20&downsample=4");
});

test("a view comes back from its address", () => {
  const view = fc.record({
    x: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    y: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    downsample: fc.double({ min: 0.5, max: 512, noNaN: true }),
    rotation: fc.integer({ min: 0, max: 359 }),
  });
  const side = fc.integer({ min: 1, max: 1e6 });
  const box = fc.record(
    { x: fc.nat(), y: fc.nat(), width: side, height: side },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), view, fc.option(box), (slide, wanted, roi) => {
      const parsed = parseView(formatView("", slide, wanted, roi));
      assert.equal(parsed.problem, null);
      assert.equal(parsed.slide, slide);
      assert.deepEqual(parsed.roi, roi);
      assert.ok(Math.abs(parsed.view.x - wanted.x) <= 0.0051);
      assert.ok(Math.abs(parsed.view.y - wanted.y) <= 0.0051);
      assert.ok(Math.abs(parsed.view.downsample / wanted.downsample - 1) < 1e-6);
      assert.equal(parsed.view.rotation, wanted.rotation);
    }),
  );
});

test("an address without the whole of a view has none", () => {
  assert.equal(parseView("?slide=a&x=1&y=2").view, null);
  assert.deepEqual(parseView(""), { slide: null, view: null, roi: null, problem: null });
});

test("a rotation is brought to 0 to below 360", () => {
  assert.equal(parseView("?x=1&y=2&downsample=3&rotation=-90").view.rotation, 270);
  assert.equal(parseView("?x=1&y=2&downsample=3&rotation=720").view.rotation, 0);
});

const UNREADABLE = [
  ["x=one", "not a number"],
  ["y=", "empty"],
  ["downsample=0", "no zoom at all"],
  ["downsample=-1", "a negative zoom"],
  ["rotation=Infinity", "no angle"],
  ["roi=1,2,3", "three numbers"],
  ["roi=1,2,0,4", "no width"],
  ["roi=-1,2,3,4", "left of the slide"],
  ["roi=1.5,2,3,4", "half a pixel"],
];

for (const [parameter, reason] of UNREADABLE) {
  test(`an address with ${parameter} is refused: ${reason}`, () => {
    assert.equal(parseView(`?${parameter}`).problem, parameter);
  });
}

test("no address makes the parser fail", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (name, value) => {
      parseView(`?${name}=${value}&roi=${value}&x=${value}`);
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { evidenceGlow, topOf } from "../../pathviewer/ui/static/attention/evidence_maps.js";

const BOX = { x: 10, y: 20, width: 300, height: 200 };
const OCCLUSION = { name: "occlusion", quick: false };

/** @returns {any} */
function told(losses, { unit = "nats", method = OCCLUSION } = {}) {
  return { columns: losses.length, rows: 1, box: BOX, unit, method, passages: [], tokens: [] };
}

/** @returns {any} */
function passage(losses, claim = null) {
  const words = { claim, sentence: `claims ${claim}` };
  return { name: "answer", losses, region_loss: 1, test: claim && words };
}

function near(one, other) {
  assert.ok(Math.abs(one - other) <= 1e-9 * Math.max(1, other), `${one} is not near ${other}`);
}

test("the peak of the scale is the greatest loss, in even shares and in nats", () => {
  const loss = fc.double({ min: -3, max: 3, noNaN: true });
  fc.assert(
    fc.property(fc.array(loss, { minLength: 1, maxLength: 64 }), (losses) => {
      const given = passage(losses, "place");
      const glow = evidenceGlow(told(losses), given, "Answer");
      const total = losses.reduce((sum, one) => sum + Math.max(0, one), 0);
      if (total < 1e-6) return;
      near(
        glow.map.weights.reduce((sum, one) => sum + one, 0),
        1,
      );
      assert.equal(glow.top, topOf(given));
      near(Math.max(...glow.map.weights) * losses.length, glow.peak);
    }),
  );
});

test("cells without which the words become likelier have no weight", () => {
  const glow = evidenceGlow(told([-2, 1, 3]), passage([-2, 1, 3], "place"), "Step 1");
  assert.deepEqual([...glow.map.weights], [0, 0.25, 0.75]);
  assert.deepEqual([glow.verdict, glow.sentence, glow.top], ["place", "claims place", 3]);
});

test("passages may share a scale", () => {
  const [weak, strong] = [passage([0.5, 0], "place"), passage([2, 0], "place")];
  const glow = evidenceGlow(told([0.5, 0]), weak, "Step 1", [weak, strong]);
  assert.deepEqual([glow.top, glow.peak], [2, 8]);
});

test("noise without a test stays dark, and no loss at all divides by nothing", () => {
  const faint = evidenceGlow(told([0.001, 0]), passage([0.001, 0]), "“is”");
  assert.deepEqual([faint.top, faint.verdict, faint.sentence], [0.1, "untested", ""]);
  const empty = evidenceGlow(told([-1, 0]), passage([-1, 0], "none"), "Step 1");
  assert.deepEqual([...empty.map.weights], [0, 0]);
  assert.ok(Number.isFinite(empty.peak));
});

test("the quick form says that it has no unit and no test", () => {
  const method = { name: "attention x gradient", quick: true };
  const glow = evidenceGlow(told([0, 1], { unit: null, method }), passage([0, 1]), "Answer");
  assert.deepEqual([glow.unit, glow.verdict, glow.top], [null, "quick", 1]);
  assert.match(glow.kind, /^Quick form: .* no unit, not tested$/);
});

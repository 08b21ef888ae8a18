import assert from "node:assert/strict";
import { test } from "node:test";
import { methodSentence } from "../../pathviewer/ui/static/attention/check_method.js";

const CONTROLS = {
  positive_control: 1,
  positive_control_low: 0.72,
  positive_control_high: 1,
  negative_control: 0.54,
  negative_control_low: 0.45,
  negative_control_high: 0.62,
  n: 30,
  passed: true,
};
const METHOD = { fill: "blur", version: 2, controls: CONTROLS, current: true };

test("the controls stand with their intervals", () => {
  assert.equal(
    methodSentence(METHOD, "m"),
    "Masked by blur (check version 2). Control: the true evidence matters in 100 % (72 to 100), a random place in 54 % (45 to 62) of comparisons.",
  );
});

test("controls that failed are named", () => {
  const failed = { ...METHOD, controls: { ...CONTROLS, passed: false } };
  assert.match(methodSentence(failed, "m"), /failed its controls, so its verdicts say little\.$/);
});

test("without figures the page says how to measure them", () => {
  const unknown = { ...METHOD, controls: null };
  assert.match(methodSentence(unknown, "m"), /not measured for this model; .* --model m`\.$/);
});

test("an older check says that it is one", () => {
  const older = { fill: "grey", version: 1, controls: null, current: false };
  assert.equal(
    methodSentence(older, "m"),
    "An older check, masked in grey, which failed its own control; run it again.",
  );
});

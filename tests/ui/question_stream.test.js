import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { meantBy, optionOf, ownNumber } from "../../pathviewer/ui/static/questions/passage_text.js";
import { after, looked, stateOf } from "../../pathviewer/ui/static/questions/question_stream.js";

/** @type {import("../../pathviewer/ui/page_types").Answering} */
const QUEUED = { id: "r1", state: "queued", position: null, placements: [], completions: [] };
const index = fc.nat({ max: 3 });
/** @type {fc.Arbitrary<any>} */
const events = fc.oneof(
  fc.record({ type: fc.constant("queued"), position: fc.nat() }),
  fc.record({ type: fc.constant("started"), placements: fc.constant([]) }),
  fc.record({ type: fc.constant("text"), index, text: fc.string(), trace: fc.constant(null) }),
  fc.record({ type: fc.constant("ended"), index, finish: fc.constantFrom("stop", "length") }),
  fc.record({ type: fc.constant("maps"), index }),
  fc.record({ type: fc.constantFrom("done", "failed", "comparing", "unheard of") }),
);

const apply = (...told) => told.reduce(after, QUEUED);

test("a question waits, is answered and is done", () => {
  assert.equal(apply({ type: "queued", position: 3 }).position, 3);
  assert.equal(apply({ type: "started", placements: [{ columns: 2 }] }).state, "running");
  assert.equal(apply({ type: "first_answer_wanted" }).state, "waiting first answer");
  assert.equal(apply({ type: "comparing" }).state, "comparing");
  assert.equal(apply({ type: "done" }).state, "done");
});

test("the text of an answer replaces its former text", () => {
  const reading = apply(
    { type: "text", index: 0, text: "A", trace: null },
    { type: "text", index: 0, text: "A gland", trace: { steps: [] } },
  );
  assert.equal(reading.completions.length, 1);
  assert.equal(reading.completions[0].text, "A gland");
  assert.equal(reading.completions[0].state, "streaming");
});

test("an answer has an end, and says whether the model ended it", () => {
  assert.equal(stateOf("stop"), "done");
  assert.equal(stateOf("length"), "cut off");
  const ended = { type: "ended", index: 0, completion_id: "c1", text: "A", finish: "stop" };
  const { completions } = apply({ type: "text", index: 0, text: "A" }, ended, {
    type: "maps",
    index: 0,
  });
  assert.deepEqual(
    [completions[0].id, completions[0].state, completions[0].maps],
    ["c1", "done", true],
  );
});

test("a failure cuts off what was being written and leaves what had ended", () => {
  const reading = apply(
    { type: "ended", index: 0, text: "A", finish: "stop" },
    { type: "text", index: 1, text: "B" },
    { type: "failed", message: "out of memory" },
  );
  assert.equal(reading.error, "out of memory");
  assert.deepEqual(
    reading.completions.map(({ state }) => state),
    ["done", "cut off"],
  );
});

test("answers stay in order, one for each index, whatever comes when", () => {
  fc.assert(
    fc.property(fc.array(events), (told) => {
      const indices = apply(...told).completions.map((completion) => completion.index);
      assert.deepEqual(
        indices,
        [...new Set(indices)].sort((a, b) => a - b),
      );
    }),
  );
});

test("neither reading nor event is changed", () => {
  fc.assert(
    fc.property(fc.array(events), events, (told, last) => {
      const reading = apply(...told);
      const before = structuredClone({ reading, last });
      after(reading, last);
      assert.deepEqual(structuredClone({ reading, last }), before);
    }),
  );
});

test("an event of an unknown type leaves the reading as it is", () => {
  assert.equal(after(QUEUED, /** @type {any} */ ({ type: "unheard of" })), QUEUED);
});

test("the live maps keep the last event of each passage and name the newest", () => {
  const first = { index: 0, passage: "step 1", peak: 1 };
  const again = { index: 0, passage: "step 1", peak: 2 };
  const other = { index: 0, passage: "step 2", peak: 3 };
  const maps = /** @type {any[]} */ ([first, again, other]).reduce(looked, null);
  assert.deepEqual(maps, {
    0: { newest: "step 2", passages: { "step 1": again, "step 2": other } },
  });
});

test("a number that a step gives itself is not shown twice", () => {
  assert.equal(ownNumber("Step 2: glands", "2"), "Step 2: ");
  assert.equal(ownNumber("2) glands", "2"), "2) ");
  assert.equal(ownNumber("3. glands", "2"), "");
  assert.equal(ownNumber("2 glands", "2"), "");
});

test("a bare letter means its option", () => {
  const reading = { options: ["benign", "malignant"] };
  assert.equal(optionOf(reading, "(B)."), "malignant");
  assert.equal(optionOf(reading, "C"), "");
  assert.equal(meantBy(reading, "C"), "none of the options");
  assert.equal(meantBy(reading, "B malignant"), "");
  assert.equal(meantBy({ options: [] }, "C"), "");
});

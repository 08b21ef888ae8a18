import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import {
  blank,
  changes,
  contents,
  draftOf,
  flaggedSteps,
  isChanged,
  over,
} from "../../pathviewer/ui/static/feedback/feedback_draft.js";

/** @type {("missing_image_features"|"missing_knowledge")[]} */
const ABSENCES = ["missing_image_features", "missing_knowledge"];
const WRONG = /** @type {const} */ ("wrong_definition");
const text = fc.string({ minLength: 1, maxLength: 20 }).filter((words) => words.trim() === words);
const step = fc.record({
  events: fc.uniqueArray(fc.constantFrom("wrong_definition", "contradiction", "wrong_criterion"), {
    minLength: 1,
  }),
  quote: fc.option(text),
  start: fc.option(fc.nat()),
  stop: fc.option(fc.nat()),
  step_class: fc.option(fc.constantFrom("Citation", "Reasoning")),
});
const places = fc.integer({ min: 0, max: 12 }).map(String);
const drafts = fc.record({
  completion: fc.constant("c1"),
  verdict: fc.constantFrom("incorrect", "partly_correct"),
  corrected: text,
  confidence: fc.option(fc.integer({ min: 1, max: 5 })),
  comment: text,
  absences: fc.uniqueArray(fc.constantFrom(...ABSENCES)),
  steps: fc.dictionary(places, step),
  edits: fc.dictionary(places, fc.option(text)),
  evidence: fc.option(
    fc.record({
      box: fc.record({ x: fc.nat(), y: fc.nat(), width: fc.nat(), height: fc.nat() }),
      points: fc.constant(null),
    }),
  ),
});

test("a blank draft says nothing, and is a first verdict and first labels when it is sent", () => {
  const draft = blank("c1");
  assert.equal(isChanged(draft, {}), false);
  assert.deepEqual(
    changes(draft, {}).map(({ kind }) => kind),
    ["verdict", "labels"],
  );
});

test("what was submitted comes back as the same draft, with nothing left to send", () => {
  fc.assert(
    fc.property(drafts, (draft) => {
      const known = contents(draft);
      assert.deepEqual(contents(draftOf("c1", known)), known);
      assert.equal(isChanged(draft, known), false);
      assert.deepEqual(changes(draft, known), []);
    }),
  );
});

test("only the kinds that changed are sent", () => {
  fc.assert(
    fc.property(drafts, (draft) => {
      const known = contents(draft);
      const sent = changes({ ...draft, comment: `${draft.comment}!` }, known);
      assert.deepEqual(
        sent.map(({ kind }) => kind),
        ["verdict"],
      );
      assert.equal(sent[0].completion, "c1");
    }),
  );
});

test("the order of names makes no difference", () => {
  const known = contents({ ...blank("c1"), absences: ABSENCES });
  assert.equal(isChanged({ ...blank("c1"), absences: ABSENCES.toReversed() }, known), false);
});

test("a corrected answer goes with a verdict other than correct alone", () => {
  const draft = { ...blank("c1"), corrected: " carcinoma ", comment: "  " };
  assert.equal(contents({ ...draft, verdict: "correct" }).verdict.corrected_answer, null);
  const { verdict } = contents({ ...draft, verdict: "incorrect" });
  assert.equal(verdict.corrected_answer, "carcinoma");
  assert.equal(verdict.comment, null);
});

test("a step that is rewritten to nothing is struck out", () => {
  const { edited_trace: edited } = contents({ ...blank("c1"), edits: { 2: "  ", 0: " new " } });
  assert.deepEqual(edited.edited_steps, [
    { step: 0, text: "new" },
    { step: 2, text: null },
  ]);
});

test("steps go in numerical order, and those without a label are left out", () => {
  const labelled = { events: [WRONG] };
  const { labels } = contents({
    ...blank("c1"),
    steps: { 10: labelled, 9: labelled, 3: { events: [] } },
  });
  assert.deepEqual(
    labels.steps.map((label) => label.step),
    [9, 10],
  );
  assert.equal(flaggedSteps({ steps: { 1: labelled, 3: { events: [] } } }), 1);
});

test("what was typed into a blank draft goes over another one, the rest of it stays", () => {
  /** @type {import("../../pathviewer/ui/page_types").Draft} */
  const draft = { ...blank("c1"), verdict: "incorrect", comment: "as it was" };
  const typed = { ...blank("c1"), comment: "typed" };
  assert.deepEqual(over(draft, typed), { ...draft, comment: "typed" });
  assert.deepEqual(over(draft, blank("c1")), draft);
});

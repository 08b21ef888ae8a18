import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { compareKeys } from "../../pathviewer/ui/static/compare/compare_keys.js";
import { CHOICE_KEYS, REASON_KEYS } from "../../pathviewer/ui/static/compare/vote_bar.js";
import { nameMatches, normalizeName } from "../../pathviewer/ui/static/core/names.js";
import { identityText } from "../../pathviewer/ui/static/viewer/slide_identity.js";
import { may, say, store, unsay } from "../../pathviewer/ui/static/core/store.js";
import { viewKeys } from "../../pathviewer/ui/static/viewer/view_keys.js";

test("composed and decomposed names are the same name", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (name) => {
      assert.equal(normalizeName(name.normalize("NFD")), normalizeName(name));
      assert.ok(nameMatches(name.normalize("NFD"), name.trim()));
    }),
  );
});

test("a search finds names with every word of it, in any order and case", () => {
  assert.ok(nameMatches("Breast core 12.svs", "CORE breast"));
  assert.ok(nameMatches("anything", ""));
  assert.ok(!nameMatches("Breast core 12.svs", "core lung"));
});

test("an identity leaves out what is unknown, but for the stain", () => {
  assert.equal(identityText(null), "");
  assert.equal(
    identityText({ name: "a.svs", label: "none" }),
    "a.svs · stain unknown · no label in the file",
  );
  assert.equal(
    identityText({ name: "a.svs", stain: "HE", label: "unnamed" }),
    "a.svs · HE · an unnamed picture may be a label",
  );
  assert.equal(identityText({ name: "a.svs", case: "7", stain: "HE" }), "a.svs · case 7 · HE");
});

test("no key is bound twice on a page", () => {
  const words = (keys) => Object.keys(keys).map((name) => ({ name, label: name }));
  /** @type {any} */
  const vocabulary = { choices: words(CHOICE_KEYS), reasons: words(REASON_KEYS) };
  for (const table of [viewKeys(null), compareKeys(vocabulary, null, () => null)]) {
    const keys = table.flatMap((entry) => entry.keys);
    assert.deepEqual(keys, [...new Set(keys)]);
    assert.ok(table.every(({ shown, what, run }) => shown && what && typeof run === "function"));
  }
});

test("a listener hears the value that is there and each later one", () => {
  const heard = [];
  store.set("completion", 1);
  store.on("completion", (value) => heard.push(value));
  store.set("completion", 2);
  assert.deepEqual(heard, [1, 2]);
});

test("a message is cleared by its own sentence alone", () => {
  say("One.");
  unsay("Another.");
  assert.deepEqual(store.get("message"), { text: "One.", kind: "info", action: null });
  unsay("One.");
  assert.equal(store.get("message"), null);
});

test("an action is allowed where the server says so", () => {
  store.set("me", /** @type {any} */ ({ actions: ["ask"] }));
  assert.ok(may("ask"));
  assert.ok(!may("upload_slides"));
  store.set("me", null);
  assert.ok(!may("ask"));
});

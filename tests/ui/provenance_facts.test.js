import assert from "node:assert/strict";
import { test } from "node:test";

import { factGroups } from "../../pathviewer/ui/static/questions/provenance_facts.js";

/**
 * The rows about the picture of a question, by name.
 * @param {object} picture
 * @returns {Record<string, unknown>}
 */
function pictureRows(picture) {
  /** @type {any} */
  const told = {
    slide: { name: "a.svs" },
    box: { x: 0, y: 0, width: 10, height: 10 },
    placements: [],
    completions: [],
    sampling: {},
    picture,
  };
  const group = factGroups(told, 0).find(({ title }) => title === "Picture");
  return Object.fromEntries((group?.rows ?? []).map(([name, value]) => [name, value]));
}

test("provenance says how the slide's pixels differ from 8-bit colour", () => {
  const rows = pictureRows({ colours: null, pixel_note: "8-bit grey", sha256: "0" });
  assert.equal(rows["Slide's pixels"], "8-bit grey");
  assert.equal(rows.Colours, undefined);
  const profiled = { colours: { profile: "P", corrected: true }, pixel_note: null, sha256: "0" };
  assert.equal(pictureRows(profiled)["Slide's pixels"], undefined);
  assert.match(String(pictureRows(profiled).Colours), /^corrected to sRGB .* P$/);
});

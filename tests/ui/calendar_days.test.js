import assert from "node:assert/strict";
import { test } from "node:test";

import { knownZone, ZONE } from "../../pathviewer/ui/static/core/calendar_days.js";

test("a zone that the browser does not know is UTC, which the server knows", () => {
  assert.equal(knownZone("Etc/Unknown"), "UTC");
  assert.equal(knownZone(undefined), "UTC");
  assert.equal(knownZone("Pacific/Auckland"), "Pacific/Auckland");
  assert.notEqual(ZONE, "Etc/Unknown");
});

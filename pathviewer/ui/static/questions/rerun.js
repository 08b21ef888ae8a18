/**
 * Asking the same once more with the same seed, and whether the same was answered.
 *
 * @import { Reading } from "../../page_types"
 */

import { request } from "../core/api.js";
import { openReading } from "./question_store.js";
import { say, store } from "../core/store.js";

/** @type {{id: string, texts: string[]}|null} */
let waited = null;

/**
 * Ask a reading's question once more and show it.
 * @param {Reading} reading
 * @throws {import("../core/api.js").ApiError}
 */
export async function askAgain(reading) {
  const texts = reading.completions.map(({ text }) => text);
  const { id } = await request("POST /api/readings/{question_id}/again", {
    path: { question_id: reading.id },
  });
  waited = { id, texts };
  await openReading(id);
}

store.on("reading", (reading) => {
  if (!waited || reading?.id !== waited.id || reading.state !== "done") return;
  const { texts } = waited;
  waited = null;
  const now = reading.completions.map(({ text }) => text);
  const same = now.length === texts.length && now.every((text, index) => text === texts[index]);
  if (reading.completions.some(({ finish }) => finish === "cancelled")) return;
  say(
    same
      ? "Asked again with the same seed: the same text, to the letter."
      : "Asked again with the same seed: the text differs. Another machine or version may do that.",
  );
});

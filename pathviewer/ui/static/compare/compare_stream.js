/**
 * Two answers to one's own question while they are written, each on its side.
 *
 * @import { ComparisonOut, QuestionEvent } from "../../api_types"
 * @import { Answering, SideName } from "../../page_types"
 */

import { ReadingStream, after } from "../questions/question_stream.js";
import { store } from "../core/store.js";

/**
 * @param {Pick<ComparisonOut, "id"|"flipped"|"reading">} one
 * @param {() => void} ended called when the server has kept both
 * @returns {ReadingStream}
 */
export function openStream(one, ended) {
  /** @type {Answering} */
  let reading = { id: one.reading, state: "queued", placements: [], completions: [] };
  /** @param {number} index @returns {SideName} */
  const sideOf = (index) => ((index === 1) === one.flipped ? "left" : "right");
  /** @param {QuestionEvent} event */
  const told = (event) => {
    const now = store.get("comparison");
    if (!now || now.id !== one.id) return;
    if (event.type === "attention") {
      const events = store.get("liveEvents");
      store.set("liveEvents", { ...events, [sideOf(event.index)]: event });
      return;
    }
    reading = after(reading, event);
    const sides = Object.fromEntries(
      reading.completions.map((completion) => [sideOf(completion.index), completion]),
    );
    store.set("comparison", {
      ...now,
      sides: { ...now.sides, ...sides },
      waiting: reading.state === "queued",
      error: reading.error ?? null,
    });
    if (event.type === "done" || event.type === "failed") ended();
  };
  return new ReadingStream(one.reading ?? "", told, ({ code = "unknown", message }) =>
    told({ type: "failed", code, message }),
  );
}

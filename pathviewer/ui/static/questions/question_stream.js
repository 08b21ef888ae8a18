/**
 * What the server tells of a reading while it is written, as events, and what they change.
 *
 * Spans are UTF-16 code units of a completion's text, as JavaScript counts them.
 *
 * @import { AttentionEvent, QuestionEvent } from "../../api_types"
 * @import { Answering, Completion, Failure, Finish, LiveMaps } from "../../page_types"
 */

import { failureOf, ownUrl, request } from "../core/api.js";

const AGAIN_MS = 2000;

/** Listens to one reading until it is done or somebody else is listened to. */
export class ReadingStream {
  /** @type {EventSource|null} */
  #source = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #ended = false;

  /**
   * @param {string} id of the reading
   * @param {(event: QuestionEvent) => void} told called with every event of the server
   * @param {(error: Failure) => void} lost called when there will be no more
   */
  constructor(id, told, lost) {
    this.id = id;
    this.told = told;
    this.lost = lost;
    this.#open();
  }

  close() {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  #open() {
    this.#source = new EventSource(ownUrl(`/api/readings/${encodeURIComponent(this.id)}/events`));
    this.#source.addEventListener("message", ({ data }) => this.#heard(JSON.parse(data)));
    this.#source.addEventListener("error", () => this.#broken());
  }

  /** @param {QuestionEvent} event */
  #heard(event) {
    if (this.#ended) return;
    if (event.type === "done" || event.type === "failed") this.close();
    this.told(event);
  }

  /** A broken connection is opened anew by the browser; a refused one is asked why. */
  async #broken() {
    if (this.#ended || this.#source?.readyState !== EventSource.CLOSED) return;
    try {
      await request("GET /api/readings/{question_id}", { path: { question_id: this.id } });
      if (!this.#ended) this.#timer = setTimeout(() => this.#open(), AGAIN_MS);
    } catch (thrown) {
      const error = failureOf(thrown);
      if (this.#ended) return;
      if (error.status === 0 || (error.status ?? 0) >= 500) {
        this.#timer = setTimeout(() => this.#open(), AGAIN_MS);
        return;
      }
      this.close();
      this.lost(error);
    }
  }
}

/**
 * A reading after one more event; reading and event stay as they are.
 * @template {Answering} T
 * @param {T} reading
 * @param {QuestionEvent} event
 * @returns {T}
 */
export function after(reading, event) {
  switch (event.type) {
    case "queued":
      return { ...reading, state: "queued", position: event.position };
    case "started":
      return { ...reading, state: "running", placements: event.placements };
    case "first_answer_wanted":
      return { ...reading, state: "waiting first answer" };
    case "text":
      return written({ ...reading, state: "running" }, event.index, {
        text: event.text,
        trace: event.trace,
      });
    case "comparing":
      return { ...reading, state: "comparing" };
    case "ended":
      return written(reading, event.index, {
        id: event.completion_id,
        text: event.text,
        trace: event.trace,
        finish: event.finish,
        state: stateOf(event.finish),
        seconds: event.seconds,
        first_token_seconds: event.first_token_seconds,
      });
    case "maps":
      return written(reading, event.index, { maps: true });
    case "done":
      return { ...reading, state: "done" };
    case "failed":
      return {
        ...reading,
        state: "failed",
        error: event.message,
        completions: reading.completions.map(cutOff),
      };
    default:
      return reading;
  }
}

/**
 * The live maps after one more `attention` event.
 * @param {Record<number, LiveMaps>|null} maps
 * @param {AttentionEvent} event
 * @returns {Record<number, LiveMaps>}
 */
export function looked(maps, event) {
  const passages = { ...maps?.[event.index]?.passages, [event.passage]: event };
  return { ...maps, [event.index]: { newest: event.passage, passages } };
}

/**
 * "done" for what the model ended itself, "cut off" for what was stopped or too long.
 * @param {Finish} finish
 * @returns {Completion["state"]}
 */
export function stateOf(finish) {
  return finish === "stop" ? "done" : "cut off";
}

/** @param {Completion} completion @returns {Completion} */
function cutOff(completion) {
  return completion.state === "streaming" ? { ...completion, state: "cut off" } : completion;
}

/**
 * @template {Answering} T
 * @param {T} reading
 * @param {number} index
 * @param {Partial<Completion>} change
 * @returns {T}
 */
function written(reading, index, change) {
  const before = reading.completions.find((one) => one.index === index) ?? {
    id: null,
    index,
    text: "",
    trace: null,
    state: "streaming",
    finish: null,
  };
  const others = reading.completions.filter((one) => one.index !== index);
  return {
    ...reading,
    completions: [...others, { ...before, ...change }].sort((a, b) => a.index - b.index),
  };
}

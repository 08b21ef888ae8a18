/**
 * The reading on the screen: asked, followed while it is written, found again by `reading=ID`.
 *
 * The store has it in "reading", "completion", "step" and "liveMaps".
 *
 * @import { DeletionCheckOut, Question, QuestionEvent, QuestionRequest } from "../../api_types"
 * @import { Answering, Completion, Failure, Reading } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { ReadingStream, after, looked, stateOf } from "./question_stream.js";
import { openSlide } from "../core/page_start.js";
import { say, store } from "../core/store.js";
import { writeParameter } from "../viewer/view_url.js";

const NAME = "reading";
/** @type {ReadingStream|null} */
let stream = null;
let begun = false;

store.set("reading", null);
store.set("completion", 0);
store.set("step", null);
store.set("liveMaps", null);

/** Bring the reading of the address back, and let go of one when another slide is opened. */
export function keepReading() {
  if (begun) return;
  begun = true;
  let wanted = new URLSearchParams(window.location.search).get(NAME);
  store.on("slide", (slide) => {
    if (slide && wanted) {
      openReading(wanted);
      wanted = null;
    } else if (slide && store.get("reading") && store.get("reading")?.slide !== slide.id) letGo();
  });
}

/** Ask. @param {QuestionRequest} asked @throws {import("../core/api.js").ApiError} */
export async function ask(asked) {
  const slide = store.get("slide");
  const { id } = await request("POST /api/readings", { json: asked });
  if (store.get("slide")?.id !== asked.slide) {
    say(
      `Your question about ${slide?.name ?? "the slide before"} is being answered there.`,
      "info",
      { label: "Show it", run: () => openReading(id) },
    );
    return;
  }
  show({
    id,
    slide: asked.slide,
    box: asked.box,
    points: asked.points ?? null,
    slide_identity: asked.identity ? { ...asked.identity } : null,
    question: asked.question,
    options: asked.options ?? [],
    blind: Boolean(asked.blind),
    task: asked.task ?? null,
    count: asked.count ?? 1,
    placements: [],
    state: "queued",
    position: null,
    completions: [],
  });
  follow(id);
  await complete(id);
}

/** Load a reading and show it on its slide. @param {string} id */
export async function openReading(id) {
  let told;
  try {
    told = await request("GET /api/readings/{question_id}", { path: { question_id: id } });
  } catch (thrown) {
    const error = failureOf(thrown);
    writeParameter(NAME, named(store.get("reading")));
    if (error.status !== 401) say(`The reading cannot be shown: ${error.message}`, "warning");
    return;
  }
  const reading = fromServer(told);
  // its slide first: an answer never stands beside another one
  if (
    store.get("slide")?.id !== reading.slide &&
    !(await openSlide(reading.slide)) &&
    store.get("slide")?.id !== reading.slide
  )
    return;
  show(reading);
  if (reading.state === "queued") follow(id);
}

/** Stop what is being written; what is there stays. */
export async function stop() {
  const reading = store.get("reading");
  if (!reading || !isUnderWay(reading)) return;
  try {
    await request("POST /api/readings/{question_id}/stop", { path: { question_id: reading.id } });
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status !== 401) say(`It could not be stopped: ${error.message}`, "warning");
  }
}

/**
 * Freeze the clinician's own answer, after which the model's is shown.
 * @param {string} answer
 * @param {number|null} confidence
 * @throws {ApiError}
 */
export async function answerFirst(answer, confidence) {
  const { id } = store.need("reading");
  await request("POST /api/readings/{question_id}/first-answer", {
    path: { question_id: id },
    json: { answer, ...(confidence && { confidence }) },
  });
  const reading = store.get("reading");
  if (reading?.id !== id) return;
  store.set("reading", { ...reading, first_answer: answer, first_confidence: confidence });
}

/**
 * Keep a deletion check with its answer.
 * @param {string} id
 * @param {number} index
 * @param {DeletionCheckOut} check
 */
export function takeCheck(id, index, check) {
  const reading = store.get("reading");
  if (reading?.id !== id) return;
  store.set("reading", {
    ...reading,
    completions: reading.completions.map((one) =>
      one.index === index ? { ...one, deletion: [...(one.deletion ?? []), check] } : one,
    ),
  });
}

/** @param {Answering} reading */
export function isUnderWay(reading) {
  return !["done", "failed"].includes(reading.state);
}

/** The answer that is shown, or null before its first word. @returns {Completion|null} */
export function shownCompletion() {
  const wanted = store.get("completion");
  return store.get("reading")?.completions.find(({ index }) => index === wanted) ?? null;
}

/**
 * Names of the passages that a completion has so far, in order.
 * @param {{trace: Completion["trace"]}|null} completion
 */
export function passages(completion) {
  const trace = completion?.trace;
  if (!trace) return [];
  const steps = trace.steps.map((_, index) => `step ${index + 1}`);
  return trace.answer ? [...steps, "answer"] : steps;
}

/** Select the passage after (1) or before (-1) the selected one. @param {1|-1} step */
export function stepBy(step) {
  const names = passages(shownCompletion());
  if (!names.length) return;
  const at = names.indexOf(store.get("step") ?? "");
  const next = at < 0 ? (step > 0 ? 0 : names.length - 1) : at + step;
  store.set("step", names[Math.min(names.length - 1, Math.max(0, next))]);
}

/**
 * Put a reading on the screen in the place of what is there.
 * @param {Reading} reading
 * @param {number} completion index of the answer to show
 */
export function show(reading, completion = 0) {
  stream?.close();
  stream = null;
  store.set("liveMaps", null);
  store.set("completion", completion);
  store.set("step", null);
  store.set("reading", reading);
  writeParameter(NAME, named(reading));
}

/** Take the reading off the screen. */
export function letGo() {
  stream?.close();
  stream = null;
  store.set("reading", null);
  store.set("liveMaps", null);
  writeParameter(NAME, null);
}

/** @param {string} id */
function follow(id) {
  const mine = () => store.get("reading")?.id === id;
  /** @param {QuestionEvent} event */
  const told = (event) => {
    if (!mine()) return;
    if (event.type === "attention") store.set("liveMaps", looked(store.get("liveMaps"), event));
    else store.set("reading", after(store.need("reading"), event));
    if (event.type === "done") complete(id);
  };
  /** @param {Failure} failure */
  const lost = ({ code = "unknown", message }) => mine() && told({ type: "failed", code, message });
  stream = new ReadingStream(id, told, lost);
}

/**
 * Take over what only the server knows: the agreement, and what the question was held to be.
 * @param {string} id
 */
async function complete(id) {
  try {
    const told = fromServer(
      await request("GET /api/readings/{question_id}", { path: { question_id: id } }),
    );
    const reading = store.get("reading");
    if (reading?.id !== id) return;
    // what the server said while it was still written may come after its end: it has no answers
    const ended =
      reading.state === "done" && told.state === "done"
        ? { completions: told.completions.map((one) => withChecks(one, reading)) }
        : {};
    store.set("reading", {
      ...told,
      ...reading,
      ...ended,
      agreement: told.agreement,
      outside_known_types: told.outside_known_types,
      model: told.model,
      slide_identity: told.slide_identity,
    });
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status !== 401) say(`Not all is known of this reading: ${error.message}`, "warning");
  }
}

/**
 * A check that was made while the server's answer was on its way is not lost again.
 * @param {Completion} told
 * @param {Reading} reading
 */
function withChecks(told, reading) {
  const known = reading.completions.find(({ index }) => index === told.index)?.deletion ?? [];
  return known.length > (told.deletion?.length ?? 0) ? { ...told, deletion: known } : told;
}

/**
 * A reading of the server as the page keeps it; one under way is told anew by its stream.
 * @param {Question} told
 * @returns {Reading}
 */
export function fromServer(told) {
  const state =
    told.state === "stopped" ? "done" : told.state === "running" ? "queued" : told.state;
  const completions =
    state === "queued"
      ? []
      : told.completions.map((one) => ({ ...one, state: stateOf(one.finish) }));
  return {
    ...told,
    slide: told.slide.id,
    slide_name: told.slide.name,
    state,
    position: null,
    completions,
    error: state === "failed" ? (told.error ?? "The reading did not end.") : null,
  };
}

/**
 * What the address calls a reading; one of a worklist is found by way of that.
 * @param {Reading|null} reading
 */
function named(reading) {
  return reading && !reading.item ? reading.id : null;
}

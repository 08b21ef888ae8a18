/**
 * What the answer that is shown depends on: found by the server once the answer is written, and only
 * for as long as the answer stays on the screen.
 *
 * @import { EvidenceMapsOut, PassageEvidence } from "../../api_types"
 * @import { AnswerEvidence, Failure } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { keyNow, pathOf, remember } from "./answer_cache.js";
import { isUnderWay, shownCompletion } from "../questions/question_store.js";
import { store } from "../core/store.js";

export const STORED = "GET /api/readings/{question_id}/completions/{index}/evidence";
export const FIND = "POST /api/readings/{question_id}/completions/{index}/evidence";
const MOST_ANSWERS = 24;
/** An answer that is only passed by is not asked about. */
const REST_MS = 150;
/** @type {Map<string, AnswerEvidence>} */
const answers = new Map();
/** @type {{key: string, aborter: AbortController}|null} */
let finding = null;
let begun = false;

store.set("evidence", null);

/** Keep store "evidence" at the shown answer. */
export function keepEvidence() {
  if (begun) return;
  begun = true;
  store.onAny(["reading", "completion"], look);
}

/** Find the shown answer's evidence once more after a failure. */
export function findEvidenceAgain() {
  answers.delete(keyNow() ?? "");
  look();
}

/** The evidence that is drawn now; null where attention is, by choice or for want of evidence. */
export function evidenceInView() {
  return store.get("heat").view === "evidence" ? (store.get("evidence")?.told ?? null) : null;
}

/**
 * The evidence of a passage of the shown answer, if it is known; null names the whole answer.
 * @param {string|null} name
 * @returns {PassageEvidence|null}
 */
export function passageEvidence(name) {
  const told = store.get("evidence")?.told;
  return told?.passages.find((passage) => passage.name === (name ?? "all")) ?? null;
}

function look() {
  const key = keyNow();
  if (finding && finding.key !== key) giveUp(finding);
  const completion = shownCompletion();
  if (!key || !completion) {
    if (store.get("evidence")) store.set("evidence", null);
    return;
  }
  /** @type {AnswerEvidence} */
  const now = answers.get(key) ?? { key, state: "waiting", sentence: "", again: false, told: null };
  const written = completion.state !== "streaming" && !isUnderWay(store.need("reading"));
  if (written && now.state === "waiting") find(key);
  else if (!same(store.get("evidence"), now)) store.set("evidence", now);
}

/** @param {{key: string, aborter: AbortController}} search */
function giveUp({ key, aborter }) {
  aborter.abort();
  answers.delete(key);
  finding = null;
}

/** @param {AnswerEvidence|null} one @param {AnswerEvidence} other */
function same(one, other) {
  return one?.key === other.key && one.state === other.state;
}

/** @param {string} key */
async function find(key) {
  const aborter = new AbortController();
  const { signal } = aborter;
  finding = { key, aborter };
  take(key, { state: "finding" });
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  if (signal.aborted) return;
  try {
    const told = await found(key, signal);
    if (!signal.aborted) take(key, { state: "ready", told });
  } catch (thrown) {
    const error = failureOf(thrown);
    if (signal.aborted) return;
    take(key, { state: "failed", sentence: error.message, again: isPassing(error) });
  }
  if (finding?.aborter === aborter) finding = null;
}

/**
 * Those who may not have evidence found see what is stored.
 * @param {string} key
 * @param {AbortSignal} signal
 * @returns {Promise<EvidenceMapsOut>}
 */
async function found(key, signal) {
  const path = pathOf(key);
  try {
    return await request(FIND, { path, json: {}, signal });
  } catch (thrown) {
    if (failureOf(thrown).status !== 403) throw thrown;
    return await request(STORED, { path, signal });
  }
}

/** Whether it may go well the next time. @param {Failure} failure */
function isPassing({ status = 0 }) {
  return status === 0 || status >= 500;
}

/** @param {string} key @param {Partial<AnswerEvidence> & Pick<AnswerEvidence, "state">} entry */
function take(key, entry) {
  const whole = { key, sentence: "", again: false, told: null, ...entry };
  remember(answers, key, whole, MOST_ANSWERS);
  if (key === keyNow()) store.set("evidence", whole);
}

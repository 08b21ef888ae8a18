/**
 * The attention maps of the answer that is shown, fetched once it is written.
 *
 * @import { AnswerMaps } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { keyNow, pathOf, remember } from "./answer_cache.js";
import { decodedMaps } from "./attention_maps.js";
import { isUnderWay, shownCompletion } from "../questions/question_store.js";
import { store } from "../core/store.js";

const MAPS = "GET /api/readings/{question_id}/completions/{index}/maps";
const MOST_ANSWERS = 24;
/** @type {Map<string, AnswerMaps>} */
const answers = new Map();
let begun = false;

store.set("maps", null);

/** Keep store "maps" at the shown answer. */
export function keepMaps() {
  if (begun) return;
  begun = true;
  store.onAny(["reading", "completion"], look);
}

/** Fetch the shown answer's maps once more after a failure. */
export function fetchMapsAgain() {
  answers.delete(keyNow() ?? "");
  look();
}

function look() {
  const key = keyNow();
  const completion = shownCompletion();
  if (!key || !completion) {
    if (store.get("maps")) store.set("maps", null);
    return;
  }
  const written =
    completion.state !== "streaming" && (completion.maps || !isUnderWay(store.need("reading")));
  /** @type {AnswerMaps} */
  const now = answers.get(key) ?? { key, state: "waiting", sentence: "", told: null };
  if (written && now.state === "waiting") load(key);
  else if (store.get("maps") !== now && !same(store.get("maps"), now)) store.set("maps", now);
}

/** @param {AnswerMaps|null} one @param {AnswerMaps} other */
function same(one, other) {
  return one?.key === other.key && one.state === other.state;
}

/** @param {string} key */
async function load(key) {
  take(key, { state: "loading", sentence: "", told: null });
  try {
    const told = decodedMaps(await request(MAPS, { path: pathOf(key) }));
    take(key, { state: "ready", sentence: "", told });
  } catch (thrown) {
    const error = failureOf(thrown);
    take(key, { state: "failed", sentence: error.message, told: null });
  }
}

/** @param {string} key @param {Omit<AnswerMaps, "key">} entry */
function take(key, entry) {
  remember(answers, key, { key, ...entry }, MOST_ANSWERS);
  if (key === keyNow()) store.set("maps", answers.get(key) ?? null);
}

/**
 * The maps of the answer that is shown, fetched once it is written, and those of single words.
 *
 * @import { AnswerMaps, DecodedMaps, Word } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { decodedMaps } from "./attention_maps.js";
import { isUnderWay, shownCompletion } from "../questions/question_store.js";
import { store } from "../core/store.js";

const MAPS = "GET /api/readings/{question_id}/completions/{index}/maps";
const MOST_ANSWERS = 24;
const MOST_WORDS = 300;
const REST_MS = 60;
/** @type {Map<string, AnswerMaps>} */
const answers = new Map();
/** @type {Map<string, DecodedMaps>} */
const words = new Map();
let begun = false;
/** @type {AbortController|null} */
let former = null;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;

store.set("maps", null);
store.set("word", null);

/** Keep store "maps" at the shown answer. */
export function keepMaps() {
  if (begun) return;
  begun = true;
  store.onAny(["reading", "completion"], look);
  store.onAny(["reading", "completion"], () => {
    if (store.get("word") && store.get("word")?.of !== keyNow()) leaveWord();
  });
  store.on("step", leaveWord);
}

/** Fetch the shown answer's maps once more after a failure. */
export function fetchMapsAgain() {
  answers.delete(keyNow() ?? "");
  look();
}

/** Show the map of some tokens, a moment after they were last named. @param {Word} word */
export function showWord(word) {
  const now = store.get("word");
  if (now && now.first === word.first && now.stop === word.stop && now.of === keyNow()) return;
  leaveWord();
  const of = keyNow() ?? "";
  const key = `${of} ${word.first} ${word.stop}`;
  const known = words.get(key);
  store.set("word", { ...word, of, told: known ?? null, sentence: "" });
  if (!known) timer = setTimeout(() => fetchWord(word, of, key), REST_MS);
}

/** Show no single word any more; a request for one is given up. */
export function leaveWord() {
  clearTimeout(timer);
  former?.abort();
  former = null;
  if (store.get("word")) store.set("word", null);
}

/** @param {Word} word @param {string} of @param {string} key */
async function fetchWord(word, of, key) {
  former = new AbortController();
  const { signal } = former;
  try {
    const query = { first: word.first, stop: word.stop };
    const told = decodedMaps(await request(MAPS, { path: path(of), query, signal }));
    remember(words, key, told, MOST_WORDS);
    if (!signal.aborted) store.set("word", { ...word, of, told, sentence: "" });
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.name === "AbortError" || signal.aborted) return;
    store.set("word", { ...word, of, told: null, sentence: error.message });
  }
}

function keyNow() {
  const reading = store.get("reading");
  return reading ? `${reading.id}/${store.get("completion")}` : null;
}

/** @param {string} key */
function path(key) {
  const [id, index] = key.split("/");
  return { question_id: id, index: Number(index) };
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
    const told = decodedMaps(await request(MAPS, { path: path(key) }));
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

/**
 * Keep an entry; the one that was kept longest makes room.
 * @template T
 * @param {Map<string, T>} map
 * @param {string} key
 * @param {T} entry
 * @param {number} most
 */
function remember(map, key, entry, most) {
  map.delete(key);
  map.set(key, entry);
  if (map.size > most) map.delete(/** @type {string} */ (map.keys().next().value));
}

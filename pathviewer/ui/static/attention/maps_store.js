/**
 * The maps of the answer that is shown, fetched once it is written, and those of single words.
 *
 * store "maps"  null, or {key, state: "waiting"|"loading"|"ready"|"failed", sentence,
 *               told: see attention_maps.js}
 * store "word"  null, or {first, stop: its tokens, start, end: where it stands in the text, text,
 *               told: null until it is here, sentence}
 */

import { request } from "../core/api.js";
import { decodedMaps } from "./attention_maps.js";
import { isUnderWay, shownCompletion } from "../questions/question_store.js";
import { store } from "../core/store.js";

const MOST_ANSWERS = 24;
const MOST_WORDS = 300;
const REST_MS = 60;
const answers = new Map();
const words = new Map();
let begun = false;
let former = null;
let timer = null;

store.set("maps", null);
store.set("word", null);

/** Keep store "maps" at the shown answer. */
export function keepMaps() {
  if (begun) return;
  begun = true;
  ["reading", "completion"].forEach((name) => store.on(name, look));
  ["reading", "completion"].forEach((name) =>
    store.on(name, () => {
      if (store.get("word") && store.get("word").of !== keyNow()) leaveWord();
    }),
  );
  store.on("step", leaveWord);
}

/** Fetch the shown answer's maps once more after a failure. */
export function fetchMapsAgain() {
  answers.delete(keyNow());
  look();
}

/** Show the map of some tokens, a moment after they were last named. */
export function showWord(word) {
  const now = store.get("word");
  if (now && now.first === word.first && now.stop === word.stop && now.of === keyNow()) return;
  leaveWord();
  const of = keyNow();
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

async function fetchWord(word, of, key) {
  former = new AbortController();
  const { signal } = former;
  try {
    const query = `?first=${word.first}&stop=${word.stop}`;
    const told = decodedMaps(await request(path(of) + query, { signal }));
    remember(words, key, told, MOST_WORDS);
    if (!signal.aborted) store.set("word", { ...word, of, told, sentence: "" });
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    store.set("word", { ...word, of, told: null, sentence: error.message });
  }
}

function keyNow() {
  const reading = store.get("reading");
  return reading ? `${reading.id}/${store.get("completion")}` : null;
}

function path(key) {
  const [id, index] = key.split("/");
  return `/api/readings/${encodeURIComponent(id)}/completions/${index}/maps`;
}

function look() {
  const key = keyNow();
  const completion = shownCompletion();
  if (!key || !completion) {
    if (store.get("maps")) store.set("maps", null);
    return;
  }
  const written =
    completion.state !== "streaming" && (completion.maps || !isUnderWay(store.get("reading")));
  const now = answers.get(key) ?? { key, state: "waiting", sentence: "", told: null };
  if (written && now.state === "waiting") load(key);
  else if (store.get("maps") !== now && !same(store.get("maps"), now)) store.set("maps", now);
}

function same(one, other) {
  return one?.key === other.key && one.state === other.state;
}

async function load(key) {
  take(key, { state: "loading", sentence: "", told: null });
  try {
    const told = decodedMaps(await request(path(key)));
    take(key, { state: "ready", sentence: "", told });
  } catch (error) {
    take(key, { state: "failed", sentence: error.message, told: null });
  }
}

function take(key, entry) {
  remember(answers, key, { key, ...entry }, MOST_ANSWERS);
  if (key === keyNow()) store.set("maps", answers.get(key));
}

/** Keep an entry; the one that was kept longest makes room. */
function remember(map, key, entry, most) {
  map.delete(key);
  map.set(key, entry);
  if (map.size > most) map.delete(map.keys().next().value);
}

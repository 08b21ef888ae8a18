/**
 * The map of some tokens of the shown answer: fetched a moment after they were named, and tested if
 * they stay chosen.
 *
 * @import { ShownWord, Word } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { keyNow, pathOf, remember } from "./answer_cache.js";
import { decodedMaps } from "./attention_maps.js";
import { evidenceInView, FIND, STORED } from "./evidence_store.js";
import { store } from "../core/store.js";

const MAPS = "GET /api/readings/{question_id}/completions/{index}/maps";
const MOST_WORDS = 300;
const REST_MS = 60;
/** How long a word stays chosen before its place is tested. */
export const TEST_MS = 600;
/** @typedef {Pick<ShownWord, "told"|"evidence">} WordMaps */
/** @type {Map<string, WordMaps>} */
const words = new Map();
let begun = false;
/** @type {AbortController|null} */
let former = null;
/** @type {ReturnType<typeof setTimeout>[]} */
let timers = [];

store.set("word", null);

/** Stop showing a word when its answer, its passage or the drawn map changes. */
export function keepWord() {
  if (begun) return;
  begun = true;
  store.onAny(["reading", "completion"], () => {
    if (store.get("word") && store.get("word")?.of !== keyNow()) leaveWord();
  });
  store.on("step", leaveWord);
  store.onAny(["heat", "evidence"], () => {
    const word = store.get("word");
    if (word && word.ofEvidence !== Boolean(evidenceInView())) leaveWord();
  });
}

/** Show the map of some tokens; one that is chosen and not only pointed at is tested. @param {Word} word */
export function showWord(word) {
  const now = store.get("word");
  const same = now && now.first === word.first && now.stop === word.stop && now.of === keyNow();
  if (same && (word.pointed || !now.pointed)) return;
  leaveWord();
  const of = keyNow() ?? "";
  const ofEvidence = Boolean(evidenceInView());
  const key = `${of} ${word.first} ${word.stop} ${ofEvidence}`;
  const known = words.get(key) ?? { told: null, evidence: null };
  store.set("word", { ...word, ...known, of, ofEvidence, sentence: "" });
  const aborter = new AbortController();
  former = aborter;
  if (!known.told && !known.evidence) later(REST_MS, () => load(key, "map", aborter.signal));
  if (ofEvidence && !word.pointed && !known.evidence?.passages[0].test) {
    later(TEST_MS, () => load(key, "test", aborter.signal));
  }
}

/** Show no single word any more; requests for one are given up. */
export function leaveWord() {
  timers.forEach(clearTimeout);
  timers = [];
  former?.abort();
  former = null;
  if (store.get("word")) store.set("word", null);
}

/** @param {number} milliseconds @param {() => void} run */
function later(milliseconds, run) {
  timers.push(setTimeout(run, milliseconds));
}

/**
 * Ask for the map of the word that is shown, or for the test of its place.
 * @param {string} key
 * @param {"map"|"test"} what
 * @param {AbortSignal} signal
 */
async function load(key, what, signal) {
  const word = store.get("word");
  if (!word) return;
  try {
    const maps = await fetched(word, what, signal);
    const known = words.get(key);
    if (what === "map" && known?.evidence) return; // its test came first
    remember(words, key, maps, MOST_WORDS);
    change(maps, signal);
  } catch (thrown) {
    change({ sentence: failureOf(thrown).message }, signal);
  }
}

/**
 * @param {ShownWord} word
 * @param {"map"|"test"} what
 * @param {AbortSignal} signal
 * @returns {Promise<WordMaps>}
 */
async function fetched({ of, first, stop, ofEvidence }, what, signal) {
  const [path, tokens] = [pathOf(of), { first, stop }];
  if (what === "test") {
    return { told: null, evidence: await request(FIND, { path, json: tokens, signal }) };
  }
  if (ofEvidence) {
    return { told: null, evidence: await request(STORED, { path, query: tokens, signal }) };
  }
  return {
    told: decodedMaps(await request(MAPS, { path, query: tokens, signal })),
    evidence: null,
  };
}

/** @param {Partial<ShownWord>} entry @param {AbortSignal} signal */
function change(entry, signal) {
  const word = store.get("word");
  if (word && !signal.aborted) store.set("word", { ...word, ...entry });
}

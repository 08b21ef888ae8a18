/**
 * The comparison on the screen: taken from a worklist or asked by oneself, voted on, undone.
 * The store has it in "comparison", "list", "side", "steps", "liveEvents", "ballot" and "busy".
 *
 * @import { ComparisonOut, QuestionRequest, Vote } from "../../api_types"
 * @import { BallotDraft, BySide, Comparison, ShownSide, SideName } from "../../page_types"
 */

import { adviceOf, failureOf, request } from "../core/api.js";
import { openStream } from "./compare_stream.js";
import { forget, keep, recall } from "../core/browser_storage.js";
import { say, store } from "../core/store.js";

/** @type {SideName[]} */
export const SIDES = ["left", "right"];
const ONE = "GET /api/comparisons/{comparison_id}";
const BALLOT = "ballot ";
const VOTED = "pathviewer-voted";
/** @type {BySide<null>} */
const NOTHING = { left: null, right: null };
/** @type {ReturnType<typeof openStream>|null} */
let stream = null;
let since = 0;
/** @type {string|null} */
let doubted = null;

store.set("comparison", null);
store.set("list", null);
store.set("side", "left");
store.set("steps", NOTHING);
store.set("liveEvents", NOTHING);
store.set("ballot", blank());
store.set("busy", false);

/** @returns {BallotDraft} */
function blank() {
  return { reasons: [], comment: "" };
}

/** Bring back what the address names, or the next pair of its list. */
export async function resume() {
  const query = new URLSearchParams(window.location.search);
  store.set("list", query.get("list"));
  const id = query.get("comparison");
  if (id) {
    await ask(() => request(ONE, { path: { comparison_id: id } }), show);
  }
  if (!store.get("comparison") && store.get("list")) await next();
}

/** Take the pair in hand, or the next one. */
export function next() {
  const list = store.get("list");
  if (!list) {
    show(null);
    return Promise.resolve();
  }
  return ask(
    () => request("POST /api/worklists/{worklist_id}/compare", { path: { worklist_id: list } }),
    (told) => show(told.comparison),
  );
}

/** Begin with a list. @param {string} id */
export function openList(id) {
  store.set("list", id);
  return next();
}

/** Back to the choice of a list or a question. */
export function leave() {
  store.set("list", null);
  show(null);
}

/** Ask a question of one's own, answered twice. @param {QuestionRequest} asked */
export function askTwice(asked) {
  store.set("list", null);
  return ask(() => request("POST /api/comparisons", { json: asked }), show);
}

/** Vote. @param {Vote["choice"]} choice */
export async function vote(choice) {
  const one = store.get("comparison");
  if (!one || !["ready", "streaming"].includes(one.state) || store.get("busy")) return;
  if (one.state === "streaming") {
    if (doubted !== choice) {
      doubted = choice;
      say(
        "Both answers are still being written. The same key again stops them and votes.",
        "warning",
      );
      return;
    }
    await stopWriting(one);
    if (store.get("comparison")?.state !== "ready") return;
  }
  const { reasons, comment } = store.get("ballot");
  const json = {
    key: newKey(),
    choice,
    reasons,
    comment: comment.trim() || null,
    seconds: Math.round((performance.now() - since) / 100) / 10,
    overlay_seen: Boolean(store.get("heatSeen")),
  };
  const path = { comparison_id: one.id };
  let before = false;
  await ask(
    () =>
      request("POST /api/comparisons/{comparison_id}/vote", { path, json }).catch((error) => {
        before = true;
        return already(error, one.id, ({ vote: stored }) => Boolean(stored));
      }),
    (told) => {
      if (before && !isSameVote(told.vote, json))
        say("You voted on this pair before, and that vote holds; undo it to vote again.");
      else forget(BALLOT + one.id);
      remember([...voted(), one.id]);
      show(told);
    },
    "Not saved: ",
  );
}

/**
 * Whether a stored vote says what the page wanted to say.
 * @param {ComparisonOut["vote"]} stored
 * @param {{choice: string, reasons: string[], comment: string|null}} wanted
 */
function isSameVote(stored, { choice, reasons, comment }) {
  const same = new Set([...(stored?.reasons ?? []), ...reasons]).size;
  return (
    stored?.choice === choice &&
    same === reasons.length &&
    same === stored.reasons.length &&
    (stored.comment ?? "") === (comment ?? "")
  );
}

/** Take the last vote of this session back. */
export async function undo() {
  const last = voted().at(-1);
  if (!last) {
    say("No vote of this session is left to undo.");
    return;
  }
  const sent = { path: { comparison_id: last }, json: { key: newKey() } };
  await ask(
    () =>
      request("POST /api/comparisons/{comparison_id}/undo", sent).catch((error) =>
        already(error, last, ({ vote: stored }) => !stored),
      ),
    (told) => {
      remember(voted().slice(0, -1));
      if (told.worklist) store.set("list", told.worklist.id);
      show(told);
      say("Your vote is taken back; vote again.");
    },
  );
}

/** Pass the pair over. */
export function passOver() {
  const one = store.get("comparison");
  if (!one?.worklist || one.state !== "ready") return;
  const path = { comparison_id: one.id };
  ask(() => request("POST /api/comparisons/{comparison_id}/skip", { path }), next);
}

/** Whether a vote of this session can be undone. */
export function canUndo() {
  return voted().length > 0;
}

/** Change reasons or comment; they outlast a reload. @param {Partial<BallotDraft>} change */
export function fillIn(change) {
  const one = store.get("comparison");
  const ballot = { ...store.get("ballot"), ...change };
  store.set("ballot", ballot);
  if (one) keep(BALLOT + one.id, ballot);
}

/**
 * Select a passage of a side, or none; its side comes to the slide.
 * @param {SideName} side
 * @param {string|null} name
 */
export function selectStep(side, name) {
  store.set("steps", { ...store.get("steps"), [side]: name });
  if (store.get("side") !== side) store.set("side", side);
}

/** @param {ComparisonOut|null} one */
function show(one) {
  stream?.close();
  stream = null;
  doubted = null;
  const same = one && one.id === store.get("comparison")?.id;
  if (!same) {
    since = performance.now();
    store.set("steps", NOTHING);
    store.set("liveEvents", NOTHING);
    store.set("side", "left");
    store.set("heatSeen", false);
    store.set("message", null);
  }
  store.set("ballot", ballotOf(one));
  store.set("comparison", one && { ...one, sides: one.sides ?? emptySides() });
  writeAddress(one);
  if (one?.state === "streaming") stream = openStream(one, () => load(one.id));
}

/** @param {ComparisonOut|null} one @returns {BallotDraft} */
function ballotOf(one) {
  if (one?.vote) return { reasons: one.vote.reasons, comment: one.vote.comment ?? "" };
  return (one && recall(BALLOT + one.id)) ?? blank();
}

/** @returns {BySide<ShownSide>} */
function emptySides() {
  const nothing = { text: "", trace: null, finish: null };
  return { left: nothing, right: nothing };
}

/** @param {string} id */
function load(id) {
  return asked(
    () => request(ONE, { path: { comparison_id: id } }),
    (told) => store.get("comparison")?.id === id && show(told),
  );
}

/** @param {Comparison} one */
async function stopWriting(one) {
  const path = { question_id: one.reading ?? "" };
  await ask(
    () => request("POST /api/readings/{question_id}/stop", { path }),
    () => {},
  );
  for (let tries = 0; tries < 50 && store.get("comparison")?.state === "streaming"; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Ask the server, one thing at a time.
 * @template T
 * @param {() => Promise<T>} asking
 * @param {(told: T) => unknown} done
 * @param {string} [failed] what a refusal is said with
 */
async function ask(asking, done, failed = "") {
  if (store.get("busy")) return;
  store.set("busy", true);
  try {
    await asked(asking, done, () => store.set("busy", false), failed);
  } finally {
    store.set("busy", false);
  }
}

/**
 * What the server refuses is said, and what was filled in stays.
 * @template T
 * @param {() => Promise<T>} asking
 * @param {(told: T) => unknown} done
 * @param {() => void} [answered] called before `done`
 * @param {string} [failed]
 */
async function asked(asking, done, answered = () => {}, failed = "") {
  /** @type {T|null} */
  let told = null;
  try {
    told = await asking();
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status === undefined) throw error;
    if (error.status !== 401) say(failed + adviceOf(error), "warning");
  }
  answered();
  if (told) await done(told);
}

/**
 * The comparison where the server had done before what it refuses now: a reply was lost, or another
 * tab was quicker.
 * @param {unknown} refused
 * @param {string} id
 * @param {(told: ComparisonOut) => boolean} done
 */
async function already(refused, id, done) {
  if (failureOf(refused).status !== 409) throw refused;
  const told = await request(ONE, { path: { comparison_id: id } });
  if (!done(told)) throw refused;
  return told;
}

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/**
 * Comparisons that the account voted on in this tab, the newest last; a reload keeps them.
 * @returns {string[]}
 */
function voted() {
  try {
    return JSON.parse(window.sessionStorage.getItem(votedName()) ?? "[]");
  } catch {
    return [];
  }
}

/** @param {string[]} ids */
function remember(ids) {
  window.sessionStorage.setItem(votedName(), JSON.stringify(ids.slice(-200)));
}

function votedName() {
  return `${VOTED} ${store.get("me")?.account}`;
}

/** @param {ComparisonOut|null} one */
function writeAddress(one) {
  const query = new URLSearchParams(window.location.search);
  /** @type {(name: string, value: string|null|undefined) => void} */
  const set = (name, value) => (value ? query.set(name, value) : query.delete(name));
  set("list", store.get("list"));
  set("comparison", one?.id);
  const text = query.toString();
  window.history.replaceState(null, "", window.location.pathname + (text && `?${text}`));
}

/**
 * The comparison on the screen: taken from a worklist or asked by oneself, voted on, undone.
 *
 * store "comparison"  null, or the body of GET /api/comparisons/{id}; each side has `state` too
 * store "list"        id of the worklist, or null for questions of one's own
 * store "side"        "left" or "right": whose attention lies on the slide
 * store "steps"       {left, right}: the passage that is selected, or null for the whole answer
 * store "liveEvents"  {left, right}: the last `attention` event while an answer is written
 * store "ballot"      {reasons: names, comment: text}
 * store "busy"        whether the server is being asked
 */

import { request } from "../core/api.js";
import { openStream } from "./compare_stream.js";
import { forget, keep, recall } from "../core/browser_storage.js";
import { say, store } from "../core/store.js";

export const SIDES = ["left", "right"];
const BALLOT = "ballot ";
const VOTED = "pathviewer-voted";
const NOTHING = { left: null, right: null };
let stream = null;
let since = 0;
let doubted = null;
const keys = new Map();

store.set("comparison", null);
store.set("list", null);
store.set("side", "left");
store.set("steps", NOTHING);
store.set("liveEvents", NOTHING);
store.set("ballot", blank());
store.set("busy", false);

function blank() {
  return { reasons: [], comment: "" };
}

/** Bring back what the address names, or the next pair of its list. */
export async function resume() {
  const query = new URLSearchParams(window.location.search);
  store.set("list", query.get("list"));
  if (query.get("comparison")) {
    await ask(`/api/comparisons/${encodeURIComponent(query.get("comparison"))}`, {}, show);
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
  return ask(`/api/worklists/${encodeURIComponent(list)}/compare`, { method: "POST" }, (told) => {
    show(told.comparison);
  });
}

/** Begin with a list. */
export function openList(id) {
  store.set("list", id);
  return next();
}

/** Back to the choice of a list or a question. */
export function leave() {
  store.set("list", null);
  show(null);
}

/** Ask a question of one's own, answered twice. @param {Object} asked as for POST /api/readings */
export function askTwice(asked) {
  store.set("list", null);
  return ask("/api/comparisons", { method: "POST", json: asked }, show);
}

/** Vote. @param {string} choice */
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
    key: keyOf(one.id),
    choice,
    reasons,
    comment: comment.trim() || null,
    seconds: Math.round((performance.now() - since) / 100) / 10,
    overlay_seen: Boolean(store.get("heatSeen")),
  };
  await send(one, "vote", json, (told) => {
    keys.delete(one.id);
    forget(BALLOT + one.id);
    remember([...voted(), one.id]);
    show(told);
  });
}

/** Take the last vote of this session back. */
export async function undo() {
  const last = voted().at(-1);
  if (!last) {
    say("No vote of this session is left to undo.");
    return;
  }
  await send({ id: last }, "undo", { key: newKey() }, (told) => {
    remember(voted().slice(0, -1));
    if (told.worklist) store.set("list", told.worklist.id);
    show(told);
    say("Your vote is taken back; vote again.");
  });
}

/** Pass the pair over. */
export function passOver() {
  const one = store.get("comparison");
  if (!one?.worklist || one.state !== "ready") return;
  send(one, "skip", {}, () => next());
}

/** Whether a vote of this session can be undone. */
export function canUndo() {
  return voted().length > 0;
}

/** Change reasons or comment; they outlast a reload. */
export function fillIn(change) {
  const one = store.get("comparison");
  const ballot = { ...store.get("ballot"), ...change };
  store.set("ballot", ballot);
  if (one) keep(BALLOT + one.id, ballot);
}

/** Select a passage of a side, or none; its side comes to the slide. */
export function selectStep(side, name) {
  store.set("steps", { ...store.get("steps"), [side]: name });
  if (store.get("side") !== side) store.set("side", side);
}

function show(one) {
  stream?.close();
  stream = null;
  doubted = null;
  const same = one && one.id === store.get("comparison")?.id;
  if (!same) {
    since = performance.now();
    ["steps", "liveEvents"].forEach((name) => store.set(name, NOTHING));
    store.set("side", "left");
    store.set("heatSeen", false);
    store.set("message", null);
  }
  store.set("ballot", ballotOf(one));
  store.set("comparison", one && { ...one, sides: one.sides ?? emptySides() });
  writeAddress(one);
  if (one?.state === "streaming") stream = openStream(one, () => load(one.id));
}

function ballotOf(one) {
  if (one?.vote) return { reasons: one.vote.reasons, comment: one.vote.comment ?? "" };
  return (one && recall(BALLOT + one.id)) ?? blank();
}

function emptySides() {
  return Object.fromEntries(SIDES.map((side) => [side, { text: "", trace: null, finish: null }]));
}

function load(id) {
  return asked(
    `/api/comparisons/${encodeURIComponent(id)}`,
    {},
    (told) => store.get("comparison")?.id === id && show(told),
  );
}

async function stopWriting(one) {
  const path = `/api/readings/${encodeURIComponent(one.reading)}/stop`;
  await ask(path, { method: "POST" }, () => {});
  for (let tries = 0; tries < 50 && store.get("comparison")?.state === "streaming"; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function send(one, verb, json, done) {
  return ask(
    `/api/comparisons/${encodeURIComponent(one.id)}/${verb}`,
    { method: "POST", json },
    done,
  );
}

/** Ask the server, one thing at a time. */
async function ask(path, options, done) {
  if (store.get("busy")) return;
  store.set("busy", true);
  try {
    await asked(path, options, done, () => store.set("busy", false));
  } finally {
    store.set("busy", false);
  }
}

/** What the server refuses is said, and what was filled in stays. */
async function asked(path, options, done, answered = () => {}) {
  let told = null;
  try {
    told = await request(path, options);
  } catch (error) {
    if (error.status === undefined) throw error;
    const saved = options.json?.choice ? "Not saved: " : "";
    if (error.status !== 401) say(saved + error.message, "warning");
  }
  answered();
  if (told) await done(told);
}

/** The same key as long as the same vote is tried. */
function keyOf(id) {
  if (!keys.has(id)) keys.set(id, newKey());
  return keys.get(id);
}

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** Comparisons voted on in this tab, the newest last; a reload keeps them. */
function voted() {
  try {
    return JSON.parse(window.sessionStorage.getItem(VOTED)) ?? [];
  } catch {
    return [];
  }
}

function remember(ids) {
  window.sessionStorage.setItem(VOTED, JSON.stringify(ids.slice(-200)));
}

function writeAddress(one) {
  const query = new URLSearchParams(window.location.search);
  const set = (name, value) => (value ? query.set(name, value) : query.delete(name));
  set("list", store.get("list"));
  set("comparison", one?.id);
  const text = query.toString();
  window.history.replaceState(null, "", window.location.pathname + (text && `?${text}`));
}

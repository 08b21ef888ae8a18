/**
 * Judgments on their way to the server, one after the other in the order of their submission.
 *
 * Each stays in this browser, for the account that made it, until the server has stored it or said
 * that it never will. Its key makes it one submission however often and from however many tabs it
 * is sent.
 *
 * @import { Answered, Judgment, SentJudgment } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { forget, keep, namesOf, recall } from "../core/browser_storage.js";
import { say, store } from "../core/store.js";

const START = "feedback ";
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;
const LONGEST_ANSWER_MS = 20_000;
const DIGITS = 15;
/** What may be otherwise later; 403 where terms have first to be agreed to, or another is logged in. */
const LATER = new Set([0, 401, 403, 408, 425, 429]);

let busy = false;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;
let wait = FIRST_WAIT_MS;
/** @type {string|null} */
let trouble = null;
let begun = false;

store.set("sending", { waiting: 0, trouble: null });
store.set("answered", null);

/** Send what is left from earlier, and go on trying; every panel may call it. */
export function keepSending() {
  if (begun) return;
  begun = true;
  store.on("me", () => sendNow());
  window.addEventListener("online", sendNow);
  window.addEventListener("focus", sendNow);
  window.addEventListener("storage", tell);
}

/** Queue judgments in this order and send them. @param {Judgment[]} bodies */
export function submit(bodies) {
  for (const body of bodies) {
    const key = newKey();
    const kept = keep(`${START}${nextNumber()} ${key}`, { ...body, key });
    if (!kept) {
      say(
        "This browser keeps nothing beyond the page: leave it open until all is saved.",
        "warning",
      );
    }
  }
  tell();
  sendNow();
}

/**
 * What was submitted about a completion and is not stored yet, the oldest first.
 * @param {string} completion
 * @returns {SentJudgment[]}
 */
export function pendingOf(completion) {
  return namesOf(START)
    .map(recall)
    .filter((body) => body?.completion === completion);
}

function sendNow() {
  clearTimeout(timer);
  send();
}

async function send() {
  if (busy || !store.get("me")) return;
  busy = true;
  try {
    for (let [name] = namesOf(START); name; [name] = namesOf(START)) {
      if (!(await sent(name))) {
        timer = setTimeout(send, wait);
        wait = Math.min(LONGEST_WAIT_MS, wait * 2);
        return;
      }
    }
    wait = FIRST_WAIT_MS;
    trouble = null;
    tell();
  } finally {
    busy = false;
  }
}

/** Send one; false when it has to be tried again. @param {string} name */
async function sent(name) {
  const body = recall(name);
  if (!body) return forgotten(name);
  try {
    // in a shared browser somebody else may have logged in since: the server then refuses
    const answer = await request("POST /api/feedback", {
      json: { ...body, account: store.need("me").account },
      signal: AbortSignal.timeout(LONGEST_ANSWER_MS),
    });
    done(name, { body, answer });
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status === undefined) throw error;
    if (LATER.has(error.status) || error.status >= 500) {
      trouble = error.status === 0 ? "The server cannot be reached." : error.message;
      tell();
      return false;
    }
    done(name, { body, refused: error });
  }
  return true;
}

/** Another tab has sent it, or somebody has emptied the browser's storage. @param {string} name */
function forgotten(name) {
  forget(name);
  tell();
  return true;
}

/** @param {string} name @param {Answered} answered */
function done(name, answered) {
  trouble = null;
  forget(name);
  tell();
  store.set("answered", answered);
}

function tell() {
  const waiting = namesOf(START).length;
  const sending = store.get("sending");
  if (sending.waiting === waiting && sending.trouble === trouble) return;
  store.set("sending", { waiting, trouble: waiting ? trouble : null });
}

/** One more than what waits, in whatever tab it was submitted: clocks may go back. */
function nextNumber() {
  const last = namesOf(START).at(-1)?.slice(START.length).split(" ")[0] ?? "0";
  return String(Number(last) + 1).padStart(DIGITS, "0");
}

/** A random key; crypto.randomUUID is missing where a page comes by plain http. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

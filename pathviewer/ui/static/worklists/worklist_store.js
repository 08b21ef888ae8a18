/**
 * Worklists: what there is, the list that is walked, and the one key that goes on.
 *
 * The store has it in "worklists", "worklist" and "walking".
 * The address carries `worklist`, so that a reload comes back to the item in hand.
 *
 * @import { WorklistItemOut } from "../../api_types"
 */

import { adviceOf, failureOf, request } from "../core/api.js";
import { unsaved } from "../feedback/feedback_store.js";
import { focusFirstAnswer } from "../feedback/first_answer.js";
import { isShown, openItem, refreshItem } from "./item_question.js";
import { keep, recall } from "../core/browser_storage.js";
import { letGo } from "../questions/question_store.js";
import { may, say, store, unsay } from "../core/store.js";
import { writeParameter } from "../viewer/view_url.js";

const NAME = "worklist";
const LAST = "worklist";
export const NONE =
  "There is no worklist yet. Whoever looks after PathViewer brings one in with " +
  "the command “worklist import”.";
const ELSEWHERE = "The item before was done with in another tab meanwhile; this is the next one.";
let begun = false;
/** @type {string|null} */
let hint = null;
let goesOnWhenSaved = false;

store.set("worklists", null);
store.set("worklist", null);
store.set("walking", false);

/** Know the lists, and come back to the one of the address; every panel may call it. */
export function keepWorklists() {
  if (begun) return;
  begun = true;
  const address = new URLSearchParams(window.location.search);
  let wanted = address.get(NAME);
  store.on("me", () => may("judge") && loadLists());
  window.addEventListener("focus", () => may("judge") && loadLists());
  store.on("slide", (slide) => {
    if (!slide || !wanted) return;
    const id = wanted;
    wanted = null;
    // the view of the address is where it was left
    once(() => walk(id, { stay: address.has("x") }));
  });
  store.on("item", () => unsay(hint));
  store.on("answered", (answered) => answered?.answer && saved(answered.body.completion));
  store.on("sending", ({ waiting }) => {
    if (waiting || !goesOnWhenSaved) return;
    goesOnWhenSaved = false;
    goOn();
  });
}

/** Walk a list from the item in hand, or the next one. @param {string} id */
export function openWorklist(id) {
  return once(() => walk(id));
}

/** The one key: what comes next in the list that is walked, whatever that is. */
export function goOn() {
  return once(() => (store.get("worklist") ? onwards() : begin()));
}

/** Pass the item over; what was judged of it holds. */
export function skip() {
  if (!store.get("item")) {
    advise("There is no item to skip; U takes the next one.");
    return null;
  }
  return once(() => end(true));
}

/** Put the list away; the item in hand waits. */
export function leave() {
  if (!store.get("worklist")) return;
  if (isShown(store.get("item"))) letGo();
  store.set("item", null);
  store.set("worklist", null);
  writeParameter(NAME, null);
  loadLists();
}

/** One thing at a time; what goes wrong is said and nothing is lost. @param {() => unknown} work */
async function once(work) {
  if (store.get("walking") || (store.get("me") && !may("judge"))) return;
  store.set("walking", true);
  unsay(hint);
  try {
    await work();
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status === undefined) throw error;
    if (error.status !== 401) trouble(adviceOf(error));
  } finally {
    store.set("walking", false);
  }
}

/** Say what is to be done first; it is taken back with the next step. @param {string} text */
function advise(text, kind = "info") {
  hint = text;
  say(text, kind);
}

/** @param {string} text */
function trouble(text) {
  const list = store.get("worklist");
  if (list) store.set("worklist", { ...list, trouble: text });
  say(text, "warning");
}

/** Without a list: the one walked last, or the only one with something left. */
async function begin() {
  await fetchLists();
  const lists = store.need("worklists");
  const open = lists.filter(({ mine, done }) => mine > done);
  const last = open.find(({ id }) => id === recall(LAST));
  if (!lists.length) advise(NONE);
  else if (last || open.length === 1) await walk((last ?? open[0]).id);
  else if (!open.length && lists.length === 1) await walk(lists[0].id);
  else {
    focusLists();
    advise(open.length ? "Which worklist? Choose one." : "Nothing waits for you in any worklist.");
  }
}

async function onwards() {
  const list = store.need("worklist");
  const shown = store.get("item");
  if (!shown) {
    await walk(list.id);
    return;
  }
  const item = await request("GET /api/worklist-items/{item_id}", { path: { item_id: shown.id } });
  if (item.ended) await walk(list.id, { first: ELSEWHERE });
  else if (!isShown(shown) || item.reading !== shown.reading) await opened(item);
  else await judgedOrNext(item);
}

/**
 * On from an item on the screen, once everything of it is judged and saved.
 * @param {WorklistItemOut} item
 */
async function judgedOrNext(item) {
  refreshItem(item);
  const open = item.completions?.filter(({ judged }) => !judged) ?? [];
  const shown = store.get("completion");
  if (!item.completions) {
    focusFirstAnswer();
    advise("Give your own answer first; the model's is shown after it.");
  } else if (store.get("sending").waiting) {
    goesOnWhenSaved = !store.get("sending").trouble;
    if (!goesOnWhenSaved)
      advise("Your judgment is not saved yet; it is sent again by itself.", "warning");
  } else if (store.get("draft")?.verdict && unsaved()) {
    advise("Your judgment is not submitted yet: Enter in the judgment submits it, then U goes on.");
  } else if (open.some(({ index }) => index === shown)) {
    advise("Judge this answer first (C, or J and 1 to 6), or skip the item (Shift + U).");
  } else if (open.length) {
    store.set("completion", open[0].index);
    store.set("step", null);
  } else await end(false);
}

/** @param {boolean} skipped */
async function end(skipped) {
  const list = store.need("worklist");
  const { id } = store.need("item");
  const { again } = await request("POST /api/worklist-items/{item_id}/end", {
    path: { item_id: id },
    json: { skipped },
  });
  await walk(list.id, { first: again ? ELSEWHERE : "" });
}

/** Take the item in hand or the next one; `first` is said with it. @param {string} id */
async function walk(id, { first = "", stay = false } = {}) {
  const told = await request("POST /api/worklists/{worklist_id}/next", {
    path: { worklist_id: id },
  }).catch((error) => {
    if (error.status === 404) writeParameter(NAME, null);
    throw error;
  });
  store.set("message", null);
  keep(LAST, id);
  writeParameter(NAME, id);
  store.set("worklist", { ...told.worklist, progress: told.progress, trouble: null });
  if (first) say(first, "warning");
  if (told.item) await opened(told.item, stay);
  else {
    if (store.get("reading")?.item) letGo();
    store.set("item", null);
  }
  loadLists();
}

/**
 * `stay` leaves the view where it is, if it is one of the item's slide.
 * @param {WorklistItemOut} item
 */
async function opened(item, stay = false) {
  const stays = stay && store.get("slide")?.id === item.slide.id;
  const wrong = await openItem(item);
  if (wrong) trouble(wrong);
  else if (!stays && isShown(item)) store.get("canvas")?.goTo(item);
}

/**
 * After a judgment: what of the item is judged now, and the reference where one learns by it.
 * @param {string} completion
 */
async function saved(completion) {
  const item = store.get("item");
  if (!item?.completions?.some(({ id }) => id === completion)) return;
  try {
    refreshItem(await request("GET /api/worklist-items/{item_id}", { path: { item_id: item.id } }));
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status === undefined) throw error;
  }
}

async function loadLists() {
  try {
    await fetchLists();
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status === undefined) throw error;
  }
}

async function fetchLists() {
  const lists = await request("GET /api/worklists");
  if (JSON.stringify(lists) !== JSON.stringify(store.get("worklists")))
    store.set("worklists", lists);
}

/** Open the panel of the lists and give it the keyboard. */
export function focusLists() {
  /** @type {HTMLDetailsElement|null} */
  const fold = document.querySelector("#pv-worklists");
  if (!fold) return;
  fold.open = true;
  /** @type {HTMLElement} */ (
    fold.querySelector("[aria-current], .pv-list-open") ?? fold.querySelector("summary")
  ).focus();
}

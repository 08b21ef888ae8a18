/**
 * An item of a worklist as the reading on the screen: before one's own answer a question without
 * answers, afterwards the reading that holds the frozen ones.
 *
 * The item in hand is the store's "item".
 * A reading of an item has it as `item`, and its `first_answer` is the turn's.
 *
 * @import { WorklistItemOut } from "../../api_types"
 * @import { Reading } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { keep, recall } from "../core/browser_storage.js";
import { fromServer, letGo, show } from "../questions/question_store.js";
import { openSlide } from "../core/page_start.js";
import { say, store } from "../core/store.js";

/** Which answer of which item was last on the screen: that is where a rater goes on. */
const PLACE = "answer in hand";

store.set("item", null);
store.on("completion", (completion) => {
  const item = store.get("item");
  if (item && isShown(item)) keep(PLACE, { turn: turnOf(item), completion });
});

/**
 * Whether the reading on the screen is that of the item in hand.
 * @param {WorklistItemOut|null} item
 */
export function isShown(item) {
  return Boolean(item && store.get("reading")?.item?.id === item.id);
}

/**
 * Show an item on its slide. @returns {Promise<string|null>} what is wrong with it, as a sentence
 * @param {WorklistItemOut} item
 * @throws {import("../core/api.js").ApiError}
 */
export async function openItem(item) {
  store.set("item", item);
  const reading = item.reading
    ? {
        ...fromServer(
          await request("GET /api/readings/{question_id}", { path: { question_id: item.reading } }),
        ),
      }
    : waiting(item);
  if (store.get("item") !== item) return null;
  const { first_answer, first_confidence } = item;
  show({ ...reading, item, first_answer, first_confidence }, placeIn(item));
  return item.slide.id === store.get("slide")?.id ? null : onItsSlide(item);
}

/**
 * Index of the answer to go on with: the one last on the screen, else the first without feedback.
 * @param {WorklistItemOut} item
 */
function placeIn(item) {
  const { completions } = item;
  const last = recall(PLACE);
  if (last?.turn === turnOf(item) && completions?.some(({ index }) => index === last.completion))
    return last.completion;
  return completions?.find(({ judged }) => !judged)?.index ?? 0;
}

/** The round is part of it: a repeat uses no draft of the first round. @param {WorklistItemOut} item */
function turnOf({ id, round }) {
  return `${id} ${round}`;
}

/**
 * Take over what the server says anew of the item in hand; what is on the screen stays.
 * @param {WorklistItemOut} item
 */
export function refreshItem(item) {
  if (store.get("item")?.id !== item.id) return;
  store.set("item", item);
  const reading = store.get("reading");
  if (reading?.item?.id === item.id) store.set("reading", { ...reading, item });
}

/**
 * Freeze one's own answer of the item in hand.
 * @param {string} answer
 * @param {number|null} confidence
 * @throws {import("../core/api.js").ApiError}
 */
export async function answerItem(answer, confidence) {
  const { id } = store.need("item");
  const path = { item_id: id };
  let item;
  try {
    item = await request("POST /api/worklist-items/{item_id}/first-answer", {
      path,
      json: { answer, ...(confidence && { confidence }) },
    });
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status !== 409) throw error;
    item = await request("GET /api/worklist-items/{item_id}", { path });
    // a server that ended before it replied may have stored this very answer
    if (item.first_answer !== answer) {
      say(
        `You answered this item in another tab meanwhile: “${item.first_answer}”, which holds.`,
        "warning",
      );
    }
  }
  if (store.get("item")?.id === id) await openItem(item);
}

/** @param {WorklistItemOut} item */
async function onItsSlide(item) {
  const trouble = await openSlide(item.slide.id);
  if (!trouble || store.get("item") !== item) return null;
  letGo();
  if (trouble.status === 401) return "";
  return trouble.status === 404 || trouble.status === 410
    ? `The slide of this item, ${item.slide.name}, is gone. Skip the item, or have the slide brought back.`
    : `The slide of this item cannot be opened: ${trouble.message}`;
}

/**
 * What is shown before the first answer: everything but what a model said.
 * @param {WorklistItemOut} item
 * @returns {Reading}
 */
function waiting(item) {
  return {
    id: `item ${turnOf(item)}`,
    slide: item.slide.id,
    box: item.box,
    points: null,
    question: item.question,
    options: item.options,
    blind: true,
    task: item.task,
    count: 1,
    placements: [],
    completions: [],
    state: "waiting first answer",
    position: null,
    error: null,
  };
}

/**
 * The judgment of the completion on the screen: the draft, what is stored, what others say.
 *
 * The store has it in "draft", "judged" and "marking".
 *
 * @import { Answered, Draft, Judged, Known, StepMark } from "../../page_types"
 */

import { request } from "../core/api.js";
import { changes, draftOf, isChanged, over } from "./feedback_draft.js";
import { keepSending, pendingOf, submit } from "./feedback_queue.js";
import { forget, keep, recall } from "../core/browser_storage.js";
import { shownCompletion } from "../questions/question_store.js";
import { may, say, store } from "../core/store.js";

const DRAFT = "draft ";
let begun = false;
let since = 0;
let asked = 0;

store.set("draft", null);
store.set("judged", null);
store.set("marking", null);

/** Follow the completion on the screen; every panel may call it. */
export function keepJudging() {
  if (begun) return;
  begun = true;
  keepSending();
  store.onAny(["reading", "completion", "me"], follow);
  store.on("answered", (answered) => answered && heard(answered));
  window.addEventListener("focus", () => !unsaved() && load());
  // another tab of the same account has had something stored
  window.addEventListener("storage", ({ newValue }) => newValue === null && !unsaved() && load());
}

/**
 * What a draft is kept as; what was begun in an item's first round is not shown in its repeat.
 * @param {string} completion
 */
function draftName(completion) {
  const round = store.get("reading")?.item?.round;
  return DRAFT + completion + (round ? ` ${round}` : "");
}

/** The completion that can be judged now, or null: written to its end, with its id known. */
function judgeable() {
  const completion = shownCompletion();
  return completion?.id && completion.state !== "streaming" && may("judge") ? completion : null;
}

function follow() {
  const id = judgeable()?.id ?? null;
  if (id === (store.get("draft")?.completion ?? null)) return;
  store.set("marking", null);
  since = performance.now();
  if (!id) {
    store.set("judged", null);
    store.set("draft", null);
    return;
  }
  const known = submitted(id, {});
  store.set("judged", {
    completion: id,
    known,
    history: [],
    others: null,
    withheld: false,
    reward: null,
    savedAt: null,
    refused: null,
    loaded: false,
    recalled: recall(draftName(id)) !== null,
  });
  store.set("draft", recall(draftName(id)) ?? draftOf(id, known));
  load();
}

/**
 * What is on its way about a completion, over what the server has of it.
 * @param {string} completion
 * @param {Known} own
 * @returns {Known}
 */
function submitted(completion, own) {
  const pending = pendingOf(completion).map((body) => [body.kind, body]);
  return { ...own, ...Object.fromEntries(pending) };
}

/** Fetch what the server has; what is being typed stays. */
async function load() {
  const id = store.get("draft")?.completion;
  if (!id) return;
  asked += 1;
  const turn = asked;
  // the server away, or a reading that it no longer has: what is typed is kept all the same
  const told = await request("GET /api/completions/{completion_id}/feedback", {
    path: { completion_id: id },
  }).catch((error) => (error.status === undefined ? Promise.reject(error) : null));
  if (!told || turn !== asked || store.get("draft")?.completion !== id) return;
  const before = store.need("judged");
  const untouched = !isChanged(store.need("draft"), before.known);
  const known = submitted(id, told.own);
  store.set("judged", {
    ...before,
    known,
    history: told.history,
    others: told.others,
    withheld: told.others_withheld,
    reward: told.reward,
    savedAt: newest(told.history),
    loaded: true,
  });
  if (untouched) show(draftOf(id, known));
  else if (!before.loaded && !before.recalled) typedOver(draftOf(id, known));
  else if (!unsaved()) forget(draftName(id));
}

/** Lay what was typed before the server told over what it told. @param {Draft} told */
function typedOver(told) {
  const draft = over(told, store.need("draft"));
  keep(draftName(draft.completion), draft);
  show(draft);
}

/** @param {Judged["history"]} history */
function newest(history) {
  return history[0]?.created_at ?? null;
}

/** Change the draft. @param {Partial<Draft>} part */
export function change(part) {
  const before = store.get("draft");
  if (!before) return;
  const draft = { ...before, ...part };
  keep(draftName(draft.completion), draft);
  clearRefusal();
  show(draft);
}

/**
 * Change what a step is labelled with.
 * @param {number} index
 * @param {Partial<StepMark>} part
 */
export function changeStep(index, part) {
  const { steps } = store.need("draft");
  const before = steps[index] ?? {
    events: [],
    quote: null,
    start: null,
    stop: null,
    step_class: null,
  };
  change({ steps: { ...steps, [index]: { ...before, ...part } } });
}

/**
 * Rewrite a step, strike it out with null, or take its edit back with undefined.
 * @param {number} index
 * @param {string|null|undefined} text
 */
export function editStep(index, text) {
  const edits = { ...store.need("draft").edits };
  if (text === undefined) delete edits[index];
  else edits[index] = text;
  change({ edits });
}

/** Whether the draft says anything that was not submitted. */
export function unsaved() {
  const draft = store.get("draft");
  return Boolean(draft && isChanged(draft, store.need("judged").known));
}

/** Submit what changed. @returns {boolean} false where a verdict is wanted first */
export function submitDraft() {
  const draft = store.get("draft");
  if (!draft?.verdict) return false;
  const judged = store.need("judged");
  if (!judged.loaded) {
    submitWhenLoaded(draft.completion);
    return true;
  }
  const seconds = Math.round((performance.now() - since) / 100) / 10;
  const bodies = changes(draft, judged.known).map((body) => ({
    ...body,
    seconds,
    overlay_seen: Boolean(store.get("heatSeen")),
  }));
  if (!bodies.length) return true;
  since = performance.now();
  const known = { ...judged.known, ...Object.fromEntries(bodies.map((body) => [body.kind, body])) };
  store.set("judged", { ...judged, known, refused: null });
  submit(bodies);
  show(draft);
  return true;
}

/**
 * A judgment that does not know what was said before would take it back unseen.
 * @param {string} id
 */
async function submitWhenLoaded(id) {
  await load();
  if (store.get("draft")?.completion !== id) return;
  if (store.need("judged").loaded) submitDraft();
  else
    say(
      "Not submitted: the server has not told yet what you said of this answer before. What you " +
        "typed stays; submit again once the server is back.",
      "warning",
    );
}

/** The server has answered for one submission. @param {Answered} answered */
function heard({ body, answer, refused }) {
  const judged = store.get("judged");
  const more = pendingOf(body.completion).length > 0;
  // what is typed since stays; a draft that says what is stored goes when it is next looked at
  if (judged?.completion !== body.completion) {
    if (refused) say(`A judgment of another answer was not saved: ${refused.message}`, "error");
    return;
  }
  if (refused) {
    const { [body.kind]: _, ...known } = judged.known;
    store.set("judged", { ...judged, known, refused: refused.message });
    show(store.need("draft"));
    return;
  }
  if (answer) store.set("judged", { ...judged, savedAt: answer.created_at, reward: answer.reward });
  if (more) return;
  if (!unsaved()) forget(draftName(body.completion));
  load();
}

function clearRefusal() {
  const judged = store.need("judged");
  if (judged.refused) store.set("judged", { ...judged, refused: null });
}

/** @param {Draft} draft */
function show(draft) {
  store.set("draft", draft);
}

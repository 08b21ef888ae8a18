/**
 * Words of the trace in research mode: pointed at, marked or stepped through by keys, they show their
 * own map.
 *
 * What is shown of a passage stays one text node, so that it can be marked with the mouse; the word is
 * painted by the browser's highlights.
 *
 * @import { TraceAnswer } from "../../api_types"
 * @import { Completion, ShownWord, Spot } from "../../page_types"
 */

import { targetOf } from "../core/dom.js";
import { evidenceInView } from "./evidence_store.js";
import { leaveWord, showWord } from "./word_store.js";
import { passages, shownCompletion } from "../questions/question_store.js";
import { store } from "../core/store.js";

const WORD = /\S+/g;
const HIGHLIGHT = "pv-word";

/** Let the words of a trace be pointed at. @param {HTMLElement} trace with rows of trace_rows.js */
export function watchWords(trace) {
  trace.addEventListener("pointermove", (event) => {
    if (!store.get("research") || event.buttons) return;
    if (isPicked()) return;
    const spot = wordAt(event);
    if (spot) show(spot);
    else if (store.get("word")?.pointed) leaveWord();
  });
  trace.addEventListener("click", (event) => {
    if (!store.get("research") || !evidenceInView()) return;
    const spot = window.getSelection()?.isCollapsed ? wordAt(event) : selectedWords();
    if (spot) show({ ...spot, pointed: false });
    else leaveWord();
  });
  trace.addEventListener("pointerleave", () => store.get("word")?.pointed && leaveWord());
  store.on("research", (on) => !on && leaveWord());
  store.on("word", (word) => mark(trace, word));
}

/** Whether a word was chosen by key or click to be tested; pointing leaves it where it is. */
function isPicked() {
  const word = store.get("word");
  return Boolean(word?.ofEvidence && !word.pointed);
}

/**
 * Show the word after (1) or before (-1) the one that is shown, within the selected passage.
 * @param {1|-1} sign
 */
export function wordBy(sign) {
  if (!store.get("research")) return;
  const name = store.get("step") ?? passages(shownCompletion())[0];
  const words = wordsOf(name);
  if (!words.length) return;
  if (!store.get("step")) store.set("step", name);
  const at = words.findIndex(({ start }) => start === store.get("word")?.start);
  const next = at < 0 ? (sign > 0 ? 0 : words.length - 1) : at + sign;
  if (words[next]) show({ ...words[next], pointed: false });
}

/**
 * Show one word more (1) or less (-1) at the end of what is shown, within its passage.
 * @param {1|-1} sign
 */
export function widenWord(sign) {
  const shown = store.get("word");
  if (!shown || !store.get("research")) return;
  const words = wordsOf(shown.passage);
  const first = words.findIndex(({ start }) => start === shown.start);
  const last = words.findIndex(({ end }) => end === shown.end) + sign;
  if (first >= 0 && last >= first && words[last]) {
    show({ ...joined(shown.passage, words[first], words[last]), pointed: false });
  }
}

/** The words that are marked with the mouse, or null. @returns {Spot|null} */
function selectedWords() {
  const range = window.getSelection()?.getRangeAt(0);
  const node = range?.startContainer;
  /** @type {HTMLElement|null|undefined} */
  const row = node?.parentElement?.closest("[data-passage]");
  if (!range || !row || !node?.parentElement?.closest(".pv-passage")) return null;
  const hidden = hiddenIn(row);
  const from = range.startOffset + hidden;
  const to = range.endContainer === node ? range.endOffset + hidden : Infinity;
  const name = row.dataset.passage ?? "";
  const words = wordsOf(name).filter(
    ({ within, text }) => within < to && within + text.length > from,
  );
  const [first, last] = [words[0], words.at(-1)];
  return first && last ? joined(name, first, last) : null;
}

/**
 * The words of a passage that are shown of it.
 * @param {string} name
 * @returns {Spot[]}
 */
function wordsOf(name) {
  const passage = passageOf(shownCompletion(), name);
  const hidden = hiddenIn(document.querySelector(`[data-passage="${name}"]`));
  return [...(passage?.text.matchAll(WORD) ?? [])]
    .filter(({ index }) => index >= hidden)
    .map((found) => ({
      ...spotOf(name, /** @type {TraceAnswer} */ (passage), found),
      pointed: false,
    }));
}

/**
 * All from one word to another of a passage.
 * @param {string} name
 * @param {Spot} first
 * @param {Spot} last
 * @returns {Spot}
 */
function joined(name, first, last) {
  const length = last.end - first.start;
  const text = passageOf(shownCompletion(), name)?.text.substr(first.within, length) ?? "";
  return { ...first, text, end: last.end };
}

/** @param {Spot} spot */
function show(spot) {
  const tokens = (evidenceInView() ?? store.get("maps")?.told)?.tokens;
  if (!tokens) return;
  const first = tokens.findIndex(({ end }) => end > spot.start);
  let stop = first;
  while (stop < tokens.length && tokens[stop].start < spot.end) stop += 1;
  if (first >= 0 && stop > first) showWord({ ...spot, first, stop });
}

/**
 * The word under the pointer, or null.
 * @param {MouseEvent} event
 * @returns {Spot|null}
 */
function wordAt(event) {
  const target = targetOf(event);
  /** @type {HTMLElement|null} */
  const row = target.closest("[data-passage]");
  const place = target.closest(".pv-passage") && caretAt(event.clientX, event.clientY);
  if (!row || place?.node?.nodeType !== Node.TEXT_NODE) return null;
  const name = row.dataset.passage ?? "";
  const passage = passageOf(shownCompletion(), name);
  if (!passage) return null;
  const at = place.offset + hiddenIn(row);
  const found = [...passage.text.matchAll(WORD)].find(
    ({ index, 0: word }) => index <= at && at <= index + word.length,
  );
  return found ? { ...spotOf(name, passage, found), pointed: true } : null;
}

/** @param {number} x @param {number} y */
function caretAt(x, y) {
  if (document.caretPositionFromPoint) {
    const found = document.caretPositionFromPoint(x, y);
    return found && { node: found.offsetNode, offset: found.offset };
  }
  const range = document.caretRangeFromPoint?.(x, y);
  return range && { node: range.startContainer, offset: range.startOffset };
}

/**
 * How much of a row's passage, at its beginning, is not shown; UTF-16 units.
 * @param {Element|null} row
 */
function hiddenIn(row) {
  return row?.querySelector(".pv-passage")?.firstChild?.textContent?.length ?? 0;
}

/** @param {Completion|null} completion @param {string|undefined} name */
function passageOf(completion, name) {
  const trace = completion?.trace;
  return name === "answer" ? trace?.answer : trace?.steps[Number(name?.slice(5)) - 1];
}

/**
 * A word's place in the completion's text and in its passage, UTF-16 units.
 * @param {string} passage
 * @param {TraceAnswer} traceAnswer
 * @param {RegExpExecArray} regExpExecArray
 */
function spotOf(passage, { start }, { index, 0: text }) {
  return { passage, text, start: start + index, end: start + index + text.length, within: index };
}

/** @param {HTMLElement} trace @param {ShownWord|null} word */
function mark(trace, word) {
  const marks = window.CSS?.highlights;
  if (!marks) return;
  marks.delete(HIGHLIGHT);
  if (!word) return;
  const row = trace.querySelector(`[data-passage="${word.passage}"]`);
  const node = row?.querySelector(".pv-passage")?.lastChild;
  const start = word.within - hiddenIn(row);
  if (!(node instanceof Text) || start < 0 || start > node.length) return;
  const range = new Range();
  range.setStart(node, start);
  range.setEnd(node, Math.min(node.length, start + word.text.length));
  marks.set(HIGHLIGHT, new window.Highlight(range));
}

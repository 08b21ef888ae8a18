/**
 * One's own readings of the slide on the screen, the newest first; a click brings one back.
 *
 * @import { QuestionRow } from "../../api_types"
 */

import { failureOf, request } from "../core/api.js";
import { fill, h, setAttribute, setText } from "../core/dom.js";
import { openReading } from "./question_store.js";
import { say, store } from "../core/store.js";

const AT_ONCE = 20;
/** @type {Partial<Record<QuestionRow["state"], string>>} */
const STATES = { running: "being written", stopped: "stopped", failed: "failed" };

let awaited = false; // the list was asked for before it had come

/** Open the list and give it the keyboard. */
export function focusHistory() {
  /** @type {HTMLDetailsElement|null} */
  const fold = document.querySelector("#pv-history");
  awaited = fold?.dataset.state === "loading";
  if (awaited) return;
  if (!fold || fold.hidden) {
    say("Nothing was asked on this slide yet.");
    return;
  }
  fold.open = true;
  /** @type {HTMLElement} */ (
    fold.querySelector("[aria-current]") ?? fold.querySelector("ol button")
  )?.focus();
}

/** @returns {HTMLElement} */
export function history() {
  return new History().node;
}

class History {
  constructor() {
    /** @type {QuestionRow[]} */
    this.rows = [];
    /** Id of the slide whose rows they are. @type {string|null} */
    this.slide = null;
    this.heading = h("summary", {});
    this.list = h("ol", { class: "pv-history-list", "aria-label": "Readings of this slide" });
    this.more = h(
      "button",
      {
        type: "button",
        class: "pv-button pv-low",
        hidden: true,
        onclick: () => this.load(this.rows.at(-1)?.id),
      },
      "Earlier ones",
    );
    this.node = h(
      "details",
      { class: "pv-fold", id: "pv-history", hidden: true, "data-state": "loading" },
      this.heading,
      this.list,
      this.more,
    );
    this.list.addEventListener("keydown", (event) => move(event, this.list));
    /** @type {string|null|undefined} */
    this.key = null;
    store.onAny(["slide", "reading"], () => this.changed());
  }

  /** Fetch anew when the slide, the reading or its state is another. */
  changed() {
    const slide = store.get("slide");
    const reading = store.get("reading");
    const ended = ["done", "failed"].includes(reading?.state ?? "");
    const key = slide && `${slide.id} ${reading?.id} ${ended}`;
    if (key === this.key) return;
    if (slide) {
      if (this.slide !== slide.id) this.rows = [];
      this.slide = slide.id;
      this.load();
    }
    this.key = key;
    this.mark();
  }

  /** @param {string|null} [before] */
  async load(before = null) {
    const { slide } = this;
    /** @type {QuestionRow[]} */
    let found;
    if (!before) this.node.dataset.state = "loading";
    try {
      found = await request("GET /api/readings", { query: { slide, limit: AT_ONCE, before } });
    } catch (thrown) {
      const error = failureOf(thrown);
      if (before && error.status !== 401) say(`They cannot be listed: ${error.message}`, "warning");
      this.arrived();
      return;
    }
    if (slide !== this.slide) return;
    this.rows = before ? [...this.rows, ...found] : found;
    this.more.hidden = found.length < AT_ONCE;
    this.show();
    this.arrived();
  }

  arrived() {
    this.node.dataset.state = "known";
    if (awaited) focusHistory();
  }

  show() {
    this.node.hidden = !this.rows.length;
    setText(
      this.heading,
      `Readings of this slide (${this.rows.length}${this.more.hidden ? "" : "+"})`,
    );
    fill(this.list, ...this.rows.map(row));
    this.mark();
  }

  mark() {
    const id = store.get("reading")?.id;
    [...this.list.querySelectorAll("button")].forEach((button) => {
      if (button.dataset.reading === id) setAttribute(button, "aria-current", "true");
      else button.removeAttribute("aria-current");
    });
  }
}

/** @param {QuestionRow} row */
function row({ id, question, answers, created_at: at, state }) {
  const said = answers.filter(Boolean).join(" · ") || STATES[state] || "no answer";
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: "pv-past",
        "data-reading": id,
        title: question,
        onclick: () => open(id),
      },
      h("span", { class: "pv-past-question" }, question),
      h("span", { class: "pv-past-answer" }, said),
      h("time", { datetime: at }, when(at)),
    ),
  );
}

/** @param {string} id */
async function open(id) {
  await openReading(id);
  const reading = store.get("reading");
  if (reading?.id === id) store.get("canvas")?.goTo(reading);
}

/**
 * Up and down go from row to row.
 * @param {KeyboardEvent} event
 * @param {HTMLElement} list
 */
function move(event, list) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...list.querySelectorAll("button")];
  buttons[
    buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement)) + step
  ]?.focus();
}

/** The hour of today, else day and hour, in the reader's own time. @param {string} text */
function when(text) {
  const at = new Date(text);
  const hour = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const today = at.toDateString() === new Date().toDateString();
  return today
    ? hour
    : `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${hour}`;
}

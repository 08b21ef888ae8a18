/**
 * The bar below: why, which is better, and after the vote what others chose and the next pair.
 *
 * @import { Vote } from "../../api_types"
 * @import { Comparison, VoteWords } from "../../page_types"
 */

import { canUndo, fillIn, leave, next, passOver, undo, vote } from "./compare_store.js";
import { fill, h, setAttribute, setText } from "../core/dom.js";
import { store } from "../core/store.js";

/** Keys of choices and reasons, which the server names. */
export const CHOICE_KEYS = { left: "A", tie: "T", both_bad: "B", right: "L" };
export const REASON_KEYS = {
  wrong_finding: "W",
  right_answer_wrong_reason: "R",
  missed_finding: "M",
  unsafe: "S",
  too_long: "O",
};

/** Tick a reason, or take it back. @param {Vote["reasons"][number]} name */
export function toggleReason(name) {
  if (store.get("comparison")?.vote) return;
  const { reasons } = store.get("ballot");
  fillIn({
    reasons: reasons.includes(name) ? reasons.filter((one) => one !== name) : [...reasons, name],
  });
}

export class Ballot {
  /** @param {VoteWords} vocabulary */
  constructor(vocabulary) {
    this.words = Object.fromEntries(
      vocabulary.choices.map(({ name, label }) => [name, label.toLowerCase()]),
    );
    this.choices = vocabulary.choices.map(({ name, label }) =>
      h(
        "button",
        {
          type: "button",
          class: "pv-button pv-choice",
          "data-choice": name,
          onclick: () => vote(name),
        },
        keyMark(CHOICE_KEYS[name]),
        label,
      ),
    );
    this.reasons = vocabulary.reasons.map(({ name, label }) =>
      h(
        "button",
        {
          type: "button",
          class: "pv-button pv-chip",
          "data-reason": name,
          onclick: () => toggleReason(name),
        },
        keyMark(REASON_KEYS[name]),
        label,
      ),
    );
    /** @type {HTMLInputElement} */
    this.comment = h("input", {
      type: "text",
      class: "pv-field",
      id: "pv-comment",
      maxlength: 4000,
      placeholder: "Comment (C)",
      "aria-label": "Comment",
      autocomplete: "off",
      oninput: () => fillIn({ comment: this.comment.value }),
      onkeydown: ({ key }) => ["Enter", "Escape"].includes(key) && this.comment.blur(),
    });
    this.after = h("p", { class: "pv-compare-after", role: "status" });
    this.nextLabel = h("span", {}, "Next pair");
    this.next = h(
      "button",
      { type: "button", class: "pv-button pv-primary", onclick: () => next() },
      keyMark("N"),
      this.nextLabel,
    );
    this.undo = h(
      "button",
      { type: "button", class: "pv-button", onclick: () => undo() },
      keyMark("U"),
      "Undo the vote",
    );
    this.pass = h(
      "button",
      { type: "button", class: "pv-button", onclick: () => passOver() },
      "Pass over",
    );
    this.leave = h(
      "button",
      { type: "button", class: "pv-button", onclick: () => leave() },
      "Other list or question",
    );
    this.progress = h("span", { class: "pv-quiet pv-compare-progress" });
    this.node = h(
      "section",
      { class: "pv-ballot", "aria-label": "Vote" },
      h(
        "div",
        { class: "pv-ballot-row", role: "group", "aria-label": "Why" },
        ...this.reasons,
        this.comment,
      ),
      h(
        "div",
        {
          class: "pv-ballot-row pv-ballot-choices",
          role: "group",
          "aria-label": "Which is better",
        },
        ...this.choices,
      ),
      h(
        "div",
        { class: "pv-ballot-row pv-ballot-low" },
        this.progress,
        this.after,
        this.undo,
        this.pass,
        this.leave,
        this.next,
      ),
    );
    store.onAny(["comparison", "ballot", "busy"], () => this.show());
  }

  show() {
    const one = store.get("comparison");
    if (!one) return;
    const open = ["ready", "streaming"].includes(one.state) && !store.get("busy");
    const { reasons, comment } = store.get("ballot");
    this.choices.forEach((button) => {
      button.disabled = !open && one.vote?.choice !== button.dataset.choice;
      setAttribute(button, "aria-pressed", one.vote?.choice === button.dataset.choice);
    });
    this.reasons.forEach((button) => {
      button.disabled = Boolean(one.vote);
      setAttribute(
        button,
        "aria-pressed",
        reasons.some((name) => name === button.dataset.reason),
      );
    });
    this.comment.disabled = Boolean(one.vote);
    if (this.comment.value !== comment) this.comment.value = comment;
    this.showLow(one);
  }

  /** @param {Comparison} one */
  showLow(one) {
    const { done = 0, mine = 0, pairs = 0 } = one.progress ?? {};
    setText(
      this.progress,
      one.worklist
        ? `${one.worklist.name} · ${progressText(done, mine, pairs)}`
        : "A question of your own",
    );
    fill(this.after, ...afterVote(one, this.words));
    this.next.disabled = one.state === "streaming" || store.get("busy");
    setText(this.nextLabel, one.worklist ? "Next pair" : "Done");
    this.next.style.visibility = one.vote || one.state === "failed" ? "visible" : "hidden";
    this.pass.style.visibility = one.state === "ready" && one.worklist ? "visible" : "hidden";
    this.undo.style.visibility = canUndo() ? "visible" : "hidden";
  }
}

/**
 * "3 of 6 pairs done"; of a list that is shared out, how many of its pairs are one's own.
 * @param {number} done
 * @param {number} mine
 * @param {number} pairs
 */
export function progressText(done, mine, pairs) {
  if (!mine) return `no pair is left for you: others have all ${pairs}`;
  const all = mine < pairs ? ` (${pairs} on the list)` : "";
  const far = done >= mine ? `all ${mine}` : `${done} of ${mine}`;
  return `${far} ${mine === 1 ? "pair" : "pairs"} done${all}`;
}

/**
 * What is told with the vote: how others chose, and how the pair was drawn.
 * @param {Comparison} one
 * @param {Object<string, string>} words
 */
function afterVote(one, words) {
  if (!one.vote || !one.others) return [];
  const others = one.others.length
    ? one.others.map(({ rater, choice }) => `${rater}: ${words[choice]}`).join(", ")
    : one.worklist
      ? "nobody else has voted yet"
      : "";
  const drawn =
    one.drawn && `drawn by ${one.drawn.plan}, p = ${Number(one.drawn.probability.toPrecision(3))}`;
  return [h("span", {}, ["Saved", others, drawn].filter(Boolean).join(" · "))];
}

/** @param {string} key */
function keyMark(key) {
  return h("kbd", { class: "pv-key", "aria-hidden": "true" }, key);
}

/**
 * The steps of one completion as rows that are kept while text is added to them.
 *
 * @import { Completion, Reading } from "../../page_types"
 */

import { passageEvidence } from "../attention/evidence_store.js";
import { fill, h, setAttribute, setText } from "../core/dom.js";
import { StepMarks } from "../feedback/step_feedback.js";
import { CLAIMS, STATES, meantBy, ownNumber } from "./passage_text.js";
import { store } from "../core/store.js";

export class TraceRows {
  constructor() {
    this.list = h("ol", { class: "pv-steps", "aria-label": "Steps" });
    this.answer = passageRow("answer", "Answer", "pv-answer");
    this.problems = h("ul", { class: "pv-problems" });
    this.raw = h("p", { class: "pv-raw" });
    /** @type {(ReturnType<typeof passageRow> & {marks: StepMarks})[]} */
    this.steps = [];
    /** @type {string|null|undefined} */
    this.told = null;
    this.node = h(
      "div",
      { class: "pv-trace-text" },
      this.list,
      this.answer.node,
      this.raw,
      this.problems,
    );
  }

  /** @param {Reading} reading @param {Completion|null} completion none before its first word */
  show(reading, completion) {
    const steps = completion?.trace?.steps ?? [];
    while (this.steps.length < steps.length) this.grow();
    while (this.steps.length > steps.length) this.steps.pop()?.node.remove();
    const judged = completion && store.get("draft")?.completion === completion.id;
    steps.forEach((step, index) => {
      this.steps[index].show(step.text, step.state);
      this.steps[index].marks.show(judged ? step : null);
    });
    this.showAnswer(reading, completion);
    const ended = completion && completion.state !== "streaming";
    const bare = ended && !steps.length && !completion?.trace?.answer;
    this.raw.hidden = !bare;
    setText(this.raw, bare ? completion.text || "The model wrote nothing." : "");
    const problems = ended ? (completion.trace?.problems ?? []) : [];
    if (this.problems.children.length !== problems.length || this.told !== completion?.id) {
      this.told = completion?.id;
      fill(this.problems, ...problems.map((text) => h("li", {}, text)));
    }
  }

  grow() {
    const number = this.steps.length + 1;
    const row = passageRow(`step ${number}`, String(number), "pv-step", "li");
    const marks = new StepMarks(number - 1, () => row.text);
    row.node.append(marks.flag, marks.node);
    this.steps.push({ ...row, marks });
    this.list.append(row.node);
  }

  /** @param {Reading} reading @param {Completion|null} completion */
  showAnswer(reading, completion) {
    const answer = completion?.trace?.answer;
    this.answer.node.hidden = !answer;
    if (answer) this.answer.show(answer.text, completion.state, meantBy(reading, answer.text));
  }
}

/**
 * A passage: its number is a button that selects it, its text can be marked with the mouse. The number
 * that the text begins with is not shown twice, and stays part of the passage's text.
 * @param {"div"|"li"} [tag]
 * @param {string} name
 * @param {string} label
 * @param {string} kind
 */
function passageRow(name, label, kind, tag = "div") {
  const button = h("button", { type: "button", class: "pv-number" }, label);
  const own = h("span", { hidden: true });
  const rest = document.createTextNode("");
  const text = h("p", { class: "pv-passage" }, own, rest);
  const state = h("span", { class: "pv-state" });
  const option = h("span", { class: "pv-option" });
  const claim = h("span", { class: "pv-claim" });
  const node = h(tag, { class: kind, "data-passage": name }, button, text, option, state, claim);
  const toggle = () => store.set("step", store.get("step") === name ? null : name);
  button.addEventListener("click", toggle);
  text.addEventListener("click", () => window.getSelection()?.isCollapsed && toggle());
  /** @param {string} words @param {Completion["state"]} now @param {string} [meant] */
  const show = (words, now, meant = "") => {
    const selected = store.get("step") === name;
    if (selected && button.getAttribute("aria-pressed") === "false") {
      node.scrollIntoView({ block: "nearest" });
    }
    setAttribute(button, "aria-pressed", selected);
    setAttribute(button, "aria-label", name === "answer" ? "Answer" : `Step ${label}`);
    setAttribute(node, "data-state", now);
    setText(own, ownNumber(words, label));
    const shown = words.slice(own.textContent.length);
    if (rest.data !== shown) rest.data = shown;
    setText(option, meant);
    setText(state, STATES[now]);
    showClaim(claim, name);
  };
  return { node, text, show };
}

/** In a few words what a passage depends on, once it is tested. @param {HTMLElement} node @param {string} name */
function showClaim(node, name) {
  const test = passageEvidence(name)?.test;
  setAttribute(node, "data-claim", test?.claim ?? "");
  if (node.title === (test?.sentence ?? "")) return;
  node.title = test?.sentence ?? "";
  fill(
    node,
    test && h("span", { "aria-hidden": "true" }, CLAIMS[test.claim]),
    test && h("span", { class: "pv-hidden" }, test.sentence),
  );
}

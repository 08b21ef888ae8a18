/**
 * Quick picks: the questions that the server offers, and those already asked on this slide.
 *
 * @import { Question, QuestionRow, QuestionTemplate } from "../../api_types"
 */

import { failureOf, request } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { say, store } from "../core/store.js";

const MOST_ASKED = 20;
const MOST_LETTERS = 70;

/** @type {QuestionTemplate[]} */
let offered = [];

/**
 * The task whose words a question is, though it was typed; else null.
 * @param {string} question
 * @returns {?string}
 */
export function taskOf(question) {
  return offered.find(({ text }) => text.trim() === question.trim())?.task ?? null;
}

/** @param {(template: QuestionTemplate) => void} take @returns {HTMLElement} */
export function templatePicker(take) {
  const node = h("select", { class: "pv-field", "aria-label": "Question template" });
  node.addEventListener("change", () => {
    const template = offered.find(({ task }) => task === node.value);
    node.value = "";
    if (template) take(template);
  });
  const load = async () => {
    // without a list the question can still be typed
    offered = (await request("GET /api/questions").catch(() => ({ tasks: [] }))).tasks;
    /** @param {string} label @param {boolean} known */
    const group = (label, known) => {
      const its = offered.filter((one) => one.known === known);
      return its.length
        ? h(
            "optgroup",
            { label },
            ...its.map(({ task, label: name }) => h("option", { value: task }, name)),
          )
        : null;
    };
    const specimen = store.get("model")?.specimen;
    fill(
      node,
      h("option", { value: "" }, "Template …"),
      group(specimen ? "The model knows these" : "Questions", true),
      group("Outside what the model knows", false),
    );
  };
  /** @type {string|null} */
  let name = null;
  store.on("model", () => {
    const model = store.need("model");
    if (model.name === name) return;
    name = model.name;
    load();
  });
  return node;
}

/** @param {(reading: Question) => void} take @returns {HTMLElement} */
export function askedBefore(take) {
  const node = h("select", { class: "pv-field", "aria-label": "Questions asked on this slide" });
  node.addEventListener("change", async () => {
    const id = node.value;
    node.value = "";
    if (!id) return;
    try {
      take(await request("GET /api/readings/{question_id}", { path: { question_id: id } }));
    } catch (thrown) {
      const error = failureOf(thrown);
      if (error.status !== 401) say(`The question cannot be fetched: ${error.message}`, "warning");
    }
  });
  /** @type {string|null} */
  let shown = null;
  const load = async () => {
    const slide = store.get("slide");
    const reading = store.get("reading");
    const key = `${slide?.id} ${reading?.id}`;
    if (!slide || key === shown) return;
    shown = key;
    const rows = await request("GET /api/readings", {
      query: { slide: slide.id, limit: MOST_ASKED },
    }).catch(() => []);
    if (shown === key) offer(node, rows);
  };
  store.onAny(["slide", "reading"], load);
  offer(node, []);
  return node;
}

/** @param {HTMLSelectElement} node @param {QuestionRow[]} rows */
function offer(node, rows) {
  const seen = new Set();
  const fresh = rows.filter(({ question }) => !seen.has(question) && seen.add(question));
  node.disabled = !fresh.length;
  fill(
    node,
    h("option", { value: "" }, "Asked before …"),
    ...fresh.map(({ id, question }) => h("option", { value: id }, question.slice(0, MOST_LETTERS))),
  );
}

/**
 * "Did it use this?": whether the answer changes when what the model looked at is taken away. Evidence
 * is tested already; its numbers stand here in the same form.
 *
 * @import { DeletionCheckOut, PassageEvidence } from "../../api_types"
 */

import { failureOf, request } from "../core/api.js";
import { fill, h, setText } from "../core/dom.js";
import { methodSentence } from "./check_method.js";
import { evidenceInView, passageEvidence } from "./evidence_store.js";
import { passageTitle } from "./selected_map.js";
import { isUnderWay, shownCompletion, takeCheck } from "../questions/question_store.js";
import { store } from "../core/store.js";

let run = () => {};

/** Run the check of what is selected, or show how it was tested. */
export function checkUse() {
  run();
}

/** @returns {HTMLElement} the button and what was found of the selected passage */
export function useCheck() {
  const button = h(
    "button",
    {
      type: "button",
      class: "pv-button pv-low",
      title: "Does the answer change when what it looked at is taken away? (D)",
    },
    "Did it use this?",
  );
  const error = h("span", { class: "pv-ask-error", role: "alert" });
  const found = h("div", { class: "pv-use-found", "aria-live": "polite" });
  const ofAttention = h(
    "div",
    { class: "pv-use" },
    h("div", { class: "pv-use-head" }, button, error),
    found,
  );
  const test = placeTest();
  const node = h("div", { class: "pv-use" }, ofAttention, test.node);
  /** @type {string|null} */
  let busy = null;
  const show = () => {
    const completion = shownCompletion();
    node.hidden =
      !completion?.trace?.answer ||
      completion.state === "streaming" ||
      isUnderWay(store.need("reading"));
    if (node.hidden || !completion) return;
    const passage = store.get("step") ?? "all";
    ofAttention.hidden = Boolean(evidenceInView());
    test.show(evidenceInView() && passageEvidence(passage));
    button.disabled = busy !== null;
    setText(button, busy === null ? `Did it use ${named(passage)}?` : `Checking ${named(busy)} …`);
    const check = completion.deletion?.findLast((one) => one.passage === passage);
    if (found.dataset.check === (check?.id ?? "")) return;
    found.dataset.check = check?.id ?? "";
    fill(found, check && result(check));
  };
  const check = async () => {
    const completion = shownCompletion();
    if (node.hidden || busy !== null || !completion) return;
    const { id } = store.need("reading");
    const { index } = completion;
    busy = store.get("step") ?? "all";
    setText(error, "");
    show();
    try {
      takeCheck(
        id,
        index,
        await request("POST /api/readings/{question_id}/completions/{index}/deletion", {
          path: { question_id: id, index },
          json: { passage: busy },
        }),
      );
    } catch (thrown) {
      const failure = failureOf(thrown);
      setText(error, failure.message);
    }
    busy = null;
    show();
  };
  run = () => (ofAttention.hidden ? test.toggle() : check());
  button.addEventListener("click", check);
  store.onAny(["reading", "completion", "step"], () => {
    setText(error, "");
    show();
  });
  store.onAny(["evidence", "heat"], show);
  return node;
}

/** How the place of a passage was tested: folded, so that what follows keeps its place. */
function placeTest() {
  const body = h("div", {});
  /** @type {HTMLDetailsElement} */
  const node = h(
    "details",
    { class: "pv-use-test", hidden: true },
    h("summary", { title: "The test's numbers (D)" }, "How it was tested"),
    body,
  );
  /** @type {PassageEvidence|null} */
  let former = null;
  /** @param {PassageEvidence|null} passage */
  const show = (passage) => {
    node.hidden = !passage?.test;
    if (passage !== former) fill(body, passage && tested(passage));
    former = passage;
  };
  const toggle = () => {
    node.open = !node.open;
  };
  return { node, show, toggle };
}

/** @param {string} passage */
function named(passage) {
  return passage === "all" ? "what it looked at" : `what it looked at in ${whereIn(passage)}`;
}

/** @param {string} passage */
function whereIn(passage) {
  return passage === "answer" ? "the answer" : passage;
}

/**
 * The sentence, and the answer's probability under each picture that it comes from.
 * @param {DeletionCheckOut} check
 */
function result(check) {
  const others = check.random_masked.length;
  const { current, fill: colour } = check.method;
  const masked = current ? "blurred" : colour;
  /** @type {[string, number][]} */
  const rows = [
    ["the region as it is", check.as_is],
    [`all of it ${current ? "blanked" : colour}`, check.blanked],
    [`the most attended tenth ${masked}`, check.attended_masked],
  ];
  if (others) rows.push([`as much elsewhere, ${masked}, ${others} places`, check.random_mean]);
  return h(
    "div",
    {},
    h("p", { class: "pv-use-sentence" }, check.sentence),
    table(weighed(check.passage), rows),
    h("p", { class: "pv-use-method" }, methodOfCheck(check.method)),
  );
}

/** The test of a passage's evidence; nothing in the quick form. @param {PassageEvidence} passage */
function tested({ name, test }) {
  if (!test) return null;
  const others = test.elsewhere.length;
  /** @type {[string, number][]} */
  const rows = [
    ["the region as it is", test.as_is],
    ["all of it blanked", test.blanked],
    ["the place blurred", test.masked],
  ];
  if (others) rows.push([`as much elsewhere, blurred, ${others} places`, mean(test.elsewhere)]);
  const what = `${passageTitle(name)}: probability of its words, with`;
  const method = store.get("evidence")?.told?.method.check;
  return h(
    "div",
    {},
    h("p", { class: "pv-use-sentence" }, test.sentence),
    table(what, rows),
    method && h("p", { class: "pv-use-method" }, methodOfCheck(method)),
  );
}

/** @param {DeletionCheckOut["method"]} method */
function methodOfCheck(method) {
  return methodSentence(method, store.need("reading").model ?? "NAME");
}

/** The geometric mean. @param {number[]} values */
function mean(values) {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/**
 * Probabilities as bars of one scale.
 * @param {string} caption
 * @param {[string, number][]} rows
 */
function table(caption, rows) {
  const most = Math.max(...rows.map(([, value]) => value), Number.MIN_VALUE);
  return h(
    "table",
    { class: "pv-use-table" },
    h("caption", {}, caption),
    h(
      "tbody",
      {},
      ...rows.map(([text, value]) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, text),
          h("td", { class: "pv-use-bar" }, bar(value / most)),
          h("td", {}, percent(value)),
        ),
      ),
    ),
  );
}

/**
 * What the probabilities are of: a step as it is written, or the answer alone.
 * @param {string} passage
 */
function weighed(passage) {
  const what = passage.startsWith("step ")
    ? "its probability as it is written"
    : "the answer's probability without reasoning";
  return `${passageTitle(passage)}: ${what}, with`;
}

/** @param {number} share */
function bar(share) {
  const node = h("span", {});
  node.style.width = `${share * 100}%`;
  return node;
}

/**
 * A probability in percent; what is nearly nothing or all is not rounded to it.
 * @param {number} value
 */
function percent(value) {
  if (value < 1 && value > 0.995) return `${(value * 100).toFixed(value > 0.9995 ? 3 : 1)} %`;
  if (value > 0 && value < 1e-4) return "under 0.01 %";
  return `${Number((value * 100).toPrecision(2))} %`;
}

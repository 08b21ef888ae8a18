/**
 * What is stored of a judgment: when, what it earns so far, its history, what others say.
 *
 * @import { LabelsOut, StepEditOut, VerdictOut } from "../../api_types"
 * @import { Judged, RewardConstants } from "../../page_types"
 */

import { h, setText } from "../core/dom.js";
import { refill } from "./choice_buttons.js";
import { isChanged } from "./feedback_draft.js";
import { store } from "../core/store.js";

/** In one line: saved when, on its way, or why not. @returns {{text: string, kind: string}} */
export function savedState() {
  const judged = store.need("judged");
  const draft = store.need("draft");
  const { waiting, trouble } = store.get("sending");
  if (judged.refused) return { kind: "wrong", text: `Not saved: ${judged.refused}` };
  if (waiting && trouble) {
    return { kind: "waits", text: `${trouble} Kept in this browser, sent again by itself.` };
  }
  if (waiting) return { kind: "sending", text: "Saving …" };
  if (isChanged(draft, judged.known)) {
    return {
      kind: "open",
      text: judged.savedAt ? `Changed since ${clock(judged.savedAt)}` : "Not submitted yet",
    };
  }
  return judged.savedAt
    ? { kind: "saved", text: `saved ${clock(judged.savedAt)}` }
    : { kind: "none", text: "" };
}

/** A moment as the clock on the wall shows it. @param {string} moment */
export function clock(moment) {
  const at = new Date(moment);
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
  return at.toDateString() === new Date().toDateString()
    ? time
    : `${at.toLocaleDateString("sv-SE")} ${time}`;
}

/**
 * Reward, history and the others' judgments.
 * @param {RewardConstants} constants @returns {{node: HTMLElement, show: () => void}}
 */
export function savedParts(constants) {
  const reward = h("p", { class: "pv-reward", title: formulaText(constants) });
  const history = fold("pv-history");
  const others = fold("pv-others");
  const withheld = h(
    "p",
    { class: "pv-quiet" },
    "What others say of this answer is shown once your verdict is in.",
  );
  const node = h("div", { class: "pv-saved" }, reward, history.node, withheld, others.node);
  const show = () => {
    const judged = store.need("judged");
    setText(reward, rewardText(judged.reward, constants));
    history.show(
      judged.history.length && `History (${judged.history.length})`,
      judged.history,
      (one) =>
        h(
          "li",
          {},
          h("span", { class: "pv-when" }, clock(one.created_at)),
          h("span", {}, sayings(one).join("; ")),
        ),
    );
    withheld.hidden = !judged.withheld || !store.get("me")?.login;
    others.show(
      judged.others?.length && `Others (${judged.others.length})`,
      judged.others ?? [],
      (one) =>
        h(
          "li",
          {},
          h("span", { class: "pv-when" }, one.rater),
          h(
            "span",
            {},
            /** @type {const} */ (["verdict", "labels", "edited_trace", "evidence"])
              .flatMap((kind) => sayings(one[kind] && { ...one[kind], kind }))
              .join("; "),
          ),
        ),
    );
  };
  return { node, show };
}

/** @param {string} kind */
function fold(kind) {
  const title = h("summary");
  const list = h("ol");
  const node = h("details", { class: `pv-fold ${kind}` }, title, list);
  /** @type {<T>(text: string|number|undefined, rows: T[], row: (one: T) => Node) => void} */
  const show = (text, rows, row) => {
    node.hidden = !text;
    setText(title, String(text || ""));
    refill(list, JSON.stringify(rows), ...rows.map(row));
  };
  return { node, show };
}

/** @param {RewardConstants} constants */
function formulaText({ event_cost: cost, right, wrong, highest }) {
  return (
    "How strongly a training by your judgment would favour this answer, computed by the " +
    `function that rewards the model in training. Reasoning: the mean of complete (1 less ${cost} ` +
    `for each thing missing) and sound (1 less ${cost} for each kind of error flagged). Answer: ` +
    `${right} for a correct one, ${wrong} for one that is wrong or right in part. Form: ${right} ` +
    `where the model kept to its format. The sum is ${highest} at most.`
  );
}

/**
 * What a clinician is told of the reward: training's words for its parts are of no use here.
 * @param {Judged["reward"]} reward
 * @param {RewardConstants} rewardConstants
 */
function rewardText(reward, { highest }) {
  const what = "Reward so far (what the model would learn from your judgment)";
  if (!reward || typeof (reward.process ?? reward.outcome) !== "number") return `${what}: none yet`;
  /** @param {number|null} value */
  const figure = (value) => (typeof value === "number" ? value.toFixed(1) : "–");
  return (
    `${what}: ${figure(reward.total)} of ${highest} = reasoning ${figure(reward.process)} (complete ` +
    `${figure(reward.integrity)}, sound ${figure(reward.knowledge)}) + answer ` +
    `${figure(reward.outcome)} + form ${figure(reward.format)}`
  );
}

/**
 * One stored body in words; none for null.
 * @param {any} body
 * @returns {string[]}
 */
function sayings(body) {
  if (!body) return [];
  const comment = body.comment ? [`“${body.comment}”`] : [];
  if (body.kind === "verdict") return [...verdictWords(body), ...comment];
  if (body.kind === "labels") return [...labelWords(body), ...comment];
  if (body.kind === "edited_trace") {
    return body.edited_steps.length
      ? body.edited_steps.map((/** @type {StepEditOut} */ { step, text }) =>
          text === null ? `step ${step + 1} struck out` : `step ${step + 1} rewritten: ${text}`,
        )
      : ["no step edited"];
  }
  if (body.kind !== "evidence") return [body.kind];
  const { box } = body;
  return [
    box
      ? `should have looked at ${box.width} × ${box.height} px at ${box.x}, ${box.y}`
      : "evidence region taken back",
    ...comment,
  ];
}

/** @param {Pick<VerdictOut, "verdict"|"corrected_answer"|"confidence">} verdict */
function verdictWords({ verdict, corrected_answer: corrected, confidence }) {
  const known = store.get("vocabulary").verdicts.find(({ name }) => name === verdict);
  return [
    known?.label.toLowerCase() ?? verdict,
    ...(corrected ? [`should be ${corrected}`] : []),
    ...(confidence ? [`sure ${confidence} of 5`] : []),
  ];
}

/** @param {Pick<LabelsOut, "absences"|"steps">} labels */
function labelWords({ absences, steps }) {
  const { absences: lacks, errors } = store.get("vocabulary");
  /** @param {{name: string, sentence: string}[]} list @param {string} wanted */
  const sentence = (list, wanted) =>
    list.find(({ name }) => name === wanted)?.sentence.replace(/\.$/, "") ?? wanted;
  const flagged = steps.flatMap(({ step, events, quote }) =>
    events.map(
      (event) => `step ${step + 1}: ${sentence(errors, event)}${quote ? ` “${quote}”` : ""}`,
    ),
  );
  const classes = steps
    .filter((one) => one.step_class)
    .map((one) => `step ${one.step + 1}: ${one.step_class}`);
  const found = [...absences.map((name) => sentence(lacks, name)), ...flagged];
  return [...(found.length ? found : ["trace sound"]), ...classes];
}

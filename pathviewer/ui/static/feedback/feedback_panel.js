/**
 * The judgment of an answer: verdict, what it should be, what the trace lacks, evidence.
 *
 * @import { VerdictRequest } from "../../api_types"
 * @import { Draft, Evidence, PanelProps, Reading, Vocabulary } from "../../page_types"
 */

import { fillPanel, h, setText, targetOf } from "../core/dom.js";
import { anyOf, byDigit, oneOf, refill } from "./choice_buttons.js";
import { flaggedSteps } from "./feedback_draft.js";
import { EVIDENCE, drawEvidence } from "./evidence_region.js";
import { focusVerdicts } from "./feedback_keys.js";
import { JUDGMENT, judgeFoot } from "./feedback_footer.js";
import { savedParts } from "./saved_feedback.js";
import { change, keepJudging, submitDraft } from "./feedback_store.js";
import { shownCompletion } from "../questions/question_store.js";
import { start } from "../core/page_start.js";
import { store } from "../core/store.js";
import { optionOf } from "../questions/passage_text.js";

const SHOULD = { class: "pv-field", "aria-label": "What the answer should be" };
const OWN_WORDS = "in own words";
const LONGEST_COMMENT = 4000;
const LONGEST_ANSWER = 1000;

/**
 * Mount the judgment into the page's element.
 * @param {Element} element
 * @param {PanelProps & {vocabulary: Vocabulary}} props
 */
export function mount(element, props) {
  store.set("vocabulary", props.vocabulary);
  const panel = new JudgePanel(props.vocabulary);
  fillPanel(element, panel.node);
  store.onAny(["draft", "judged", "sending", "reading"], () => panel.show());
  keepJudging();
  return start(props);
}

class JudgePanel {
  options = h("select", { ...SHOULD, onchange: () => this.pick() });
  /** @type {HTMLInputElement} */
  corrected = h("input", {
    ...SHOULD,
    type: "text",
    maxlength: LONGEST_ANSWER,
    placeholder: "Right answer",
    autocomplete: "off",
    oninput: () => change({ corrected: this.corrected.value }),
  });
  /** Completion whose answer is written in own words. @type {string|null} */
  own = null;

  /** @param {Vocabulary} vocabulary */
  constructor(vocabulary) {
    const { wrong } = vocabulary.reward;
    this.names = {
      verdicts: vocabulary.verdicts.map(({ name }) => name),
      wrong: vocabulary.verdicts.filter(({ outcome }) => outcome === wrong).map(({ name }) => name),
      absences: vocabulary.absences.map(({ name }) => name),
    };
    this.first = h("p", { class: "pv-quiet pv-before" });
    this.verdicts = oneOf(
      { label: "Verdict", kind: "pv-verdicts" },
      vocabulary.verdicts.map((one, index) => ({ ...one, key: String(index + 1) })),
      (verdict) => verdict && this.choose(verdict),
    );
    this.sure = oneOf(
      { label: "How sure you are, 1 to 5", kind: "pv-sure", clearable: true },
      [1, 2, 3, 4, 5].map((name) => ({ name, label: String(name), about: `Sure: ${name} of 5` })),
      (confidence) => change({ confidence }),
    );
    const after = vocabulary.verdicts.length + 1;
    this.absences = anyOf(
      { label: "Missing in the trace", kind: "pv-ticks" },
      vocabulary.absences.map((one, index) => ({ ...one, key: String(after + index) })),
      (absences) => change({ absences }),
    );
    /** @type {HTMLTextAreaElement} */
    this.comment = h("textarea", {
      class: "pv-field",
      rows: 1,
      maxlength: LONGEST_COMMENT,
      "aria-label": "Comment",
      placeholder: "Comment",
      oninput: () => change({ comment: this.comment.value }),
    });
    this.evidence = h("div", { class: "pv-row pv-evidence-row" });
    this.tally = h("p", { class: "pv-quiet pv-tally" });
    this.saved = savedParts(vocabulary.reward);
    this.node = this.build();
  }

  build() {
    const node = h(
      "form",
      {
        class: "pv-panel pv-judge",
        "aria-label": "Judgment",
        hidden: true,
        id: JUDGMENT,
        novalidate: true,
      },
      h(
        "div",
        { class: "pv-judge-head" },
        h("h2", {}, "Your judgment"),
        h("span", { class: "pv-quiet" }, "C, Enter: right and sound"),
      ),
      this.first,
      this.verdicts.node,
      this.answerRow(),
      h("h3", {}, "Missing in the trace"),
      this.absences.node,
      this.evidence,
      this.comment,
      this.tally,
      this.saved.node,
    );
    node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    node.addEventListener("keydown", (event) => this.key(event));
    return node;
  }

  answerRow() {
    return h(
      "div",
      { class: "pv-should" },
      h("div", { class: "pv-should-fields" }, this.options, this.corrected),
      h("span", { class: "pv-quiet" }, "Sure"),
      this.sure.node,
    );
  }

  show() {
    const draft = store.get("draft");
    this.node.hidden = !draft;
    const reading = store.get("reading");
    const known = store.get("judged")?.completion === draft?.completion;
    judgeFoot.show(Boolean(draft && reading && known));
    if (!draft || !reading || !known) return;
    this.verdicts.show(draft.verdict);
    this.sure.show(draft.confidence);
    this.absences.show(draft.absences);
    this.showCorrected(draft, reading);
    if (this.comment.value !== draft.comment) this.comment.value = draft.comment;
    this.showEvidence(draft.evidence);
    this.showBefore(draft, reading);
    setText(this.tally, tallyText(draft));
    this.saved.show();
  }

  /** @param {Draft} draft @param {Reading} reading */
  showCorrected(draft, { options }) {
    refill(
      this.options,
      JSON.stringify(options),
      h("option", { value: "" }, "It should be …"),
      ...options.map((text) => h("option", { value: text }, text)),
      h("option", { value: OWN_WORDS }, "In own words …"),
    );
    this.options.disabled = draft.verdict === "correct";
    this.corrected.disabled = draft.verdict === "correct";
    const listed = options.includes(draft.corrected);
    const own =
      options.length === 0 || this.own === draft.completion || (draft.corrected !== "" && !listed);
    this.options.hidden = options.length === 0;
    this.corrected.hidden = !own;
    if (options.length) this.options.value = own ? OWN_WORDS : draft.corrected;
    if (this.corrected.value !== draft.corrected) this.corrected.value = draft.corrected;
  }

  /** An option, or what will be written in own words. */
  pick() {
    const { value } = this.options;
    this.own = value === OWN_WORDS ? store.need("draft").completion : null;
    change({ corrected: value === OWN_WORDS ? "" : value });
    if (this.own) this.corrected.focus();
  }

  /**
   * A verdict; whoever answered first keeps to that answer until another one is given.
   * @param {VerdictRequest["verdict"]} verdict
   */
  choose(verdict) {
    const { first_answer: first } = store.need("reading");
    const { corrected } = store.need("draft");
    const keeps = first && this.names.wrong.includes(verdict) && !corrected;
    change({ verdict, ...(keeps && { corrected: first }) });
  }

  /** @param {Evidence|null} evidence */
  showEvidence(evidence) {
    const box = evidence?.box;
    /** @param {MouseEvent} event */
    const draw = (event) => drawEvidence(event.detail === 0);
    refill(
      this.evidence,
      JSON.stringify(evidence),
      h(
        "button",
        {
          type: "button",
          class: "pv-button pv-low",
          title: "Draw on the slide (E)",
          onclick: draw,
        },
        `${EVIDENCE} …`,
      ),
      box &&
        h(
          "button",
          {
            type: "button",
            class: "pv-button pv-low",
            title: `${box.width} × ${box.height} px`,
            "aria-label": "Go to where it should have looked",
            onclick: () => store.need("canvas").goTo(evidence),
          },
          "Go to",
        ),
      box &&
        h(
          "button",
          {
            type: "button",
            class: "pv-button pv-low",
            "aria-label": "Take the evidence region back",
            onclick: () => change({ evidence: null }),
          },
          "Remove",
        ),
    );
  }

  /**
   * Blind first: what was answered before the model was seen, and what it has become.
   * @param {Draft} draft
   * @param {Reading} reading
   */
  showBefore(draft, reading) {
    const { first_answer: first, first_confidence: sure } = reading;
    this.first.hidden = !first;
    if (!first) return;
    const before = `Before you saw the model: ${first}${sure ? ` (sure ${sure} of 5)` : ""}.`;
    setText(this.first, before + afterText(draft, reading));
  }

  submit() {
    if (submitDraft()) return;
    judgeFoot.say(`Choose a verdict first: 1 to ${this.names.verdicts.length}.`, "wrong");
    focusVerdicts();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { verdicts, absences } = this.names;
    const runs = Object.fromEntries(
      [
        ...verdicts.map((name) => () => {
          this.choose(name);
          this.verdicts.focus();
        }),
        ...absences.map((name) => () => this.absences.toggle(name)),
      ].map((run, index) => [index + 1, run]),
    );
    if (byDigit(event, runs)) return;
    if (event.key === "Escape") {
      event.preventDefault();
      store.need("canvas").surface.focus();
    } else if (event.key === "Enter" && submits(event)) {
      event.preventDefault();
      this.submit();
    }
  }
}

/** @param {KeyboardEvent} event */
function submits(event) {
  return (
    event.ctrlKey ||
    event.metaKey ||
    targetOf(event).matches("[data-choice], [role='radiogroup'], input, select")
  );
}

/**
 * What the first answer has become: the model's with a right verdict, else what it should be.
 * @param {Draft} draft
 * @param {Reading} reading
 */
function afterText({ verdict, corrected }, reading) {
  const said = shownCompletion()?.trace?.answer?.text ?? "";
  const now = verdict === "correct" ? optionOf(reading, said) || said : corrected.trim();
  if (!verdict || !now) return "";
  return now === reading.first_answer ? " Now: the same." : ` Now: ${now}.`;
}

/** @param {Draft} draft */
function tallyText(draft) {
  const flagged = flaggedSteps(draft);
  const steps = shownCompletion()?.trace?.steps.length ?? 0;
  if (!steps) return "";
  return `${flagged} of ${steps} steps flagged (X). Submitting says that the rest have no error.`;
}

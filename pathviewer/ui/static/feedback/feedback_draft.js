/**
 * What the clinician says about one completion, before and after it is submitted.
 *
 * Steps count from 0; start and stop are UTF-16 units of the completion's text.
 *
 * @import { StepLabel } from "../../api_types"
 * @import { Contents, Draft, Judgment, Kind, Known } from "../../page_types"
 */

/** A draft that says nothing yet. @param {string} completion its id @returns {Draft} */
export function blank(completion) {
  return {
    completion,
    verdict: null,
    corrected: "",
    confidence: null,
    comment: "",
    absences: [],
    steps: {},
    edits: {},
    evidence: null,
  };
}

/**
 * The draft that says what was submitted.
 * @param {string} completion
 * @param {Known} known
 * @returns {Draft}
 */
export function draftOf(completion, known) {
  const { verdict, labels, edited_trace: edited, evidence } = known;
  return {
    ...blank(completion),
    verdict: verdict?.verdict ?? null,
    corrected: verdict?.corrected_answer ?? "",
    confidence: verdict?.confidence ?? null,
    comment: verdict?.comment ?? "",
    absences: [...(labels?.absences ?? [])],
    steps: Object.fromEntries((labels?.steps ?? []).map(({ step, ...rest }) => [step, rest])),
    edits: Object.fromEntries(
      (edited?.edited_steps ?? []).map(({ step, text }) => [step, text ?? null]),
    ),
    evidence: evidence?.box ? { box: evidence.box, points: evidence.points ?? null } : null,
  };
}

/**
 * What a draft says, by kind, in the shape of the bodies of POST /api/feedback. A step rewritten to
 * nothing is struck out.
 * @param {Draft} draft
 * @returns {Contents}
 */
export function contents(draft) {
  return {
    verdict: {
      verdict: draft.verdict,
      corrected_answer: (draft.verdict !== "correct" && draft.corrected.trim()) || null,
      confidence: draft.confidence,
      comment: draft.comment.trim() || null,
    },
    labels: { absences: [...draft.absences].sort(), steps: labelled(draft.steps) },
    edited_trace: {
      edited_steps: inOrder(draft.edits).map(([step, text]) => ({
        step,
        text: text?.trim() || null,
      })),
    },
    evidence: { box: draft.evidence?.box ?? null, points: draft.evidence?.points ?? null },
  };
}

/**
 * The kinds of a draft that say something else than what is known, as bodies to be sent.
 * @param {Draft} draft
 * @param {Known} known
 * @returns {Judgment[]}
 */
export function changes(draft, known) {
  const wanted = contents(draft);
  const before = contents(draftOf(draft.completion, known));
  /** @param {Kind} kind */
  const first = (kind) => !known[kind] && ["verdict", "labels"].includes(kind);
  const bodies = kindsOf(wanted)
    .filter((kind) => first(kind) || !same(wanted[kind], before[kind]))
    .map((kind) => ({ kind, completion: draft.completion, ...wanted[kind] }));
  return /** @type {Judgment[]} */ (bodies);
}

/**
 * A draft with what was typed into a blank one, field by field.
 * @param {Draft} draft
 * @param {Draft} typed
 * @returns {Draft}
 */
export function over(draft, typed) {
  /** @type {Record<string, unknown>} */
  const nothing = { ...blank(typed.completion) };
  const said = Object.entries(typed).filter(([name, value]) => !same(value, nothing[name]));
  return { ...draft, ...Object.fromEntries(said) };
}

/**
 * Whether a draft says anything that nobody knows yet.
 * @param {Draft} draft
 * @param {Known} known
 */
export function isChanged(draft, known) {
  const before = contents(draftOf(draft.completion, known));
  const now = contents(draft);
  return kindsOf(now).some((kind) => !same(now[kind], before[kind]));
}

/** Steps that carry an error or another event. @param {Pick<Draft, "steps">} draft */
export function flaggedSteps(draft) {
  return Object.values(draft.steps).filter(({ events }) => events.length).length;
}

/** @param {Contents} contents */
function kindsOf(contents) {
  return /** @type {Kind[]} */ (Object.keys(contents));
}

/** @param {Draft["steps"]} steps @returns {StepLabel[]} */
function labelled(steps) {
  return inOrder(steps)
    .filter(([, { events, step_class: kind }]) => events.length || kind)
    .map(([step, { events, quote, start, stop, step_class: kind }]) => ({
      step,
      events: [...events].sort(),
      quote: quote ?? null,
      start: start ?? null,
      stop: stop ?? null,
      step_class: kind ?? null,
    }));
}

/** @template T @param {Record<number, T>} bySteps @returns {[number, T][]} */
function inOrder(bySteps) {
  return Object.entries(bySteps)
    .map(([step, value]) => /** @type {[number, T]} */ ([Number(step), value]))
    .sort(([a], [b]) => a - b);
}

/**
 * Whether two contents say the same, whatever the order of their names.
 * @param {unknown} one
 * @param {unknown} other
 */
function same(one, other) {
  return plain(one) === plain(other);
}

/**
 * A value as text, the same for the same content whatever the order of its names.
 * @param {any} value
 * @returns {string}
 */
function plain(value) {
  if (Array.isArray(value)) return `[${value.map(plain).join()}]`;
  if (value === null || value === undefined) return "null";
  if (typeof value !== "object") return JSON.stringify(value);
  const parts = Object.keys(value)
    .sort()
    .filter((name) => (value[name] ?? null) !== null);
  return `{${parts.map((name) => `${name}:${plain(value[name])}`).join()}}`;
}

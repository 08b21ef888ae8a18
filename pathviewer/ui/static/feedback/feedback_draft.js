/**
 * What the clinician says about one completion, before and after it is submitted.
 *
 * Draft: {completion, verdict, corrected, confidence, comment, absences: [name],
 *         steps: {index: {events: [name], quote, start, stop, step_class}},
 *         edits: {index: text, or null for a step that is struck out},
 *         evidence: {box, points} or null}
 * Steps count from 0; start and stop are UTF-16 units of the completion's text.
 */

/** A draft that says nothing yet. @param {string} completion its id */
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

/** The draft that says what was submitted. @param {Object} known bodies by kind, see `contents` */
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
    edits: Object.fromEntries((edited?.edited_steps ?? []).map(({ step, text }) => [step, text])),
    evidence: evidence?.box ? { box: evidence.box, points: evidence.points ?? null } : null,
  };
}

/**
 * What a draft says, by kind, in the shape of the bodies of POST /api/feedback. A step rewritten to
 * nothing is struck out.
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

/** The kinds of a draft that say something else than what is known, as bodies to be sent. */
export function changes(draft, known) {
  const wanted = contents(draft);
  const before = contents(draftOf(draft.completion, known));
  const first = (kind) => !known[kind] && ["verdict", "labels"].includes(kind);
  return Object.keys(wanted)
    .filter((kind) => first(kind) || !same(wanted[kind], before[kind]))
    .map((kind) => ({ kind, completion: draft.completion, ...wanted[kind] }));
}

/** A draft with what was typed into a blank one, field by field. */
export function over(draft, typed) {
  const nothing = blank(typed.completion);
  const said = Object.entries(typed).filter(([name, value]) => !same(value, nothing[name]));
  return { ...draft, ...Object.fromEntries(said) };
}

/** Whether a draft says anything that nobody knows yet. */
export function isChanged(draft, known) {
  const before = contents(draftOf(draft.completion, known));
  const now = contents(draft);
  return Object.keys(now).some((kind) => !same(now[kind], before[kind]));
}

/** Steps that carry an error or another event. */
export function flaggedSteps(draft) {
  return Object.values(draft.steps).filter(({ events }) => events.length).length;
}

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

function inOrder(bySteps) {
  return Object.entries(bySteps)
    .map(([step, value]) => [Number(step), value])
    .sort(([a], [b]) => a - b);
}

/** Whether two contents say the same, whatever the order of their names. */
function same(one, other) {
  return plain(one) === plain(other);
}

/** A value as text, the same for the same content whatever the order of its names. */
function plain(value) {
  if (Array.isArray(value)) return `[${value.map(plain).join()}]`;
  if (value === null || value === undefined) return "null";
  if (typeof value !== "object") return JSON.stringify(value);
  const parts = Object.keys(value)
    .sort()
    .filter((name) => (value[name] ?? null) !== null);
  return `{${parts.map((name) => `${name}:${plain(value[name])}`).join()}}`;
}

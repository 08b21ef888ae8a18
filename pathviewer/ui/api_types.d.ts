/** Shapes of the JSON API, written by `npm run types` from docs/openapi.json. */

/**
 * Actions that need permission.
 */
export type Action =
  | "view_slides"
  | "draw_regions"
  | "upload_slides"
  | "describe_slides"
  | "ask"
  | "judge"
  | "export"
  | "see_insights"
  | "read_audit"
  | "administer";
/**
 * Roles of accounts, from most to fewest rights.
 */
export type Role = "admin" | "researcher" | "clinician" | "viewer";
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "QuestionEvent".
 */
export type QuestionEvent =
  | QueueEvent
  | StartEvent
  | FirstAnswerEvent
  | TextEvent
  | AttentionEvent
  | EndEvent
  | NeutralQuestionEvent
  | MapsEvent
  | DoneEvent
  | FailureEvent;
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "FeedbackRequest".
 */
export type FeedbackRequest =
  VerdictRequest | LabelsRequest | EditedTraceRequest | EvidenceRequest | PreferenceRequest;

/**
 * The raw map of the newest passage, the mean over the layers; at most 20 a second.
 */
export interface AttentionEvent {
  type: "attention";
  index: number;
  passage: string;
  columns: number;
  rows: number;
  peak: number;
  /**
   * As in `Maps`.
   */
  values: string;
  image_share: number;
}
/**
 * An entry of the audit log.
 */
export interface AuditEntry {
  id: number;
  at: string;
  /**
   * Id of the account that acted.
   */
  account: string | null;
  action: string;
  /**
   * Id of what it was done to.
   */
  subject: string;
  detail: {
    [k: string]: unknown;
  };
}
/**
 * Who wrote a completion; shown after the vote.
 */
export interface Author {
  model: string;
  model_revision: string | null;
  sampling: {
    [k: string]: unknown;
  };
  /**
   * Id of the question.
   */
  reading: string;
  index: number;
  seconds: number;
  created_at: string;
}
/**
 * Who wrote both completions.
 */
export interface Authors {
  left: Author;
  right: Author;
}
/**
 * Microns per level-0 pixel along each axis.
 */
export interface AxisScale {
  x: number;
  y: number;
}
/**
 * A rectangle in level-0 pixels.
 */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}
/**
 * A rectangle in level-0 pixels.
 */
export interface BoxOut {
  x: number;
  y: number;
  width: number;
  height: number;
}
/**
 * Bounds of the picture's area, px.
 */
export interface Budget {
  min_pixels: number;
  max_pixels: number;
}
/**
 * A chart.
 */
export interface ChartOut {
  /**
   * Name of its CSV.
   */
  name: string;
  title: string;
  /**
   * What its numbers are.
   */
  about: string;
  columns: string[];
  /**
   * Cells of the table, numbers rounded.
   */
  rows: (string | number | null)[][];
  /**
   * `data` and `layout` for Plotly; null if there is nothing to draw.
   */
  figure: {
    [k: string]: unknown;
  } | null;
  /**
   * Why it is empty, or a caveat.
   */
  note: string;
}
/**
 * How a deletion check masked.
 */
export interface CheckMethodOut {
  /**
   * What replaced the masked cells; `grey` in version 1.
   */
  fill: string;
  /**
   * Version of the check.
   */
  version: number;
  /**
   * Its controls on the model; null if they were not measured.
   */
  controls: ControlFiguresOut | null;
  /**
   * Whether this is the version in use; an older one says little.
   */
  current: boolean;
}
/**
 * How often masking matters more than masking elsewhere, 0 to 1, with 95 % intervals.
 */
export interface ControlFiguresOut {
  /**
   * Where the true evidence is masked.
   */
  positive_control: number;
  positive_control_low: number;
  positive_control_high: number;
  /**
   * Where a random place is masked; half is chance.
   */
  negative_control: number;
  negative_control_low: number;
  negative_control_high: number;
  /**
   * Number of regions.
   */
  n: number;
  /**
   * Whether the true evidence matters in at least 0.9, and a random place as by chance.
   */
  passed: boolean;
}
/**
 * Microns per level-0 pixel, as the file states them.
 */
export interface ClaimedScale {
  x: number | null;
  y: number | null;
}
/**
 * A feature that was clipped at the slide's edge.
 */
export interface ClippedFeature {
  /**
   * Place in the file, from 0.
   */
  index: number;
  /**
   * Share of its area that was cut off, 0 to 1.
   */
  outside: number;
}
/**
 * The file's colour profile.
 */
export interface ColourProfileOut {
  name: string;
  /**
   * Whether colours are corrected by it.
   */
  applied: boolean;
  /**
   * Why it is not applied.
   */
  reason: string | null;
  /**
   * Name and state for people.
   */
  sentence: string;
}
/**
 * How pages correct raw colours; numbers are little-endian 32-bit floats in base64.
 */
export interface ColourTableOut {
  /**
   * 3 x 256: grid position of each value of a channel.
   */
  curves: string;
  /**
   * size x size x size x 3 by red, green and blue.
   */
  nodes: string;
  size: number;
  /**
   * Whether nodes are linear light, 0 to 1; otherwise sRGB, 0 to 255.
   */
  light: boolean;
}
/**
 * A worklist with pairs, and the caller's progress.
 */
export interface ComparisonList {
  /**
   * Pairs drawn.
   */
  pairs: number;
  /**
   * Pairs assigned or available to the rater; excludes those reserved for others.
   */
  mine: number;
  /**
   * Pairs that the rater voted on or skipped, not counting repeats.
   */
  done: number;
  id: string;
  name: string;
}
/**
 * A comparison as its rater may see it now; the vote and what follows are null before it.
 */
export interface ComparisonOut {
  id: string;
  /**
   * Null for an own question.
   */
  worklist: WorklistName | null;
  /**
   * 0, or 1 for a repeat.
   */
  round: number;
  slide: SlideName;
  slide_identity: {
    [k: string]: unknown;
  } | null;
  box: BoxOut;
  points: number[][] | null;
  question: string;
  options: string[];
  state: "ready" | "streaming" | "failed" | "voted" | "skipped";
  error: string | null;
  /**
   * Id of an own question.
   */
  reading: string | null;
  /**
   * Whether completion 1 of an own question is on the left.
   */
  flipped: boolean | null;
  sides: Sides | null;
  vote: Vote | null;
  names: Authors | null;
  others: OtherVote[] | null;
  drawn: Draw | null;
  /**
   * Null for an own question.
   */
  progress?: PairProgress | null;
}
/**
 * A worklist.
 */
export interface WorklistName {
  id: string;
  name: string;
}
/**
 * A slide.
 */
export interface SlideName {
  id: string;
  /**
   * Displayed name.
   */
  name: string;
}
/**
 * Both completions.
 */
export interface Sides {
  left: Side;
  right: Side;
}
/**
 * A completion, without its author.
 */
export interface Side {
  text: string;
  finish: "stop" | "length" | "cancelled";
  trace: Trace;
}
/**
 * A completion's text, parsed.
 */
export interface Trace {
  steps: TraceStep[];
  answer: TraceAnswer | null;
  well_formed: boolean;
  problems: string[];
}
/**
 * A step of a trace; places in UTF-16 code units.
 */
export interface TraceStep {
  start: number;
  stop: number;
  text: string;
  state: "streaming" | "done" | "cut off";
}
/**
 * The answer of a trace; places in UTF-16 code units.
 */
export interface TraceAnswer {
  start: number;
  stop: number;
  text: string;
}
/**
 * The caller's vote.
 */
export interface Vote {
  choice: "left" | "tie" | "both_bad" | "right";
  reasons: (
    "wrong_finding" | "right_answer_wrong_reason" | "missed_finding" | "unsafe" | "too_long"
  )[];
  comment: string | null;
  created_at: string;
}
/**
 * Another rater's vote, from the caller's sides.
 */
export interface OtherVote {
  /**
   * Pseudonym.
   */
  rater: string;
  choice: "left" | "tie" | "both_bad" | "right";
}
/**
 * How the pair was drawn.
 */
export interface Draw {
  plan: string;
  seed: number;
  probability: number;
}
/**
 * One rater's progress through a list's pairs.
 */
export interface PairProgress {
  /**
   * Pairs drawn.
   */
  pairs: number;
  /**
   * Pairs assigned or available to the rater; excludes those reserved for others.
   */
  mine: number;
  /**
   * Pairs that the rater voted on or skipped, not counting repeats.
   */
  done: number;
}
/**
 * What the caller may see of a completion's feedback.
 */
export interface CompletionFeedback {
  own: OwnFeedback;
  /**
   * The caller's feedback, newest first.
   */
  history: (VerdictOut | LabelsOut | EditedTraceOut | EvidenceOut | PreferenceOut)[];
  /**
   * Null until the caller has given verdict and labels.
   */
  others: RaterFeedback[] | null;
  others_withheld: boolean;
  reward: Reward;
}
/**
 * The caller's current feedback.
 */
export interface OwnFeedback {
  verdict: VerdictOut | null;
  labels: LabelsOut | null;
  edited_trace: EditedTraceOut | null;
  evidence: EvidenceOut | null;
  preferences: PreferenceOut[];
}
/**
 * A verdict.
 */
export interface VerdictOut {
  id: string;
  created_at: string;
  supersedes: string | null;
  completion: string;
  kind: "verdict";
  seconds: number | null;
  overlay_seen: boolean | null;
  comment: string | null;
  verdict:
    | "correct"
    | "partly_correct"
    | "incorrect"
    | "unsure"
    | "not_assessable"
    | "unsuitable_question";
  corrected_answer: string | null;
  confidence: number | null;
}
/**
 * Labels.
 */
export interface LabelsOut {
  id: string;
  created_at: string;
  supersedes: string | null;
  completion: string;
  kind: "labels";
  seconds: number | null;
  overlay_seen: boolean | null;
  comment: string | null;
  absences: ("missing_image_features" | "missing_option_elimination" | "missing_knowledge")[];
  steps: StepLabelOut[];
}
/**
 * Errors of a step; places in UTF-16 code units.
 */
export interface StepLabelOut {
  step: number;
  events: ("wrong_definition" | "contradiction" | "wrong_criterion" | "not_in_region")[];
  quote: string | null;
  start: number | null;
  stop: number | null;
  step_class: ("Citation" | "Repetition" | "Reasoning" | "Redundancy") | null;
}
/**
 * Edits of the trace.
 */
export interface EditedTraceOut {
  id: string;
  created_at: string;
  supersedes: string | null;
  completion: string;
  kind: "edited_trace";
  seconds: number | null;
  overlay_seen: boolean | null;
  comment: string | null;
  edited_steps: StepEditOut[];
  edited_text: string;
}
/**
 * A step rewritten, or struck out if the text is null.
 */
export interface StepEditOut {
  step: number;
  text: string | null;
}
/**
 * An evidence region, level-0 pixels; null withdraws an earlier one.
 */
export interface EvidenceOut {
  id: string;
  created_at: string;
  supersedes: string | null;
  completion: string;
  kind: "evidence";
  seconds: number | null;
  overlay_seen: boolean | null;
  comment: string | null;
  box: BoxOut | null;
  points: number[][] | null;
}
/**
 * A vote.
 */
export interface PreferenceOut {
  id: string;
  created_at: string;
  supersedes: string | null;
  completion: string;
  kind: "preference";
  seconds: number | null;
  overlay_seen: boolean | null;
  comment: string | null;
  other: string;
  left: string;
  /**
   * `undone` withdraws an earlier vote.
   */
  choice: "left" | "tie" | "both_bad" | "right" | "undone";
  reasons:
    | ("wrong_finding" | "right_answer_wrong_reason" | "missed_finding" | "unsafe" | "too_long")[]
    | null;
}
/**
 * Another rater's current feedback.
 */
export interface RaterFeedback {
  verdict: VerdictOut | null;
  labels: LabelsOut | null;
  edited_trace: EditedTraceOut | null;
  evidence: EvidenceOut | null;
  /**
   * Pseudonym.
   */
  rater: string;
}
/**
 * Reward that follows from a rater's verdict and labels; null without these.
 */
export interface Reward {
  /**
   * 0 to 1: mean of integrity and knowledge; 0 for a completion without steps.
   */
  process: number | null;
  integrity: number | null;
  knowledge: number | null;
  /**
   * 1 for a correct answer, 0 for an incorrect or partly correct one.
   */
  outcome: number | null;
  /**
   * 1 if the completion has the requested format, else 0.
   */
  format: number;
  /**
   * Sum of process, outcome and format.
   */
  total: number | null;
}
/**
 * One text that a model wrote.
 */
export interface CompletionOut {
  id: string;
  /**
   * Place among the question's completions, from 0.
   */
  index: number;
  text: string;
  finish: "stop" | "length" | "cancelled";
  trace: Trace;
  /**
   * Number of tokens.
   */
  tokens: number;
  seconds: number;
  first_token_seconds: number | null;
  deletion: DeletionCheckOut[];
}
/**
 * Probabilities, 0 to 1, of a passage with parts of the picture masked.
 */
export interface DeletionCheckOut {
  id: string;
  passage: string;
  /**
   * With the whole picture.
   */
  as_is: number;
  /**
   * With the whole picture in its mean colour, or blurred if only that changes it.
   */
  blanked: number;
  /**
   * With the most attended tenth of the cells masked.
   */
  attended_masked: number;
  /**
   * With as many other cells masked, at several places; empty if the verdict was settled.
   */
  random_masked: number[];
  /**
   * Geometric mean of `random_masked`; `as_is` if that is empty.
   */
  random_mean: number;
  verdict: "attended area mattered" | "image mattered" | "neither";
  /**
   * The verdict for people.
   */
  sentence: string;
  created_at: string;
  method: CheckMethodOut;
}
/**
 * Which passage's map the deletion check uses.
 */
export interface DeletionCheckRequest {
  /**
   * Name of a passage: `step 1`, ..., `answer` or `all`.
   */
  passage?: string;
}
/**
 * Changes of a slide's description; what is left out stays.
 */
export interface DescriptionRequest {
  /**
   * Microns per level-0 pixel; null withdraws the entered scale.
   */
  mpp?: number | AxisScale | null;
  /**
   * A line whose length is known.
   */
  known_length?: KnownLine | null;
  /**
   * New name.
   */
  alias?: string | null;
}
/**
 * A line on the slide whose length is known.
 */
export interface KnownLine {
  from: number[];
  to: number[];
  /**
   * Its length, µm.
   */
  um: number;
}
/**
 * The last event, also of a stopped question.
 */
export interface DoneEvent {
  type: "done";
}
/**
 * Edits of the trace; an empty list withdraws earlier ones.
 */
export interface EditedTraceRequest {
  /**
   * Time spent, seconds; longer than a day counts as a day.
   */
  seconds?: number | null;
  /**
   * Whether the attention overlay was visible.
   */
  overlay_seen?: boolean | null;
  /**
   * Free text.
   */
  comment?: string | null;
  key: string;
  /**
   * Id of the completion.
   */
  completion: string;
  /**
   * Account that the page belongs to; refused if another one is logged in by now.
   */
  account?: string | null;
  kind: "edited_trace";
  /**
   * @maxItems 1000
   */
  edited_steps: StepEdit[];
}
/**
 * A step rewritten or struck out.
 */
export interface StepEdit {
  /**
   * From 0.
   */
  step: number;
  /**
   * The new text; none strikes it out.
   */
  text?: string | null;
}
/**
 * A completion that is complete and stored.
 */
export interface EndEvent {
  type: "ended";
  completion_id: string;
  index: number;
  text: string;
  finish: "stop" | "length" | "cancelled";
  trace: Trace;
  tokens: number;
  seconds: number;
  first_token_seconds: number | null;
}
/**
 * How a rater leaves an item.
 */
export interface EndRequest {
  /**
   * Whether they skip it; an item with feedback is not marked as skipped.
   */
  skipped?: boolean;
}
/**
 * An item that the rater left.
 */
export interface EndedItem {
  id: string;
  /**
   * Whether it had ended before.
   */
  again: boolean;
}
/**
 * A rectangle in level-0 pixels.
 */
export interface EvidenceBox {
  x: number;
  y: number;
  width: number;
  height: number;
}
/**
 * Evidence maps of a completion.
 */
export interface EvidenceMapsOut {
  columns: number;
  rows: number;
  box: BoxOut;
  /**
   * Of the losses: change of the natural logarithm of a probability.
   */
  unit: "nats" | null;
  method: EvidenceMethod;
  passages: PassageEvidence[];
  tokens: TokenSpan[];
}
/**
 * How evidence was found.
 */
export interface EvidenceMethod {
  name: "occlusion" | "attention x gradient";
  /**
   * Whether it is the quick form, which has no unit and claims nothing.
   */
  quick: boolean;
  /**
   * How places were tested; null in the quick form.
   */
  check: CheckMethodOut | null;
}
/**
 * What a passage depends on.
 */
export interface PassageEvidence {
  name: string;
  /**
   * First token.
   */
  first: number;
  /**
   * One past the last token.
   */
  stop: number;
  /**
   * UTF-16 code unit.
   */
  start: number;
  end: number;
  /**
   * Rows x columns: what the words lose with the cell occluded; negative where they gain.
   */
  losses: number[];
  /**
   * What they lose with all cells occluded; null in the quick form.
   */
  region_loss: number | null;
  /**
   * Null in the quick form, and for tokens until they are tested.
   */
  test: PlaceTest | null;
}
/**
 * Test whether a passage depends on the strongest tenth of its map's cells.
 *
 * Probabilities, 0 to 1, of its words with parts of the picture blurred.
 */
export interface PlaceTest {
  /**
   * It depends on this place, on the region as a whole, or not on the picture.
   */
  claim: "place" | "region" | "none";
  /**
   * The claim for people.
   */
  sentence: string;
  /**
   * With the whole picture.
   */
  as_is: number;
  /**
   * With the picture in its mean colour, or blurred if only that changes it.
   */
  blanked: number;
  /**
   * With the place blurred.
   */
  masked: number;
  /**
   * With as many other cells blurred, at several places; empty if the claim is settled before.
   */
  elsewhere: number[];
  /**
   * The place: cells counted row by row.
   */
  cells: number[];
}
/**
 * Place of a token, in UTF-16 code units.
 */
export interface TokenSpan {
  start: number;
  end: number;
}
/**
 * Tokens whose evidence is to be tested; all passages without them.
 */
export interface EvidenceMapsRequest {
  first?: number | null;
  stop?: number | null;
}
/**
 * The region that shows the answer; null withdraws an earlier one.
 */
export interface EvidenceRequest {
  /**
   * Time spent, seconds; longer than a day counts as a day.
   */
  seconds?: number | null;
  /**
   * Whether the attention overlay was visible.
   */
  overlay_seen?: boolean | null;
  /**
   * Free text.
   */
  comment?: string | null;
  key: string;
  /**
   * Id of the completion.
   */
  completion: string;
  /**
   * Account that the page belongs to; refused if another one is logged in by now.
   */
  account?: string | null;
  kind: "evidence";
  box: EvidenceBox | null;
  /**
   * The outline as drawn, level-0 pixels.
   */
  points?: number[][] | null;
}
/**
 * Formats, and the values to filter by.
 */
export interface ExportChoices {
  formats: ExportFormat[];
  models: string[];
  question_types: string[];
  raters: string[];
  cases: string[];
  /**
   * Number of feedback records that blinding hides from the caller.
   */
  withheld: number;
}
/**
 * A kind of rows.
 */
export interface ExportFormat {
  name: string;
  /**
   * TRL trainer that takes the rows.
   */
  trainer: string;
}
/**
 * An export and its progress.
 */
export interface ExportOut {
  id: string;
  format: string;
  state: "running" | "done" | "failed";
  /**
   * Processed questions.
   */
  done: number;
  total: number;
  error: string | null;
  /**
   * The counts of its manifest; null until it is done.
   */
  counts: {
    [k: string]: unknown;
  } | null;
}
/**
 * An export to start.
 */
export interface ExportRequest {
  /**
   * Kind of rows.
   */
  format: "preference" | "unpaired" | "stepwise" | "grpo" | "sft";
  /**
   * `each`, `majority`, or the number of raters who must agree.
   */
  rule?: string;
  /**
   * Shares of train, validation and test.
   */
  splits?: string;
  /**
   * First day of the feedback, as 2026-03-31.
   */
  since?: string;
  /**
   * Last day.
   */
  until?: string;
  /**
   * IANA time zone of the days; UTC if empty.
   */
  zone?: string;
  /**
   * @maxItems 10000
   */
  models?: string[];
  /**
   * @maxItems 10000
   */
  question_types?: string[];
  /**
   * Pseudonyms, from `GET /api/exports/choices`.
   *
   * @maxItems 10000
   */
  raters?: string[];
  /**
   * @maxItems 10000
   */
  cases?: string[];
  /**
   * Whether to include raters' free text.
   */
  comments?: boolean;
  /**
   * Whether to include feedback on teaching worklists.
   */
  teaching?: boolean;
  /**
   * Licence for users; the one of the settings if empty.
   */
  licence?: string;
}
/**
 * The last event of a question that failed.
 */
export interface FailureEvent {
  type: "failed";
  code: string;
  message: string;
}
/**
 * Stored feedback.
 */
export interface FeedbackReceiptOut {
  id: string;
  created_at: string;
  /**
   * Earlier feedback of the same kind.
   */
  supersedes: string | null;
  reward: Reward;
}
/**
 * Values of the filters.
 */
export interface FilterChoicesOut {
  models: string[];
  tasks: string[];
  organs: string[];
  slides: SlideName[];
  /**
   * Pseudonyms.
   */
  raters: string[];
}
/**
 * A finding, and what is known of it.
 */
export interface Finding {
  name: string;
  text: string;
}
/**
 * A blind question: nothing more follows before the first answer.
 */
export interface FirstAnswerEvent {
  type: "first_answer_wanted";
}
/**
 * State of the service.
 */
export interface Health {
  status: "ok";
  version: string;
  model: ModelHealth;
}
/**
 * State of the model.
 */
export interface ModelHealth {
  state: "starting" | "ready" | "failed" | "stopped";
  sentence: string;
  /**
   * Requests waiting or running.
   */
  waiting: number;
  loaded: LoadedModel | null;
}
/**
 * A model that is loaded.
 */
export interface LoadedModel {
  name: string;
  revision: string;
  architecture: string;
  parameters: number;
  device: string;
  dtype: string;
  attention: string;
}
/**
 * What a person identifies the slide by.
 */
export interface IdentityOut {
  alias: string;
  name: string;
  case: string | null;
  stain: string | null;
  /**
   * The scale in use, in words.
   */
  scale: string;
  label: "shown" | "hidden" | "unnamed" | "none";
}
/**
 * All charts for one set of filters.
 */
export interface Insights {
  choices: FilterChoicesOut;
  charts: ChartOut[];
  /**
   * IANA time zone of the days.
   */
  zone: string;
  /**
   * Number of feedback records that blinding hides from the caller.
   */
  withheld: number;
}
/**
 * A completion of an item.
 */
export interface ItemCompletion {
  id: string;
  index: number;
  text: string;
  /**
   * Whether the caller gave a verdict or vote in this assignment.
   */
  judged: boolean;
}
/**
 * What the trace lacks, and the errors of its steps.
 */
export interface LabelsRequest {
  /**
   * Time spent, seconds; longer than a day counts as a day.
   */
  seconds?: number | null;
  /**
   * Whether the attention overlay was visible.
   */
  overlay_seen?: boolean | null;
  /**
   * Free text.
   */
  comment?: string | null;
  key: string;
  /**
   * Id of the completion.
   */
  completion: string;
  /**
   * Account that the page belongs to; refused if another one is logged in by now.
   */
  account?: string | null;
  kind: "labels";
  /**
   * @maxItems 100
   */
  absences: ("missing_image_features" | "missing_option_elimination" | "missing_knowledge")[];
  /**
   * @maxItems 1000
   */
  steps: StepLabel[];
}
/**
 * Errors of a step.
 */
export interface StepLabel {
  /**
   * From 0.
   */
  step: number;
  /**
   * @maxItems 100
   */
  events: ("wrong_definition" | "contradiction" | "wrong_criterion" | "not_in_region")[];
  /**
   * The words that are wrong; the whole step if none.
   */
  quote?: string | null;
  /**
   * Place of the quote in the completion, UTF-16 code units; found if not given.
   */
  start?: number | null;
  stop?: number | null;
  step_class?: ("Citation" | "Repetition" | "Reasoning" | "Redundancy") | null;
}
/**
 * A pyramid step; level-0 (x, y) is at (x / downsample_x, y / downsample_y) in it.
 */
export interface LevelOut {
  width: number;
  height: number;
  /**
   * Mean of both axes.
   */
  downsample: number;
  downsample_x: number;
  downsample_y: number;
  tile_width: number;
  tile_height: number;
  /**
   * Whether it is in the file; otherwise it is made from a finer one.
   */
  native: boolean;
  /**
   * Whether tiles are the file's own compressed ones.
   */
  passthrough: boolean;
}
/**
 * An evidence region.
 */
export interface MapEvidence {
  box: BoxOut;
  points: number[][] | null;
}
/**
 * Attention maps of a completion.
 *
 * `values` are bytes in base64; a cell's attention is `value / 255 * peak`.
 */
export interface Maps {
  columns: number;
  rows: number;
  layers: number;
  box: BoxOut;
  passages: PassageMap[];
  /**
   * By passage and layer.
   */
  peaks: number[][];
  /**
   * Passages x layers x rows x columns.
   */
  values: string;
  neutral: NeutralMap | null;
  floor: number;
  localised_spread: number;
  least_image_share: number;
  tokens: TokenSpan[];
}
/**
 * What a passage's map says as a whole.
 */
export interface PassageMap {
  name: string;
  /**
   * First token.
   */
  first: number;
  /**
   * One past the last token.
   */
  stop: number;
  /**
   * UTF-16 code unit.
   */
  start: number;
  end: number;
  /**
   * Share of the attention on the picture.
   */
  image_share: number;
  /**
   * 0 is one cell, 1 is even.
   */
  entropy: number;
  spread: number;
  localised: boolean;
  relative_entropy: number | null;
  relative_spread: number | null;
  relative_localised: boolean | null;
}
/**
 * Attention of the neutral question.
 */
export interface NeutralMap {
  peaks: number[];
  /**
   * Layers x rows x columns, as in `Maps`.
   */
  values: string;
}
/**
 * The maps of a completion can be fetched.
 */
export interface MapsEvent {
  type: "maps";
  index: number;
}
/**
 * The caller.
 */
export interface Me {
  /**
   * Id of the account.
   */
  account: string;
  name: string;
  role: Role;
  /**
   * What the caller may do.
   */
  actions: Action[];
  /**
   * Whether the caller has logged in and can log out.
   */
  login: boolean;
  public_demo: boolean;
  /**
   * Who receives the labels of a public demo; empty elsewhere.
   */
  labels_go_to: string;
  label_licence: string;
  version: string;
}
/**
 * The configured model and its state.
 */
export interface ModelFacts {
  name: string;
  state: "starting" | "ready" | "failed" | "stopped";
  sentence: string;
  /**
   * Whether it is the embedded specimen, limited to `question_types`.
   */
  specimen: boolean;
  question_types: string[] | null;
  budget: Budget | null;
  layers: number | null;
  cell_pixels: number;
  max_pixels_limit: number;
  waiting: number;
}
/**
 * All completions have ended; the neutral question runs.
 */
export interface NeutralQuestionEvent {
  type: "comparing";
}
/**
 * The rater's open or next pair; null if there is none.
 */
export interface NextComparison {
  comparison: ComparisonOut | null;
}
/**
 * The rater's open or next item; null if there is none.
 */
export interface NextItem {
  item: WorklistItemOut | null;
  worklist: WorklistName;
  progress: Progress;
}
/**
 * An item as its rater may see it now.
 */
export interface WorklistItemOut {
  id: string;
  worklist: WorklistName;
  slide: SlideName;
  box: BoxOut;
  question: string;
  options: string[];
  task: string | null;
  /**
   * 0, or 1 for a repeat.
   */
  round: number;
  blind: boolean;
  teaching: boolean;
  first_answer: string | null;
  first_confidence: number | null;
  /**
   * Id of the question; null while the rater owes their own answer.
   */
  reading: string | null;
  completions: ItemCompletion[] | null;
  reference_answer: string | null;
  ended: boolean;
}
/**
 * One rater's progress through a list.
 */
export interface Progress {
  items: number;
  /**
   * Items with completions.
   */
  made: number;
  /**
   * Items assigned or available to the rater; excludes those reserved for others.
   */
  mine: number;
  /**
   * Items that the rater finished, not counting repeats.
   */
  done: number;
  /**
   * Finished items that were skipped.
   */
  skipped: number;
}
/**
 * A slide with what is known once it is open.
 */
export interface OpenedSlide {
  id: string;
  /**
   * Displayed name.
   */
  name: string;
  alias: string;
  /**
   * Of level 0, px.
   */
  width: number;
  height: number;
  /**
   * Microns per level-0 pixel; null if unknown or different along the axes.
   */
  mpp: number | null;
  /**
   * Whether a person entered it.
   */
  mpp_by_hand: boolean;
  scale: ScaleOut;
  /**
   * Height of a level-0 pixel over its width.
   */
  pixel_aspect: number;
  objective_power: number | null;
  /**
   * Why the file's magnification is not used.
   */
  objective_power_problem: string | null;
  /**
   * OpenSlide's name of the format.
   */
  vendor: string;
  level_count: number;
  /**
   * How the pixels differ from 8-bit colour.
   */
  pixel_note: string | null;
  identity: IdentityOut;
  /**
   * The scanned part; null if the file does not state it.
   */
  bounds: BoxOut | null;
  /**
   * Colour of areas that were not scanned, #rrggbb.
   */
  background: string;
  colour_profile: ColourProfileOut | null;
  levels: LevelOut[];
  /**
   * Names; empty if the settings hide them.
   */
  associated_images: string[];
}
/**
 * The scale in use, microns per level-0 pixel, and where it is from.
 */
export interface ScaleOut {
  /**
   * Null if the scale is unknown.
   */
  x: number | null;
  y: number | null;
  source: ("file" | "entered") | null;
  /**
   * What the file states, true or not; null if it states nothing.
   */
  claimed: ClaimedScale | null;
  /**
   * Why the entry or the file's statement is not used.
   */
  problem: string | null;
  entered_at: string | null;
  /**
   * Whether it follows from a line of known length; null for a scale of the file.
   */
  by_known_length: boolean | null;
  /**
   * Name of the account.
   */
  entered_by: string | null;
}
/**
 * A person's own answer, given before they see the model's; final.
 */
export interface OwnAnswerRequest {
  answer: string;
  confidence?: number | null;
}
/**
 * The picture that the model saw.
 */
export interface PictureOut {
  /**
   * Pixels; null until the model starts.
   */
  width: number | null;
  height: number | null;
  /**
   * Microns per pixel of the picture; null if the scale is unknown.
   */
  mpp: number | null;
  /**
   * The slide's scale in use when it was asked, with its source.
   */
  scale: {
    [k: string]: unknown;
  } | null;
  colours: {
    [k: string]: unknown;
  } | null;
  /**
   * How the slide's pixels differ from 8-bit colour; null if they do not or it is unknown.
   */
  pixel_note: string | null;
  sha256: string;
}
/**
 * Where the token cells of the picture lie.
 */
export interface Placement {
  box: BoxOut;
  pixel_width: number;
  pixel_height: number;
  columns: number;
  rows: number;
}
/**
 * A vote between two completions of the same question.
 */
export interface PreferenceRequest {
  /**
   * Time spent, seconds; longer than a day counts as a day.
   */
  seconds?: number | null;
  /**
   * Whether the attention overlay was visible.
   */
  overlay_seen?: boolean | null;
  /**
   * Free text.
   */
  comment?: string | null;
  key: string;
  /**
   * Id of the completion.
   */
  completion: string;
  /**
   * Account that the page belongs to; refused if another one is logged in by now.
   */
  account?: string | null;
  kind: "preference";
  /**
   * Id of the other completion.
   */
  other: string;
  /**
   * Id of the one that stood on the left.
   */
  left: string;
  choice: "left" | "tie" | "both_bad" | "right";
  reasons?:
    | ("wrong_finding" | "right_answer_wrong_reason" | "missed_finding" | "unsafe" | "too_long")[]
    | null;
}
/**
 * What the model will see of a region.
 */
export interface PreviewOut {
  width: number;
  height: number;
  columns: number;
  rows: number;
  cells: number[];
  mpp: number | null;
  mpp_source: ("file" | "entered") | null;
  /**
   * Width of a nucleus of 7 µm, px.
   */
  nucleus_px: number | null;
  warnings: string[];
  /**
   * A smaller region in which nuclei can be seen; null if this one will do.
   */
  fit: BoxOut | null;
  colours: {
    [k: string]: unknown;
  } | null;
  /**
   * PNG as a data URL.
   */
  picture: string;
}
/**
 * A region to be previewed.
 */
export interface PreviewRequest {
  box: Box;
  /**
   * The outline as drawn; none for an upright rectangle.
   */
  points?: number[][] | null;
  /**
   * Whether pixels outside the outline are painted in the slide's background colour.
   */
  paint_outside?: boolean;
  /**
   * Largest area of the picture, px; the model's own if none.
   */
  max_pixels?: number | null;
  /**
   * Corrected to sRGB by the slide's colour profile where it has one, or as scanned.
   */
  colours?: "corrected" | "raw";
  /**
   * Name of the question template, for warnings about its needs.
   */
  task?: string | null;
}
/**
 * A question and all that is known of its completions.
 */
export interface Question {
  id: string;
  slide: SlideName;
  /**
   * What was seen of the slide when it was asked.
   */
  slide_identity: {
    [k: string]: unknown;
  } | null;
  box: BoxOut;
  points: number[][] | null;
  paint_outside: boolean;
  question: string;
  options: string[];
  context: {
    [k: string]: unknown;
  };
  task: string | null;
  /**
   * Whether the model was not trained on this type of question.
   */
  outside_known_types: boolean;
  prompt: string;
  system: string | null;
  sampling: {
    [k: string]: unknown;
  };
  budget: Budget;
  count: number;
  blind: boolean;
  /**
   * The caller's own answer.
   */
  first_answer: string | null;
  first_confidence: number | null;
  picture: PictureOut;
  placements: Placement[];
  quickhash: string | null;
  model: string;
  model_revision: string | null;
  model_info: {
    [k: string]: unknown;
  } | null;
  prompt_tokens: number | null;
  created_at: string;
  ended_at: string | null;
  state: "running" | "done" | "failed" | "stopped";
  error: string | null;
  /**
   * Empty while the caller owes their own answer.
   */
  completions: CompletionOut[];
  /**
   * Number of completions by answer; null below two completions.
   */
  agreement: {
    [k: string]: number;
  } | null;
}
/**
 * Facts about the case that the prompt gives to the model.
 */
export interface QuestionContext {
  organ?: string;
  specimen?: string;
  stain?: string;
  history?: string;
}
/**
 * A question about a region of a slide.
 */
export interface QuestionRequest {
  box: Box;
  /**
   * The outline as drawn; none for an upright rectangle.
   */
  points?: number[][] | null;
  /**
   * Whether pixels outside the outline are painted in the slide's background colour.
   */
  paint_outside?: boolean;
  /**
   * Largest area of the picture, px; the model's own if none.
   */
  max_pixels?: number | null;
  /**
   * Corrected to sRGB by the slide's colour profile where it has one, or as scanned.
   */
  colours?: "corrected" | "raw";
  /**
   * Id of the slide.
   */
  slide: string;
  /**
   * What the caller saw of the slide; checked if given.
   */
  identity?: SeenIdentity | null;
  /**
   * The question.
   */
  question: string;
  /**
   * Answer options; none for a free answer.
   */
  options?: string[] | null;
  /**
   * Facts about the case that the prompt gives to the model.
   */
  context?: QuestionContext | null;
  /**
   * Names from `GET /api/questions`, whose visible attributes are added to the prompt.
   */
  findings?: string[] | null;
  /**
   * Name of the question template, from `GET /api/questions`.
   */
  task?: string | null;
  /**
   * How tokens are chosen.
   */
  sampling?: SamplingRequest | null;
  /**
   * Number of answers.
   */
  count?: number;
  /**
   * Whether the answers are hidden until the caller has given their own.
   */
  blind?: boolean;
}
/**
 * The `identity` of `GET /api/slides/{id}`, as the caller saw it.
 */
export interface SeenIdentity {
  alias: string;
  name: string;
  case: string | null;
  stain: string | null;
  scale: string;
  label: "shown" | "hidden" | "unnamed" | "none";
}
/**
 * How tokens are chosen; what is left out has the model's default.
 */
export interface SamplingRequest {
  /**
   * 0 takes the likeliest token.
   */
  temperature?: number | null;
  /**
   * The same request and seed give the same tokens.
   */
  seed?: number | null;
  /**
   * Maximum tokens of an answer.
   */
  max_new_tokens?: number | null;
}
/**
 * A question in the history.
 */
export interface QuestionRow {
  id: string;
  slide: string;
  created_at: string;
  state: "running" | "done" | "failed" | "stopped";
  question: string;
  box: BoxOut;
  model: string;
  answers: (string | null)[];
}
/**
 * A question that the page offers.
 */
export interface QuestionTemplate {
  task: string;
  label: string;
  text: string;
  options: string[];
  needs_finding: boolean;
  /**
   * Whether the model was trained on it.
   */
  known: boolean;
}
/**
 * The questions and findings that the page offers.
 */
export interface QuestionTemplates {
  tasks: QuestionTemplate[];
  findings: Finding[];
}
/**
 * The question waits for the model.
 */
export interface QueueEvent {
  type: "queued";
  /**
   * Number of questions before it.
   */
  position: number;
}
/**
 * Changes of a region; what is left out stays.
 */
export interface RegionChange {
  name?: string | null;
  shape?: ("rectangle" | "polygon") | null;
  points?: number[][] | null;
}
/**
 * What became of a file's features.
 */
export interface RegionImport {
  /**
   * Number of regions.
   */
  imported: number;
  skipped: SkippedFeature[];
  clipped: ClippedFeature[];
  regions: RegionOut[];
}
/**
 * A feature of a file that was not imported.
 */
export interface SkippedFeature {
  /**
   * Place in the file, from 0.
   */
  index: number;
  reason: string;
}
/**
 * A saved region.
 */
export interface RegionOut {
  id: string;
  name: string;
  shape: "rectangle" | "polygon";
  points: number[][];
  box: BoxOut;
  /**
   * Null if the slide's scale is unknown.
   */
  width_um: number | null;
  height_um: number | null;
  area_mm2: number | null;
  /**
   * Whether the scale was entered by a person.
   */
  mpp_by_hand: boolean;
}
/**
 * A region to save.
 */
export interface RegionRequest {
  /**
   * A number is given to a region without a name.
   */
  name?: string;
  shape: "rectangle" | "polygon";
  points: number[][];
}
/**
 * A file in the slide folders that cannot be shown.
 */
export interface RejectedFileOut {
  /**
   * Its folder, or its path in there if the settings show names.
   */
  name: string;
  reason: string;
}
/**
 * The newest questions on a slide.
 */
export interface SlideMap {
  questions: SlideMapQuestion[];
  /**
   * Whether older ones are left out.
   */
  more: boolean;
}
/**
 * A question on the slide map.
 */
export interface SlideMapQuestion {
  reading: string;
  question: string;
  created_at: string;
  /**
   * `mixed` if raters disagree.
   */
  verdict:
    | (
        | "correct"
        | "partly_correct"
        | "incorrect"
        | "unsure"
        | "not_assessable"
        | "unsuitable_question"
        | "mixed"
      )
    | null;
  evidence: MapEvidence[];
  box: BoxOut;
  points: number[][] | null;
}
/**
 * A slide in the list.
 */
export interface SlideOut {
  id: string;
  /**
   * Displayed name.
   */
  name: string;
  alias: string;
  /**
   * Of level 0, px.
   */
  width: number;
  height: number;
  /**
   * Microns per level-0 pixel; null if unknown or different along the axes.
   */
  mpp: number | null;
  /**
   * Whether a person entered it.
   */
  mpp_by_hand: boolean;
  scale: ScaleOut;
  /**
   * Height of a level-0 pixel over its width.
   */
  pixel_aspect: number;
  objective_power: number | null;
  /**
   * Why the file's magnification is not used.
   */
  objective_power_problem: string | null;
  /**
   * OpenSlide's name of the format.
   */
  vendor: string;
  level_count: number;
  /**
   * How the pixels differ from 8-bit colour.
   */
  pixel_note: string | null;
  identity: IdentityOut;
  /**
   * The scanned part; null if the file does not state it.
   */
  bounds: BoxOut | null;
  /**
   * Colour of areas that were not scanned, #rrggbb.
   */
  background: string;
  colour_profile: ColourProfileOut | null;
}
/**
 * The model reads the question.
 */
export interface StartEvent {
  type: "started";
  model: string;
  placements: Placement[];
  prompt_tokens: number | null;
}
/**
 * Something that was stored, or that a request concerned.
 */
export interface StoredId {
  /**
   * Its id.
   */
  id: string;
}
/**
 * A completion up to now; at most 20 a second.
 */
export interface TextEvent {
  type: "text";
  index: number;
  text: string;
  trace: Trace;
}
/**
 * The withdrawal of a vote.
 */
export interface UndoRequest {
  key: string;
}
/**
 * An announced upload.
 */
export interface UploadBegun {
  upload_id: string;
  /**
   * Bytes received: where the next piece begins.
   */
  offset: number;
  /**
   * Bytes announced.
   */
  size: number;
  /**
   * Recommended length of a piece.
   */
  chunk_bytes: number;
}
/**
 * An upload in progress.
 */
export interface UploadOut {
  upload_id: string;
  /**
   * Bytes received: where the next piece begins.
   */
  offset: number;
  /**
   * Bytes announced.
   */
  size: number;
}
/**
 * A file to upload.
 */
export interface UploadRequest {
  /**
   * Its name, which says the format.
   */
  name: string;
  /**
   * Bytes.
   */
  size: number;
}
/**
 * A slide whose upload is complete.
 */
export interface UploadedSlide {
  slide_id: string;
  name: string;
}
/**
 * A verdict on the answer.
 */
export interface VerdictRequest {
  /**
   * Time spent, seconds; longer than a day counts as a day.
   */
  seconds?: number | null;
  /**
   * Whether the attention overlay was visible.
   */
  overlay_seen?: boolean | null;
  /**
   * Free text.
   */
  comment?: string | null;
  key: string;
  /**
   * Id of the completion.
   */
  completion: string;
  /**
   * Account that the page belongs to; refused if another one is logged in by now.
   */
  account?: string | null;
  kind: "verdict";
  verdict:
    | "correct"
    | "partly_correct"
    | "incorrect"
    | "unsure"
    | "not_assessable"
    | "unsuitable_question";
  corrected_answer?: string | null;
  confidence?: number | null;
}
/**
 * A vote on a comparison, whose sides the server knows.
 */
export interface VoteRequest {
  /**
   * Time spent, seconds; longer than a day counts as a day.
   */
  seconds?: number | null;
  /**
   * Whether the attention overlay was visible.
   */
  overlay_seen?: boolean | null;
  /**
   * Free text.
   */
  comment?: string | null;
  key: string;
  choice: "left" | "tie" | "both_bad" | "right";
  reasons?:
    | ("wrong_finding" | "right_answer_wrong_reason" | "missed_finding" | "unsafe" | "too_long")[]
    | null;
}
/**
 * A worklist with the caller's progress.
 */
export interface WorklistOut {
  items: number;
  /**
   * Items with completions.
   */
  made: number;
  /**
   * Items assigned or available to the rater; excludes those reserved for others.
   */
  mine: number;
  /**
   * Items that the rater finished, not counting repeats.
   */
  done: number;
  /**
   * Finished items that were skipped.
   */
  skipped: number;
  id: string;
  name: string;
  blind: boolean;
  teaching: boolean;
}
/**
 * What went wrong.
 */
export interface ErrorDetail {
  /**
   * For programs; stable.
   */
  code: string;
  /**
   * For people: the value and the way out.
   */
  message: string;
}
/**
 * Any refusal or failure.
 */
export interface ErrorResponse {
  error: ErrorDetail;
}
/**
 * What each operation takes and gives, by method and path.
 */
export interface Operations {
  "GET /api/health": {
    answer: Health;
  };
  "GET /api/me": {
    answer: Me;
  };
  "GET /api/metrics": {
    answer: string;
  };
  "GET /api/slides": {
    answer: SlideOut[];
  };
  "GET /api/slides/rejected": {
    answer: RejectedFileOut[];
  };
  "GET /api/slides/{slide_id}": {
    path: {
      slide_id: string;
    };
    answer: OpenedSlide;
  };
  "PATCH /api/slides/{slide_id}": {
    path: {
      slide_id: string;
    };
    json: DescriptionRequest;
    answer: SlideOut;
  };
  "GET /api/slides/{slide_id}/thumbnail": {
    path: {
      slide_id: string;
    };
    answer: string;
    query?: {
      size?: number;
    };
  };
  "GET /api/slides/{slide_id}/region": {
    path: {
      slide_id: string;
    };
    query: {
      x: number;
      y: number;
      width: number;
      height: number;
      /**
       * Largest area of the picture, px; the region's own if none.
       */
      max_pixels?: number | null;
      /**
       * Corrected to sRGB by the slide's colour profile where it has one, or as scanned.
       */
      colours?: "corrected" | "raw";
    };
    answer: string;
  };
  "GET /api/slides/{slide_id}/colours": {
    path: {
      slide_id: string;
    };
    answer: ColourTableOut;
  };
  "GET /api/slides/{slide_id}/associated/{name}": {
    path: {
      slide_id: string;
      name: string;
    };
    answer: string;
  };
  "GET /api/slides/{slide_id}/regions": {
    path: {
      slide_id: string;
    };
    answer: RegionOut[];
  };
  "POST /api/slides/{slide_id}/regions": {
    path: {
      slide_id: string;
    };
    json: RegionRequest;
    answer: RegionOut;
  };
  "PUT /api/slides/{slide_id}/regions/{region_id}": {
    path: {
      slide_id: string;
      region_id: string;
    };
    json: RegionChange;
    answer: RegionOut;
  };
  "DELETE /api/slides/{slide_id}/regions/{region_id}": {
    path: {
      slide_id: string;
      region_id: string;
    };
    answer: null;
  };
  "GET /api/slides/{slide_id}/regions.geojson": {
    path: {
      slide_id: string;
    };
    answer: unknown;
    query?: {
      bounds_offset?: number;
    };
  };
  "POST /api/slides/{slide_id}/regions.geojson": {
    path: {
      slide_id: string;
    };
    answer: RegionImport;
    query?: {
      bounds_offset?: number;
    };
  };
  "GET /api/model": {
    answer: ModelFacts;
  };
  "GET /api/questions": {
    answer: QuestionTemplates;
  };
  "POST /api/slides/{slide_id}/preview": {
    path: {
      slide_id: string;
    };
    json: PreviewRequest;
    answer: PreviewOut;
  };
  "POST /api/readings": {
    json: QuestionRequest;
    answer: StoredId;
  };
  "GET /api/readings": {
    answer: QuestionRow[];
    query?: {
      /**
       * Only those on this slide.
       */
      slide?: string | null;
      /**
       * At most 100.
       */
      limit?: number;
      /**
       * Id of the last question of the page before.
       */
      before?: string | null;
    };
  };
  "GET /api/readings/{question_id}": {
    path: {
      question_id: string;
    };
    answer: Question;
  };
  "GET /api/readings/{question_id}/events": {
    path: {
      question_id: string;
    };
    answer:
      | QueueEvent
      | StartEvent
      | FirstAnswerEvent
      | TextEvent
      | AttentionEvent
      | EndEvent
      | NeutralQuestionEvent
      | MapsEvent
      | DoneEvent
      | FailureEvent;
  };
  "POST /api/readings/{question_id}/stop": {
    path: {
      question_id: string;
    };
    answer: StoredId;
  };
  "POST /api/readings/{question_id}/again": {
    path: {
      question_id: string;
    };
    answer: StoredId;
  };
  "POST /api/readings/{question_id}/first-answer": {
    path: {
      question_id: string;
    };
    json: OwnAnswerRequest;
    answer: StoredId;
  };
  "GET /api/readings/{question_id}/picture.png": {
    path: {
      question_id: string;
    };
    answer: string;
  };
  "GET /api/readings/{question_id}/report.html": {
    path: {
      question_id: string;
    };
    answer: string;
  };
  "GET /api/worklists/{worklist_id}/report.html": {
    path: {
      worklist_id: string;
    };
    answer: string;
  };
  "GET /api/readings/{question_id}/completions/{index}/maps": {
    path: {
      question_id: string;
      index: number;
    };
    answer: Maps;
    query?: {
      first?: number | null;
      stop?: number | null;
    };
  };
  "GET /api/slides/{slide_id}/map": {
    path: {
      slide_id: string;
    };
    answer: SlideMap;
  };
  "POST /api/feedback": {
    json: VerdictRequest | LabelsRequest | EditedTraceRequest | EvidenceRequest | PreferenceRequest;
    answer: FeedbackReceiptOut;
  };
  "GET /api/completions/{completion_id}/feedback": {
    path: {
      completion_id: string;
    };
    answer: CompletionFeedback;
  };
  "GET /api/comparisons": {
    answer: ComparisonList[];
  };
  "POST /api/comparisons": {
    json: QuestionRequest;
    answer: ComparisonOut;
  };
  "POST /api/worklists/{worklist_id}/compare": {
    path: {
      worklist_id: string;
    };
    answer: NextComparison;
  };
  "GET /api/comparisons/{comparison_id}": {
    path: {
      comparison_id: string;
    };
    answer: ComparisonOut;
  };
  "POST /api/comparisons/{comparison_id}/vote": {
    path: {
      comparison_id: string;
    };
    json: VoteRequest;
    answer: ComparisonOut;
  };
  "POST /api/comparisons/{comparison_id}/undo": {
    path: {
      comparison_id: string;
    };
    json: UndoRequest;
    answer: ComparisonOut;
  };
  "POST /api/comparisons/{comparison_id}/skip": {
    path: {
      comparison_id: string;
    };
    answer: ComparisonOut;
  };
  "GET /api/comparisons/{comparison_id}/{side}/maps": {
    path: {
      comparison_id: string;
      side: "left" | "right";
    };
    answer: Maps;
    query?: {
      first?: number | null;
      stop?: number | null;
    };
  };
  "GET /api/audit": {
    answer: AuditEntry[];
    query?: {
      /**
       * Id of the last entry of the page before.
       */
      after?: number;
      limit?: number;
    };
  };
  "GET /api/worklists": {
    answer: WorklistOut[];
  };
  "POST /api/worklists/{worklist_id}/next": {
    path: {
      worklist_id: string;
    };
    answer: NextItem;
  };
  "GET /api/worklist-items/{item_id}": {
    path: {
      item_id: string;
    };
    answer: WorklistItemOut;
  };
  "POST /api/worklist-items/{item_id}/first-answer": {
    path: {
      item_id: string;
    };
    json: OwnAnswerRequest;
    answer: WorklistItemOut;
  };
  "POST /api/worklist-items/{item_id}/end": {
    path: {
      item_id: string;
    };
    json: EndRequest;
    answer: EndedItem;
  };
  "POST /api/readings/{question_id}/completions/{index}/deletion": {
    path: {
      question_id: string;
      index: number;
    };
    json: DeletionCheckRequest;
    answer: DeletionCheckOut;
  };
  "GET /api/readings/{question_id}/completions/{index}/evidence": {
    path: {
      question_id: string;
      index: number;
    };
    answer: EvidenceMapsOut;
    query?: {
      first?: number | null;
      stop?: number | null;
    };
  };
  "POST /api/readings/{question_id}/completions/{index}/evidence": {
    path: {
      question_id: string;
      index: number;
    };
    json: EvidenceMapsRequest;
    answer: EvidenceMapsOut;
  };
  "POST /api/uploads": {
    json: UploadRequest;
    answer: UploadBegun;
  };
  "PATCH /api/uploads/{upload_id}": {
    path: {
      upload_id: string;
    };
    answer: UploadOut | UploadedSlide;
  };
  "DELETE /api/uploads/{upload_id}": {
    path: {
      upload_id: string;
    };
    answer: null;
  };
  "GET /api/insights": {
    answer: Insights;
    query?: {
      /**
       * First day, as 2026-03-31.
       */
      since?: string;
      /**
       * Last day.
       */
      until?: string;
      /**
       * IANA time zone of the days; UTC if empty.
       */
      zone?: string;
      model?: string | null;
      /**
       * Question type; empty for questions without a known type.
       */
      task?: string | null;
      /**
       * Empty where it is unknown.
       */
      organ?: string | null;
      /**
       * Id of the slide.
       */
      slide?: string | null;
      /**
       * Pseudonym, from `choices`.
       */
      rater?: string | null;
      /**
       * Only votes cast without knowing the models' names.
       */
      votes?: "blind" | null;
    };
  };
  "GET /api/insights/{chart}.csv": {
    path: {
      chart: string;
    };
    answer: string;
    query?: {
      /**
       * First day, as 2026-03-31.
       */
      since?: string;
      /**
       * Last day.
       */
      until?: string;
      /**
       * IANA time zone of the days; UTC if empty.
       */
      zone?: string;
      model?: string | null;
      /**
       * Question type; empty for questions without a known type.
       */
      task?: string | null;
      /**
       * Empty where it is unknown.
       */
      organ?: string | null;
      /**
       * Id of the slide.
       */
      slide?: string | null;
      /**
       * Pseudonym, from `choices`.
       */
      rater?: string | null;
      /**
       * Only votes cast without knowing the models' names.
       */
      votes?: "blind" | null;
    };
  };
  "GET /api/exports": {
    answer: ExportOut[];
  };
  "POST /api/exports": {
    json: ExportRequest;
    answer: ExportOut;
  };
  "GET /api/exports/choices": {
    answer: ExportChoices;
  };
  "GET /api/exports/{export_id}.zip": {
    path: {
      export_id: string;
    };
    answer: string;
  };
  "GET /api/exports/{export_id}": {
    path: {
      export_id: string;
    };
    answer: ExportOut;
  };
}

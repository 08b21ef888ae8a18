/** Shapes that the page's scripts share beside those of the API. */

import type {
  AttentionEvent,
  Box,
  CompletionOut,
  ComparisonOut,
  EvidenceBox,
  EvidenceMapsOut,
  FeedbackReceiptOut,
  FeedbackRequest,
  Maps,
  Me,
  ModelFacts,
  OpenedSlide,
  Operations,
  OwnFeedback,
  CompletionFeedback,
  Progress,
  Question,
  RegionOut,
  Side,
  SlideMap,
  SlideOut,
  StepLabel,
  VerdictRequest,
  LabelsRequest,
  Vote,
  WorklistItemOut,
  WorklistName,
  WorklistOut,
} from "./api_types";
import type { Canvas } from "./static/viewer/slide_canvas.js";

/** What a call of an operation sends, and how. */
export type Sent<Name extends keyof Operations> = Omit<Operations[Name], "answer"> & {
  body?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  keepalive?: boolean;
};
/** The arguments after the operation's name: none are needed where nothing has to be sent. */
export type Given<Name extends keyof Operations> =
  Partial<Sent<Name>> extends Sent<Name> ? [sent?: Sent<Name>] : [sent: Sent<Name>];
export type Answer<Name extends keyof Operations> = Operations[Name]["answer"];

/** What went wrong; an ApiError has a code and a status, which is 0 where there was no answer. */
export interface Failure extends Error {
  code?: string;
  status?: number;
  headers?: Headers | null;
}

/** What Python hands to a panel. */
export interface PanelProps {
  root: string;
  /** Path of OpenSeadragon's script. */
  library: string;
  /** Whether visitors are told apart by a name of the tab. */
  visitors: boolean;
}

/** A value of an attribute; true and false set it and leave it out, null leaves it out. */
type Attribute = string | number | boolean | null | undefined;
/** Attributes of a node; `on...` functions become listeners. */
export interface Attributes {
  [name: string]: Attribute | ((event: never) => unknown);
  onclick?: (event: MouseEvent) => unknown;
  onsubmit?: (event: SubmitEvent) => unknown;
  onkeydown?: (event: KeyboardEvent) => unknown;
}
export type Child = Node | string | number | null | undefined | false;

/** An entry of the key table; `keys` are KeyboardEvent.key values after "Alt+", "Ctrl+", "Shift+". */
export interface KeyEntry {
  keys: string[];
  shown: string;
  what: string;
  group: string;
  run: (event: KeyboardEvent) => unknown;
}

export interface Message {
  text: string;
  kind: string;
  action?: MessageAction | null;
}
export interface MessageAction {
  label: string;
  run?: () => unknown;
  href?: string;
}

/** [x, y] in level-0 pixels unless a name says otherwise. */
export type Point = number[];
/** Microns per level-0 pixel. */
export interface PixelSize {
  x: number;
  y: number;
}
/** Width and height of a slide, level-0 pixels. */
export interface Extent {
  width: number;
  height: number;
}
/** What of a slide lengths need; null or missing where the scale is unknown. */
export interface Scaled {
  scale?: { x?: number | null; y?: number | null };
}
/** What of a slide the geometry of regions needs. */
export type ScaledSlide = Extent & Scaled;
/** What of a slide magnifications need. */
export type PoweredSlide = Scaled & { objective_power?: number | null };
/** Centre in level 0, level-0 pixels per screen pixel, degrees clockwise. */
export interface View {
  x: number;
  y: number;
  downsample: number;
  rotation: number;
}
export type Shape = RegionOut["shape"];
/** What of a region its geometry needs. */
export type Drawn = Pick<RegionOut, "shape" | "points">;
/** A region of the page. `id` is the page's and never changes. */
export interface Region extends Pick<RegionOut, "id" | "name" | "shape" | "points" | "box"> {
  /** Whether the server has it as it is shown. */
  saved: boolean;
  /** Whether it is being saved or about to be. */
  waiting: boolean;
}
/** Who takes the next shape that is drawn in place of the list of regions. */
export interface DrawInto {
  hint: string;
  take: (shape: Shape, points: Point[]) => void;
}

export type Finish = Side["finish"];
/** A completion on the screen; without id, trace and finish before it is told of. */
export interface Completion extends Partial<Omit<CompletionOut, "id" | "trace" | "finish">> {
  id: string | null;
  index: number;
  text: string;
  trace: CompletionOut["trace"] | null;
  finish: Finish | null;
  state: "streaming" | "done" | "cut off";
  /** Whether its maps can be fetched. */
  maps?: boolean;
}
/** A question while it is answered. */
export interface Answering {
  id: string | null;
  state: "queued" | "waiting first answer" | "running" | "comparing" | "done" | "failed";
  placements: Question["placements"];
  completions: Completion[];
  position?: number | null;
  error?: string | null;
}
/** The question on the screen. */
export interface Reading extends Answering, Partial<Omit<Question, "slide" | keyof Answering>> {
  id: string;
  slide: string;
  slide_name?: string;
  box: Box;
  points: Point[] | null;
  question: string;
  options: string[];
  /** The worklist's item that it belongs to. */
  item?: WorklistItemOut;
}
/** The last `attention` event of each passage of an answer. */
export interface LiveMaps {
  newest: string;
  passages: Record<string, AttentionEvent>;
}

/** Maps with their bytes decoded. */
export interface DecodedMaps extends Omit<Maps, "values" | "neutral"> {
  values: Uint8Array;
  neutral: { peaks: number[]; values: Uint8Array } | null;
}
/** Attention of the cells, by rows, summing to 1. */
export interface HeatMap {
  columns: number;
  rows: number;
  weights: Float64Array;
  imageShare: number;
  /** Whether it is over that of a neutral question. */
  relative: boolean;
}
/** What glows on the slide, or a sentence why nothing does. */
export type Glow = MapGlow | SaidGlow;
export type MapGlow = AttentionGlow | EvidenceGlow;
/** What is drawn: what the words depend on, or where the model looked. */
export type MapView = "evidence" | "attention";
interface GlowBase {
  title: string;
  /** What the numbers are. */
  kind: string;
  box: Box;
  map: HeatMap;
  /** Even shares at the upper end of the scale. */
  peak: number;
  sentence: string;
}
export interface AttentionGlow extends GlowBase {
  view: "attention";
  verdict: "localised" | "diffuse" | "elsewhere";
  /** Whether the answer is being written. */
  live?: boolean;
}
export interface EvidenceGlow extends GlowBase {
  view: "evidence";
  verdict: "place" | "region" | "none" | "quick" | "untested";
  /** Loss at the upper end of the scale. */
  top: number;
  /** Of `top`; null in the quick form. */
  unit: "nats" | null;
}
export interface SaidGlow {
  view: MapView;
  title: string;
  kind: string;
  box: Box | null;
  map: null;
  sentence: string;
}
/** The maps of the shown answer. */
export interface AnswerMaps {
  key: string;
  state: "waiting" | "loading" | "ready" | "failed";
  sentence: string;
  told: DecodedMaps | null;
}
/** What the shown answer depends on. */
export interface AnswerEvidence {
  key: string;
  state: "waiting" | "finding" | "ready" | "failed";
  sentence: string;
  /** Whether it may go well another time. */
  again: boolean;
  told: EvidenceMapsOut | null;
}
/** Where a word stands: in the completion's text, and `within` its passage; UTF-16 units. */
export interface Spot {
  passage: string;
  text: string;
  start: number;
  end: number;
  within: number;
  /** Whether it is pointed at, and not stepped to by keys. */
  pointed: boolean;
}
/** A word as tokens of the answer. */
export interface Word extends Spot {
  first: number;
  stop: number;
}
export interface ShownWord extends Word {
  /** Key of the answer. */
  of: string;
  /** Whether its evidence is shown, and not its attention. */
  ofEvidence: boolean;
  /** Null until it is here. */
  told: DecodedMaps | null;
  /** Null until it is here. */
  evidence: EvidenceMapsOut | null;
  sentence: string;
}
/** How maps are drawn; from `grid` on in research mode only. */
export interface HeatSettings {
  on: boolean;
  /** Which map is drawn once an answer is complete. */
  view: MapView;
  /** 0.1 to 1, at the greatest value. */
  opacity: number;
  /** Even shares below which nothing is drawn. */
  threshold: number;
  /** Name of a colour map. */
  colours: string;
  grid: boolean;
  kind: "relative" | "raw";
  /** First and last from 0; null for all. */
  layers: number[] | null;
  /** Whether diffuse maps are drawn too. */
  diffuse: boolean;
  /** Whether all passages share one scale. */
  together: boolean;
}

export type StepMark = Omit<StepLabel, "step">;
export interface Evidence {
  box: EvidenceBox;
  points: Point[] | null;
}
/** What a rater says about one completion, before and after it is submitted; steps from 0. */
export interface Draft {
  completion: string;
  verdict: VerdictRequest["verdict"] | null;
  corrected: string;
  confidence: number | null;
  comment: string;
  absences: LabelsRequest["absences"];
  steps: Record<number, StepMark>;
  /** New text of a step; null strikes it out. */
  edits: Record<number, string | null>;
  evidence: Evidence | null;
}
export type Kind = "verdict" | "labels" | "edited_trace" | "evidence";
type OfKind<K extends Kind> = Extract<FeedbackRequest, { kind: K }>;
/** What is said of a kind, without what goes along with every submission. */
type Content<K extends Kind> = Omit<
  OfKind<K>,
  "key" | "completion" | "account" | "kind" | "seconds" | "overlay_seen"
>;
/** What a draft says, by kind; its verdict may be wanting still. */
export type Contents = { [K in Exclude<Kind, "verdict">]: Content<K> } & {
  verdict: Omit<Content<"verdict">, "verdict"> & { verdict: VerdictRequest["verdict"] | null };
};
/** What was submitted, by kind, as far as a draft needs it. */
export type Known = { [K in Kind]?: Partial<Contents[K]> | OwnFeedback[K] | null };
/** A body of POST /api/feedback, and before it is queued. */
export type SentJudgment = OfKind<Kind>;
export type Judgment = DistributiveOmit<SentJudgment, "key">;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** The stored judgment of the completion on the screen. */
export interface Judged {
  completion: string;
  known: Known;
  /** Own feedback, newest first. */
  history: CompletionFeedback["history"];
  others: CompletionFeedback["others"];
  withheld: boolean;
  reward: CompletionFeedback["reward"] | null;
  /** ISO time. */
  savedAt: string | null;
  /** Sentence. */
  refused: string | null;
  /** Whether the server has told. */
  loaded: boolean;
  /** Whether the draft was begun on an earlier visit. */
  recalled: boolean;
}
/** What became of a submission. */
export interface Answered {
  body: SentJudgment;
  answer?: FeedbackReceiptOut;
  /** Refused for good. */
  refused?: Failure;
}
/** A value of a row of buttons. */
export interface Choice<Name> {
  name: Name;
  label: string;
  about?: string;
  key?: string;
}
export interface Tick<Name> {
  name: Name;
  sentence: string;
  hint?: string;
  key?: string;
}
export interface RewardConstants {
  event_cost: number;
  right: number;
  wrong: number;
  highest: number;
}
/** The words of judgments. */
export interface Vocabulary {
  verdicts: (Choice<VerdictRequest["verdict"]> & { outcome: number | null })[];
  absences: Tick<LabelsRequest["absences"][number]>[];
  errors: Tick<StepLabel["events"][number]>[];
  classes: { name: NonNullable<StepLabel["step_class"]>; about: string }[];
  reward: RewardConstants;
}

export type SideName = "left" | "right";
export type BySide<T> = Record<SideName, T>;
/** A side of a comparison while it is written. */
export type ShownSide = Pick<Completion, "text" | "trace" | "finish">;
/** The comparison on the screen. */
export interface Comparison extends Omit<ComparisonOut, "sides"> {
  sides: BySide<ShownSide>;
  /** Whether it waits for the model. */
  waiting?: boolean;
}
export interface BallotDraft {
  reasons: Vote["reasons"];
  comment: string;
}
/** The words of votes. */
export interface VoteWords {
  choices: { name: Vote["choice"]; label: string }[];
  reasons: { name: Vote["reasons"][number]; label: string }[];
}
/** The list that is walked. */
export interface WalkedList extends WorklistName {
  progress: Progress;
  /** Sentence. */
  trouble: string | null;
}

/** What the panels of the page share, by name; see core/store.js. */
export interface StoreValues {
  /** Sub-path under which the program is served, "" or "/path". */
  root: string | undefined;
  me: Me | undefined;
  slides: SlideOut[] | undefined;
  /** The slide on the screen. */
  slide: OpenedSlide | undefined;
  /** Those of that slide. */
  regions: Region[];
  /** Id of the selected region. */
  selected: string | null;
  /** Name of the tool in hand. */
  tool: string;
  /** The two ends of the measured line, level 0. */
  measured: Point[] | null;
  message: Message | null;
  /** The mounted viewer. */
  canvas: Canvas | undefined;
  /** Whether colours are corrected where a profile applies; kept for the account. */
  corrected: boolean;
  /** Ids of slides that this page could not correct; all of their tiles are shown as scanned. */
  uncorrected: Set<string>;
  /** What the user touched last. */
  mode: "pointer" | "keys";
  /** Whether research mode is on; kept for the account. */
  research: boolean;
  drawInto: DrawInto | null;
  model: PageModel | undefined;
  /** The question on the screen. */
  reading: Reading | null;
  /** Index of the answer that is shown. */
  completion: number;
  /** "step 1".., "answer", or null for the newest. */
  step: string | null;
  /** By the answer's index, while answers are written. */
  liveMaps: Record<number, LiveMaps> | null;
  /** Null while it is put away. */
  slideMap: SlideMap | null;
  maps: AnswerMaps | null;
  evidence: AnswerEvidence | null;
  /** The single word whose map is shown. */
  word: ShownWord | null;
  heat: HeatSettings;
  glow: Glow | null;
  /** Whether a map of the shown answer was ever drawn. */
  heatSeen: boolean;
  vocabulary: Vocabulary;
  /** Null where there is nothing to judge. */
  draft: Draft | null;
  judged: Judged | null;
  /** Index of the step whose labels are open. */
  marking: number | null;
  /** How many judgments are not stored yet, and why the first is not. */
  sending: { waiting: number; trouble: string | null };
  answered: Answered | null;
  /** Null before they are known. */
  worklists: WorklistOut[] | null;
  worklist: WalkedList | null;
  /** The item in hand; null at the end of the list. */
  item: WorklistItemOut | null;
  /** Whether something of the list is on its way; keys that come meanwhile do nothing. */
  walking: boolean;
  comparison: Comparison | null;
  /** Id of the worklist; null for questions of one's own. */
  list: string | null;
  /** Whose attention lies on the slide. */
  side: SideName;
  /** The passage that is selected; null for the whole answer. */
  steps: BySide<string | null>;
  /** The last `attention` event while an answer is written. */
  liveEvents: BySide<AttentionEvent | null>;
  ballot: BallotDraft;
  /** Whether the server is being asked. */
  busy: boolean;
  sideMaps: BySide<DecodedMaps | { missing: string } | null>;
  /** The left answer's of two views, else that of the side on the slide. */
  firstGlow: Glow | null;
  /** The right answer's. */
  secondGlow: Glow | null;
  /** Whether two views move as one. */
  linked: boolean;
}
/** The model, or the sentence why nothing is known of it. */
export type PageModel = Pick<
  ModelFacts,
  "name" | "state" | "sentence" | "specimen" | "question_types"
>;
/** Names of values that hold a glow. */
export type GlowName = "glow" | "firstGlow" | "secondGlow";

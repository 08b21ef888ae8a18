/**
 * The facts of a reading in words and figures, by group. Nothing that is unknown is made up.
 *
 * @import { LoadedModel, Question, ScaleOut } from "../../api_types"
 */

import { identityText } from "../viewer/slide_identity.js";
import { claimText, enteredText, sizeDigits } from "../viewer/scale.js";

/**
 * A fact, and whether its text is long; what is told of a model that ran.
 * @typedef {[name: string, value: string|null|undefined, long?: boolean]} Row
 * @typedef {Partial<LoadedModel> & {versions?: Record<string, string>}} ModelInfo
 */

/**
 * @param {Question} told
 * @param {number} index of the answer on the screen
 * @returns {{title: string, rows: Row[]}[]}
 */
export function factGroups(told, index) {
  /** @type {[string, Row[]][]} */
  const groups = [
    ["Region", region(told)],
    ["Picture", picture(told)],
    ["Model", model(told)],
    ["Sampling", sampling(told)],
    ["Times", times(told, index)],
    ["Prompt", prompt(told)],
  ];
  return groups.map(([title, rows]) => ({
    title,
    rows: rows.filter(([, value]) => value !== null && value !== undefined && value !== ""),
  }));
}

/** @param {Question} told @returns {Row[]} */
function region({
  slide,
  slide_identity: identity,
  quickhash,
  box,
  points,
  paint_outside: painted,
}) {
  return [
    ["Slide", slide.name],
    ["When asked", identityText(/** @type {object|null} */ (identity))],
    ["Fingerprint", quickhash],
    ["Level-0 box", `x ${box.x}, y ${box.y}, ${size(box.width, box.height)}`],
    [
      "Outline",
      points
        ? `${points.length} corners, ${
            painted ? "painted over outside" : "its box was shown whole"
          }`
        : null,
    ],
  ];
}

/** @param {Question} told @returns {Row[]} */
function picture({ picture: seen, placements: [placement], budget }) {
  const scale = seen?.mpp ? `${Number(seen.mpp.toPrecision(4))} µm per pixel` : "unknown";
  return [
    [
      "After resizing",
      placement
        ? size(placement.pixel_width, placement.pixel_height)
        : seen?.width && seen.height
          ? size(seen.width, seen.height)
          : null,
    ],
    ["Scale", scale],
    ["Slide's scale", seen?.scale ? slideScale(/** @type {object} */ (seen.scale)) : null],
    [
      "Token grid",
      placement
        ? `${placement.columns} × ${placement.rows}, ${placement.columns * placement.rows} tokens`
        : null,
    ],
    ["Pixel budget", budget && `${number(budget.min_pixels)} to ${number(budget.max_pixels)}`],
    ["Colours", coloursText(seen?.colours)],
    ["Slide's pixels", seen?.pixel_note],
    ["SHA-256", seen?.sha256],
  ];
}

/** @param {Record<string, unknown>|null} colours */
function coloursText(colours) {
  if (!colours) return null;
  return colours.corrected
    ? `corrected to sRGB by the slide's profile, ${colours.profile}`
    : `as scanned; the slide's profile, ${colours.profile}, was not applied`;
}

/**
 * The scale of the slide that a question was asked at, with what the file claimed then.
 * @param {Partial<ScaleOut>} kept
 */
function slideScale(kept) {
  const scale = /** @type {ScaleOut} */ (kept);
  if (!scale.source) return scale.problem ?? "unknown: the file states none";
  const pixel = `${sizeDigits(scale)} µm per level-0 pixel`;
  if (scale.source === "file") return `${pixel}, from the file`;
  return `${pixel}, ${enteredText(scale)}; ${claimText(scale)}`;
}

/** @param {Question} told @returns {Row[]} */
function model({ model: name, model_revision: revision, model_info }) {
  const info = /** @type {ModelInfo|null} */ (model_info);
  const versions =
    info?.versions &&
    Object.entries(info.versions)
      .map(([library, version]) => `${library} ${version}`)
      .join(", ");
  return [
    ["Name", name],
    ["Revision", revision],
    ["Architecture", info?.architecture],
    ["Parameters", info?.parameters ? number(info.parameters) : null],
    ["Ran on", info && [info.device, info.dtype].filter(Boolean).join(", ")],
    ["Attention kernel", info?.attention],
    ["Versions", versions],
  ];
}

/** @param {Question} told @returns {Row[]} */
function sampling({ sampling: drawn, count }) {
  const rows = [
    ["Seed", drawn.seed],
    ["Temperature", drawn.temperature],
    ["Top p", drawn.top_p],
    ["Top k", drawn.top_k || "all"],
    ["Repetition penalty", drawn.repetition_penalty],
    ["Most new tokens", drawn.max_new_tokens],
    ["Answers", count],
  ];
  return rows.map(([name, value]) => [String(name), value === undefined ? null : String(value)]);
}

/** @param {Question} told @param {number} index @returns {Row[]} */
function times({ created_at: asked, ended_at: ended, completions }, index) {
  const completion = completions.find((one) => one.index === index);
  const tokens = completion?.tokens;
  const pace =
    tokens && completion?.seconds
      ? `, ${Number((tokens / completion.seconds).toPrecision(3))} a second`
      : "";
  return [
    ["Asked", moment(asked)],
    ["Ended", moment(ended)],
    ["First token after", seconds(completion?.first_token_seconds)],
    ["Written in", seconds(completion?.seconds)],
    ["Tokens written", tokens ? `${number(tokens)}${pace}` : null],
  ];
}

/** @param {Question} told @returns {Row[]} */
function prompt({ prompt: text, system, prompt_tokens: tokens, outside_known_types: outside }) {
  return [
    ["Tokens read", tokens ? number(tokens) : null],
    ["Question type", outside ? "outside those that this model knows" : null],
    ["System", system, true],
    ["Text", text, true],
  ];
}

/** @param {number} width @param {number} height */
function size(width, height) {
  return `${number(width)} × ${number(height)} px`;
}

/** @param {number} value */
function number(value) {
  return value.toLocaleString("en");
}

/** @param {unknown} value */
function seconds(value) {
  return typeof value === "number" ? `${value.toFixed(2)} s` : null;
}

/** @param {string|null} text */
function moment(text) {
  return text ? `${new Date(text).toISOString().slice(0, 19).replace("T", " ")} UTC` : null;
}

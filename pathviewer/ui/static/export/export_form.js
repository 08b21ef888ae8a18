/**
 * What is exported: the controls of the form, and their values as the server takes them.
 *
 * @import { ExportChoices, ExportRequest } from "../../api_types"
 */

import { ZONE, zoneNote } from "../core/calendar_days.js";
import { fill, h } from "../core/dom.js";

/** @type {Record<"models"|"question_types"|"raters"|"cases", string>} */
const LISTS = {
  models: "Models",
  question_types: "Question types",
  raters: "Raters",
  cases: "Cases",
};

/**
 * Fill the form.
 * @param {ExportChoices} choices
 * @param {HTMLElement} form
 */
export function exportForm(form, choices) {
  fill(
    form,
    group(
      "What",
      select(
        "format",
        "Format",
        choices.formats.map(({ name, trainer }) => [name, `${name} - ${trainer}`]),
      ),
      select("rule", "Several raters", [
        ["each", "each one's judgment is a row"],
        ["majority", "more than half must agree"],
        ["2", "two must agree"],
        ["3", "three must agree"],
      ]),
      text("splits", "Train, validation, test", "0.8,0.1,0.1"),
      text("licence", "Licence", ""),
    ),
    group(
      "Which judgments",
      day("since", "From"),
      day("until", "to"),
      zoneNote(ZONE),
      ...listNames().map((name) => several(name, LISTS[name], choices[name])),
    ),
    group(
      "Beside them",
      tick("comments", "Comments, which may name people"),
      tick("teaching", "Worklists to teach with"),
    ),
    h(
      "div",
      { class: "pv-export-end" },
      h("button", { type: "submit", class: "pv-button" }, "Export"),
      h(
        "span",
        { class: "pv-quiet" },
        "Splits never share a case, a slide or a picture. " +
          "Raters, cases and slides leave under pseudonyms; questions leave as they were typed.",
      ),
      choices.withheld > 0 &&
        h(
          "span",
          { class: "pv-quiet" },
          `Left out: ${choices.withheld} by others of what you have not judged yourself.`,
        ),
    ),
  );
}

/**
 * The form's values; what is empty is left out.
 * @param {HTMLFormElement} form
 * @returns {ExportRequest}
 */
export function formValues(form) {
  const data = new FormData(form);
  /** @param {string} name */
  const one = (name) => /** @type {string|null} */ (data.get(name))?.trim() || undefined;
  const texts = Object.fromEntries(
    ["rule", "splits", "licence", "since", "until"].map((name) => [name, one(name)]),
  );
  const lists = Object.fromEntries(
    listNames().map((name) => [name, /** @type {string[]} */ (data.getAll(name))]),
  );
  return {
    format: /** @type {ExportRequest["format"]} */ (one("format")),
    ...texts,
    ...lists,
    zone: ZONE,
    comments: data.has("comments"),
    teaching: data.has("teaching"),
  };
}

function listNames() {
  return /** @type {(keyof typeof LISTS)[]} */ (Object.keys(LISTS));
}

/** @param {string} title @param {...Node} controls */
function group(title, ...controls) {
  return h("fieldset", { class: "pv-export-group" }, h("legend", {}, title), ...controls);
}

/** @param {string} name @param {string} label @param {Node} control */
function labelled(name, label, control) {
  return h("div", { class: "pv-filter" }, h("label", { for: `export-${name}` }, label), control);
}

/** @param {string} name @param {string} label @param {string[][]} options */
function select(name, label, options) {
  return labelled(
    name,
    label,
    h(
      "select",
      { id: `export-${name}`, name, class: "pv-field" },
      ...options.map(([value, told]) => h("option", { value }, told)),
    ),
  );
}

/** @param {string} name @param {string} label @param {string[]} values */
function several(name, label, values) {
  return labelled(
    name,
    `${label}, all if none is marked`,
    h(
      "select",
      {
        id: `export-${name}`,
        name,
        class: "pv-field",
        multiple: true,
        size: 4,
        disabled: values.length === 0,
      },
      ...values.map((value) => h("option", { value }, value)),
    ),
  );
}

/** @param {string} name @param {string} label @param {string} value */
function text(name, label, value) {
  return labelled(
    name,
    label,
    h("input", {
      id: `export-${name}`,
      name,
      class: "pv-field",
      value,
      maxlength: 200,
      autocomplete: "off",
    }),
  );
}

/** @param {string} name @param {string} label */
function day(name, label) {
  return labelled(
    name,
    label,
    h("input", { id: `export-${name}`, name, type: "date", class: "pv-field" }),
  );
}

/** @param {string} name @param {string} label */
function tick(name, label) {
  return h("label", { class: "pv-export-tick" }, h("input", { type: "checkbox", name }), label);
}

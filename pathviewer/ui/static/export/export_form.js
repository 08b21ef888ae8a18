/** What is exported: the controls of the form, and their values as the server takes them. */

import { ZONE, zoneNote } from "../core/calendar_days.js";
import { fill, h } from "../core/dom.js";

const LISTS = {
  models: "Models",
  question_types: "Question types",
  raters: "Raters",
  cases: "Cases",
};

/** Fill the form. @param {Object} choices as GET /api/exports/choices gives them */
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
      ...Object.entries(LISTS).map(([name, label]) => several(name, label, choices[name])),
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

/** The form's values; what is empty is left out. */
export function formValues(form) {
  const data = new FormData(form);
  const one = (name) => /** @type {string} */ (data.get(name))?.trim() || undefined;
  /** @type {Object<string, any>} */
  const values = Object.fromEntries(
    ["format", "rule", "splits", "licence", "since", "until"].map((name) => [name, one(name)]),
  );
  for (const name of Object.keys(LISTS)) values[name] = data.getAll(name);
  values.zone = ZONE;
  for (const name of ["comments", "teaching"]) values[name] = data.has(name);
  return values;
}

function group(title, ...controls) {
  return h("fieldset", { class: "pv-export-group" }, h("legend", {}, title), ...controls);
}

function labelled(name, label, control) {
  return h("div", { class: "pv-filter" }, h("label", { for: `export-${name}` }, label), control);
}

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

function day(name, label) {
  return labelled(
    name,
    label,
    h("input", { id: `export-${name}`, name, type: "date", class: "pv-field" }),
  );
}

function tick(name, label) {
  return h("label", { class: "pv-export-tick" }, h("input", { type: "checkbox", name }), label);
}

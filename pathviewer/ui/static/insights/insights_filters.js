/**
 * Which judgments count: the controls above the charts, and the same in the page's address.
 *
 * @import { FilterChoicesOut, Operations } from "../../api_types"
 */

import { ZONE, zoneNote } from "../core/calendar_days.js";
import { fill, h } from "../core/dom.js";

/**
 * @typedef {NonNullable<Operations["GET /api/insights"]["query"]>} InsightsQuery
 * @typedef {keyof InsightsQuery} FilterName
 * @typedef {Partial<Record<FilterName, string>>} Filters
 * @typedef {(name: FilterName, value: string|null) => void} Change
 */

/** @type {FilterName[]} */
const NAMES = ["since", "until", "zone", "model", "task", "organ", "slide", "rater", "votes"];

/** The filters that the address names. @returns {Filters} */
export function filtersInUrl() {
  const given = new URLSearchParams(window.location.search);
  return Object.fromEntries(
    NAMES.filter((name) => given.has(name)).map((name) => [name, given.get(name) ?? ""]),
  );
}

/**
 * A day that the reader chose is one of theirs; filters without days need no zone.
 * @param {Filters} filters
 * @param {string} changed
 */
function withZone({ zone, ...chosen }, changed) {
  if (!chosen.since && !chosen.until) return chosen;
  return { ...chosen, zone: ["since", "until"].includes(changed) ? ZONE : (zone ?? ZONE) };
}

/** As a query string, "" without any. @param {Filters} chosen */
export function query(chosen) {
  const text = new URLSearchParams(chosen).toString();
  return text && `?${text}`;
}

/**
 * Fill the form; `choose` is called with all filters whenever one changes.
 * @param {HTMLElement} form
 * @param {FilterChoicesOut} choices
 * @param {Filters} chosen
 * @param {(chosen: Filters) => void} choose
 */
export function filterFields(form, choices, chosen, choose) {
  /** @param {FilterName} name @param {string|null} value */
  const change = (name, value) => {
    const next = { ...chosen };
    if (value === null) delete next[name];
    else next[name] = value;
    choose(withZone(next, name));
  };
  /** @param {string[]} values @param {string} none */
  const named = (values, none) =>
    values.map((value) => [value, value.replaceAll("_", " ") || none]);
  const focused = document.activeElement?.id;
  fill(
    form,
    day("since", "From", chosen, change),
    day("until", "to", chosen, change),
    zoneNote(chosen.zone ?? ZONE),
    list(
      "model",
      "Model",
      choices.models.map((name) => [name, name]),
      chosen,
      change,
    ),
    list("task", "Question type", named(choices.tasks, "no known type"), chosen, change),
    list("organ", "Organ", named(choices.organs, "not known"), chosen, change),
    list(
      "slide",
      "Slide",
      choices.slides.map(({ id, name }) => [id, name]),
      chosen,
      change,
    ),
    list(
      "rater",
      "Rater",
      choices.raters.map((name) => [name, name]),
      chosen,
      change,
    ),
    list("votes", "Votes", [["blind", "blind only"]], chosen, change),
    h(
      "button",
      {
        type: "button",
        class: "pv-button pv-small",
        disabled: !Object.keys(chosen).length,
        onclick: () => choose({}),
      },
      "Clear all",
    ),
  );
  if (focused) document.getElementById(focused)?.focus();
}

/** @param {FilterName} name @param {string} label @param {Filters} chosen @param {Change} change */
function day(name, label, chosen, change) {
  const id = `filter-${name}`;
  /** @type {HTMLInputElement} */
  const field = h("input", {
    id,
    type: "date",
    class: "pv-field",
    value: chosen[name] ?? "",
    onchange: () => change(name, field.value || null),
  });
  return h("div", { class: "pv-filter" }, h("label", { for: id }, label), field);
}

/**
 * @param {FilterName} name
 * @param {string} label
 * @param {string[][]} options
 * @param {Filters} chosen
 * @param {Change} change
 */
function list(name, label, options, chosen, change) {
  const id = `filter-${name}`;
  /** @type {HTMLSelectElement} */
  const select = h(
    "select",
    {
      id,
      class: "pv-field",
      // values of options may be empty, so their places are told apart
      onchange: () => change(name, options[select.selectedIndex - 1]?.[0] ?? null),
    },
    h("option", {}, "all"),
    ...options.map(([value, text]) => h("option", { selected: chosen[name] === value }, text)),
  );
  return h("div", { class: "pv-filter" }, h("label", { for: id }, label), select);
}

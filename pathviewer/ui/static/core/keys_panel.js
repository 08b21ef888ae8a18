/**
 * The "?" panel: every key of the table, by group.
 *
 * @import { KeyEntry } from "../../page_types"
 */

import { h } from "./dom.js";

/**
 * @param {KeyEntry[]} table
 * @returns {HTMLDialogElement}
 */
export function keysPanel(table) {
  const groups = [...new Set(table.map((entry) => entry.group))];
  const close = h(
    "button",
    { type: "button", class: "pv-button", onclick: () => panel.close() },
    "Close",
  );
  /** @type {HTMLDialogElement} */
  const panel = h(
    "dialog",
    { class: "pv-keys", "aria-labelledby": "pv-keys-title" },
    h("div", { class: "pv-keys-head" }, h("h2", { id: "pv-keys-title" }, "Keys"), close),
    h("div", { class: "pv-keys-groups" }, ...groups.map((group) => section(table, group))),
  );
  panel.addEventListener("keydown", (event) => {
    if (event.key === "?") panel.close();
  });
  return panel;
}

/** @param {KeyEntry[]} table @param {string} group */
function section(table, group) {
  const rows = table
    .filter((entry) => entry.group === group)
    .map((entry) =>
      h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, entry.shown)), h("td", {}, entry.what)),
    );
  return h("section", {}, h("h3", {}, group), h("table", {}, h("tbody", {}, ...rows)));
}

/**
 * Binding a key table to the page.
 *
 * @import { KeyEntry, StoreValues } from "../../page_types"
 */

import { targetOf } from "./dom.js";
import { store } from "./store.js";

const OWN_KEYS = /^(Arrow.*|Home|End|Page.*|Enter| )$/;

/** Bind a table to the document. Keys typed into fields stay theirs. @param {KeyEntry[]} table */
export function bindKeys(table) {
  const bound = new Map(table.flatMap((entry) => entry.keys.map((key) => [key, entry])));
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || typing(event)) return;
    const entry = bound.get(nameOf(event));
    const target = targetOf(event);
    if (!entry || (event.key === "Enter" && target.closest?.("button, a, summary"))) return;
    event.preventDefault();
    if (entry.group === "View" || entry.group === "Tools") store.set("mode", modeAfter(event));
    entry.run(event);
  });
}

/** @param {KeyboardEvent} event @returns {StoreValues["mode"]} */
function modeAfter(event) {
  return event.key === "Enter" || event.key === "Backspace" ? store.get("mode") : "keys";
}

/**
 * Whether a key belongs to what has the focus: sliders and boxes want only a few of them.
 * @param {KeyboardEvent} event
 */
function typing(event) {
  const { key } = event;
  const target = targetOf(event);
  if (target.matches?.("input[type=range], input[type=checkbox]")) return OWN_KEYS.test(key);
  return Boolean(target.closest?.("input, textarea, select, [contenteditable=true], dialog"));
}

/** @param {KeyboardEvent} event */
function nameOf(event) {
  // AltGr types characters such as [ and {; Windows tells it as Ctrl and Alt
  const typed = event.getModifierState?.("AltGraph");
  const modifiers = [
    ["Ctrl+", !typed && (event.ctrlKey || event.metaKey)],
    ["Alt+", !typed && event.altKey],
    ["Shift+", event.shiftKey],
  ];
  return modifiers.map(([name, held]) => (held ? name : "")).join("") + event.key;
}

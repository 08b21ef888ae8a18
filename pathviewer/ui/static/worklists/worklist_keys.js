/**
 * The keys of worklists, part of the key table of keys.js.
 *
 * @import { KeyEntry } from "../../page_types"
 */

import { focusLists, goOn, skip } from "./worklist_store.js";

/** @returns {KeyEntry[]} */
export function worklistKeys() {
  const group = "Worklist";
  /** @param {string} shown @param {string} what */
  const told = (shown, what) => ({ keys: [], shown, what, group, run: () => {} });
  return [
    {
      keys: ["u"],
      shown: "U",
      what: "Up next: the item, its next answer, the next item",
      group,
      run: () => goOn(),
    },
    { keys: ["Shift+U"], shown: "Shift + U", what: "Skip the item", group, run: () => skip() },
    { keys: ["k"], shown: "K", what: "Choose a worklist", group, run: focusLists },
    told("1 to 9", "Blind first: your own answer"),
    told("Enter", "Blind first: keep it, and see the model's"),
  ];
}

/** The keys of the reading panel, part of the key table of keys.js. */

import { stepBy, stop } from "./reading_store.js";

/** @returns {{keys: string[], shown: string, what: string, group: string, run: Function}[]} */
export function readingKeys() {
  const group = "Reading";
  return [
    { keys: ["a"], shown: "A", what: "Write a question", group, run: focusQuestion },
    { keys: ["Ctrl+Enter"], shown: "Ctrl + Enter", what: "Ask; also while typing", group,
      run: () => document.querySelector("#pv-ask-form")?.requestSubmit() },
    { keys: ["s"], shown: "S", what: "Stop the answer", group, run: () => stop() },
    { keys: ["["], shown: "[", what: "The step before", group, run: () => stepBy(-1) },
    { keys: ["]"], shown: "]", what: "The next step, then the answer", group, run: () => stepBy(1) },
  ];
}

function focusQuestion() {
  const fold = document.querySelector("#pv-ask-fold");
  if (fold) fold.open = true;
  document.querySelector("#pv-question")?.focus();
}

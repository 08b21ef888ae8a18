/**
 * The keys of the reading panel, part of the key table of keys.js.
 *
 * @import { KeyEntry } from "../../page_types"
 */

import { nudgeHeat, toggleHeat, toggleView } from "../attention/heat_settings.js";
import { focusHistory } from "./question_history.js";
import { toggleProvenance } from "./provenance.js";
import { stepBy, stop } from "./question_store.js";
import { toggleResearch } from "../core/research_mode.js";
import { toggleSlideMap } from "./slide_map.js";
import { checkUse } from "../attention/deletion_check.js";
import { widenWord, wordBy } from "../attention/word_maps.js";

/** @returns {KeyEntry[]} */
export function readingKeys() {
  const group = "Reading";
  return [
    { keys: ["a"], shown: "A", what: "Write a question", group, run: focusQuestion },
    {
      keys: ["Ctrl+Enter"],
      shown: "Ctrl + Enter",
      what: "Ask; also while typing",
      group,
      run: () =>
        /** @type {HTMLFormElement} */ (document.querySelector("#pv-ask-form"))?.requestSubmit(),
    },
    { keys: ["s"], shown: "S", what: "Stop the answer", group, run: () => stop() },
    { keys: ["["], shown: "[", what: "The step before", group, run: () => stepBy(-1) },
    {
      keys: ["]"],
      shown: "]",
      what: "The next step, then the answer",
      group,
      run: () => stepBy(1),
    },
    { keys: ["d"], shown: "D", what: "Did it use what it looked at?", group, run: checkUse },
    { keys: ["i"], shown: "I", what: "Provenance", group, run: toggleProvenance },
    { keys: ["b"], shown: "B", what: "Readings of this slide", group, run: focusHistory },
    {
      keys: ["y"],
      shown: "Y",
      what: "Map of all questions on this slide",
      group,
      run: () => toggleSlideMap(),
    },
    ...heatKeys(group),
  ];
}

/** @param {string} group @returns {KeyEntry[]} */
function heatKeys(group) {
  /**
   * @param {string} key
   * @param {"opacity"|"threshold"} name
   * @param {string} what
   * @returns {KeyEntry}
   */
  const change = (key, name, what) => ({
    keys: [key, `Shift+${key.toUpperCase()}`],
    shown: `${key.toUpperCase()}, Shift + ${key.toUpperCase()}`,
    what,
    group,
    run: ({ shiftKey }) => nudgeHeat(name, shiftKey ? -1 : 1),
  });
  return [
    { keys: ["h"], shown: "H", what: "Hide and show the map", group, run: toggleHeat },
    {
      keys: ["Shift+H"],
      shown: "Shift + H",
      what: "What it depends on, or where it looked",
      group,
      run: toggleView,
    },
    change("o", "opacity", "More, less opacity of it"),
    change("t", "threshold", "Higher, lower threshold of it"),
    {
      keys: ["Shift+R"],
      shown: "Shift + R",
      what: "Research mode on and off",
      group,
      run: toggleResearch,
    },
    {
      keys: ["{", "}", "Shift+{", "Shift+}"],
      shown: "{ }",
      group,
      what: "Research: the word before, the next word",
      run: ({ key }) => wordBy(key === "{" ? -1 : 1),
    },
    {
      keys: ["(", ")", "Shift+(", "Shift+)"],
      shown: "( )",
      group,
      what: "Research: one word less, one word more",
      run: ({ key }) => widenWord(key === "(" ? -1 : 1),
    },
  ];
}

function focusQuestion() {
  /** @type {HTMLDetailsElement|null} */
  const fold = document.querySelector("#pv-ask-fold");
  if (fold) fold.open = true;
  /** @type {HTMLElement} */ (document.querySelector("#pv-question"))?.focus();
}

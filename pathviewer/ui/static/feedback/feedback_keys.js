/**
 * The keys of judging, part of the key table of keys.js.
 *
 * @import { KeyEntry } from "../../page_types"
 */

import { focusChoice } from "./choice_buttons.js";
import { change } from "./feedback_store.js";
import { drawEvidence } from "./evidence_region.js";
import { say, store, unsay } from "../core/store.js";

const WHICH = "Which step? Press its number.";

store.on("marking", () => unsay(WHICH));

/** @returns {KeyEntry[]} */
export function judgeKeys() {
  const group = "Judging";
  /** @param {string} shown @param {string} what */
  const told = (shown, what) => ({ keys: [], shown, what, group, run: () => {} });
  /** @param {() => unknown} run */
  const judging = (run) => () =>
    store.get("draft") ? run() : say("There is no answer yet that could be judged.");
  return [
    {
      keys: ["c"],
      shown: "C",
      what: "Correct; Enter then submits",
      group,
      run: judging(() => {
        change({ verdict: "correct" });
        focusVerdicts();
      }),
    },
    { keys: ["j"], shown: "J", what: "Go to the judgment", group, run: judging(focusVerdicts) },
    told("1 to 6", "In the judgment: the verdict"),
    told("7 to 9", "In the judgment: what the trace lacks"),
    told("Enter", "In the judgment: submit (comment: Ctrl + Enter)"),
    {
      keys: ["x"],
      shown: "X",
      what: "Flag the selected step, or the one whose number follows",
      group,
      run: judging(flagStep),
    },
    told("1 to 6", "In a flag: errors, rewrite, strike out"),
    {
      keys: ["e"],
      shown: "E",
      what: "Draw where it should have looked",
      group,
      run: judging(() => drawEvidence(true)),
    },
  ];
}

/** Bring the verdicts into view and give them the keyboard. */
export function focusVerdicts() {
  store.set("marking", null);
  /** @type {HTMLElement|null} */
  const verdicts = document.querySelector(".pv-verdicts");
  if (!verdicts) return;
  focusChoice(verdicts);
  verdicts.closest(".pv-judge")?.scrollIntoView({ block: "nearest" });
}

/** Open the labels of the selected step; where none is selected, wait for its number. */
function flagStep() {
  const flags = [...document.querySelectorAll(".pv-flag:not([hidden])")];
  if (store.get("marking") !== null) {
    store.set("marking", null);
    return;
  }
  const named = /^step (\d+)$/.exec(store.get("step") ?? "");
  if (!flags.length) say("This answer has no steps.");
  else if (named) store.set("marking", Number(named[1]) - 1);
  else if (flags.length === 1) store.set("marking", 0);
  else {
    /** @type {HTMLElement} */ (flags[0]).focus();
    say(WHICH);
  }
}

/**
 * The keys of the page on which answers are compared.
 *
 * @import { KeyEntry, VoteWords } from "../../page_types"
 * @import { CompareViews } from "./linked_views.js"
 * @import { KeyedView } from "../viewer/view_keys.js"
 */

import { CHOICE_KEYS, REASON_KEYS, toggleReason } from "./vote_bar.js";
import { stepBy } from "./completion_side.js";
import { next, passOver, undo, vote } from "./compare_store.js";
import { toggleHeat } from "../attention/heat_settings.js";
import { store } from "../core/store.js";
import { viewKeys } from "../viewer/view_keys.js";

/**
 * @param {VoteWords} vocabulary
 * @param {CompareViews} views
 * @param {() => void} toggleKeys
 * @returns {KeyEntry[]}
 */
export function compareKeys(vocabulary, views, toggleKeys) {
  return [
    ...wordKeys("Vote", vocabulary.choices, CHOICE_KEYS, vote),
    ...afterKeys("Vote"),
    ...wordKeys("Why", vocabulary.reasons, REASON_KEYS, toggleReason),
    ...commentKeys("Why"),
    ...slideKeys("Attention", views),
    ...moves(views),
    {
      keys: ["?", "Shift+?"],
      shown: "?",
      what: "This list of keys",
      group: "Page",
      run: toggleKeys,
    },
  ];
}

/**
 * @template {string} Name
 * @param {string} group
 * @param {{name: Name, label: string}[]} words
 * @param {Record<Name, string>} keys
 * @param {(name: Name) => unknown} run
 * @returns {KeyEntry[]}
 */
function wordKeys(group, words, keys, run) {
  return words.map(({ name, label }) => ({
    keys: [keys[name].toLowerCase()],
    shown: keys[name],
    what: label,
    group,
    run: () => run(name),
  }));
}

/** @param {string} group @returns {KeyEntry[]} */
function afterKeys(group) {
  return [
    {
      keys: ["n", "Enter"],
      shown: "N, Enter",
      what: "Next pair, after the vote",
      group,
      run: () => ["voted", "failed"].includes(store.get("comparison")?.state ?? "") && next(),
    },
    { keys: ["u"], shown: "U", what: "Undo the last vote", group, run: () => undo() },
    {
      keys: ["Shift+N"],
      shown: "Shift + N",
      what: "Pass this pair over",
      group,
      run: () => passOver(),
    },
  ];
}

/** @param {string} group @returns {KeyEntry[]} */
function commentKeys(group) {
  return [
    {
      keys: ["c"],
      shown: "C",
      what: "Write a comment; Enter or Esc ends it",
      group,
      run: () => /** @type {HTMLElement} */ (document.querySelector("#pv-comment"))?.focus(),
    },
  ];
}

/** @param {string} group @param {CompareViews} views @returns {KeyEntry[]} */
function slideKeys(group, views) {
  const turn = () => store.set("side", store.get("side") === "left" ? "right" : "left");
  return [
    { keys: ["x"], shown: "X", what: "The other answer's attention", group, run: turn },
    {
      keys: ["v"],
      shown: "V",
      what: "One view, or two that move as one",
      group,
      run: () => views.toggle(),
    },
    { keys: ["h"], shown: "H", what: "Hide and show the attention", group, run: toggleHeat },
    { keys: ["["], shown: "[", what: "The step before", group, run: () => stepBy(-1) },
    {
      keys: ["]"],
      shown: "]",
      what: "The next step, then the answer",
      group,
      run: () => stepBy(1),
    },
    {
      keys: ["Home"],
      shown: "Home",
      what: "Back to the region",
      group,
      run: () => store.get("comparison") && views.goTo(store.need("comparison").box),
    },
  ];
}

/** As on the viewer's page, but for what that page alone has. @param {CompareViews} views */
function moves(views) {
  const taken = new Set(["g", "f"]);
  const canvas = new Proxy(/** @type {KeyedView} */ ({}), {
    get:
      (_, name) =>
      (/** @type {unknown[]} */ ...given) =>
        Reflect.apply(Reflect.get(views.moved, name), views.moved, given),
  });
  return viewKeys(canvas).filter(({ keys }) => !keys.some((key) => taken.has(key)));
}

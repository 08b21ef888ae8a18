/**
 * Rows of buttons of which one, or any, is chosen; each shows the key that chooses it.
 *
 * @import { Child, Choice, Tick } from "../../page_types"
 */

import { fill, h, setAttribute, targetOf } from "../core/dom.js";

/**
 * One of several.
 * @template {string|number} Name
 * @param {{label: string, kind: string, clearable?: boolean}} how `clearable` lets a second press
 *   take the choice back
 * @param {Choice<Name>[]} choices
 * @param {(name: Name|null) => void} chosen
 */
export function oneOf({ label, kind, clearable = false }, choices, chosen) {
  /** @type {Name|null} */
  let now = null;
  /** @param {Name} name */
  const choose = (name) => chosen(clearable && name === now ? null : name);
  const buttons = choices.map(({ name, label: text, about, key }) =>
    h(
      "button",
      {
        type: "button",
        role: "radio",
        class: "pv-choice",
        "data-choice": name,
        title: titled(about ?? text, key),
        onclick: () => choose(name),
      },
      keyed(key),
      text,
    ),
  );
  const node = h(
    "div",
    { class: kind, role: "radiogroup", "aria-label": label, tabindex: "-1" },
    ...buttons,
  );
  /** @param {Name|null} name */
  const show = (name) => {
    now = name;
    const at = choices.findIndex((choice) => choice.name === name);
    buttons.forEach((button, index) => {
      setAttribute(button, "aria-checked", index === at);
      button.tabIndex = index === Math.max(0, at) ? 0 : -1;
    });
  };
  node.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to =
      at < 0 && step < 0 ? buttons.length - 1 : (at + step + buttons.length) % buttons.length;
    chosen(choices[to].name);
    buttons[to].focus();
  });
  show(null);
  return { node, show, focus: () => focusChoice(node) };
}

/**
 * Give a row of `oneOf` the keyboard: its choice, or while there is none the row itself, since a ring
 * around the first of them would look like a choice.
 * @param {HTMLElement} node
 */
export function focusChoice(node) {
  /** @type {HTMLElement|null} */
  const chosen = node.querySelector("[aria-checked='true']");
  (chosen ?? node).focus({ preventScroll: true });
}

/**
 * Any of several.
 * @template {string} Name
 * @param {{label: string, kind: string}} how
 * @param {Tick<Name>[]} choices
 * @param {(names: Name[]) => void} chosen
 */
export function anyOf({ label, kind }, choices, chosen) {
  /** @type {Name[]} */
  let now = [];
  /** @param {Name} name */
  const toggle = (name) => {
    // at once: the next key may come before the page is drawn anew
    now = choices.map((one) => one.name).filter((one) => (one === name) !== now.includes(one));
    chosen(now);
  };
  const buttons = choices.map(({ name, sentence, hint, key }) =>
    h(
      "button",
      {
        type: "button",
        role: "checkbox",
        class: "pv-tick",
        "data-choice": name,
        onclick: () => toggle(name),
      },
      keyed(key),
      h("span", {}, sentence, hint && h("span", { class: "pv-such" }, ` ${hint}`)),
    ),
  );
  const node = h("div", { class: kind, role: "group", "aria-label": label }, ...buttons);
  /** @param {Name[]} names */
  const show = (names) => {
    now = names;
    buttons.forEach((button, index) =>
      setAttribute(button, "aria-checked", names.includes(choices[index].name)),
    );
  };
  show([]);
  return { node, show, toggle, focus: () => buttons[0].focus() };
}

/**
 * Run what a digit stands for, unless it is typed into a field.
 * @param {KeyboardEvent} event
 * @param {Object<string, () => unknown>} runs
 * @returns {boolean}
 */
export function byDigit(event, runs) {
  const run = runs[event.key];
  if (
    !run ||
    event.ctrlKey ||
    event.altKey ||
    event.metaKey ||
    targetOf(event).closest("input, textarea, select")
  )
    return false;
  event.preventDefault();
  run();
  return true;
}

/**
 * Replace what a list shows, only when it says something else.
 * @param {HTMLElement} node
 * @param {string} key
 * @param {...Child} children
 */
export function refill(node, key, ...children) {
  if (node.dataset.shown === key) return;
  node.dataset.shown = key;
  fill(node, ...children);
}

/** @param {string|undefined} key */
function keyed(key) {
  return key && h("span", { class: "pv-key", "aria-hidden": "true" }, key);
}

/** @param {string} text @param {string|undefined} key */
function titled(text, key) {
  return key ? `${text} (${key})` : text;
}

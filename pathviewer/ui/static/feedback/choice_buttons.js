/** Rows of buttons of which one, or any, is chosen; each shows the key that chooses it. */

import { fill, h, setAttribute } from "../core/dom.js";

/**
 * One of several.
 * @param {{label: string, kind: string, clearable?: boolean}} how `clearable` lets a second press
 *   take the choice back
 * @param {{name: any, label: string, about?: string, key?: string}[]} choices
 * @param {(name: any) => void} chosen
 * @returns {{node: HTMLElement, show: (name: any) => void, focus: () => void}}
 */
export function oneOf({ label, kind, clearable = false }, choices, chosen) {
  let now = null;
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
 */
export function focusChoice(node) {
  (node.querySelector("[aria-checked='true']") ?? node).focus({ preventScroll: true });
}

/**
 * Any of several.
 * @param {{label: string, kind: string}} how
 * @param {{name: string, sentence: string, hint?: string, key?: string}[]} choices
 * @param {(names: string[]) => void} chosen
 * @returns {{node: HTMLElement, show: (names: string[]) => void, toggle: (name: string) => void,
 *            focus: () => void}}
 */
export function anyOf({ label, kind }, choices, chosen) {
  let now = [];
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
  const show = (names) => {
    now = names;
    buttons.forEach((button, index) =>
      setAttribute(button, "aria-checked", names.includes(choices[index].name)),
    );
  };
  show([]);
  return { node, show, toggle, focus: () => buttons[0].focus() };
}

/** Run what a digit stands for, unless it is typed into a field. @returns {boolean} */
export function byDigit(event, runs) {
  const run = runs[event.key];
  if (
    !run ||
    event.ctrlKey ||
    event.altKey ||
    event.metaKey ||
    event.target.closest("input, textarea, select")
  )
    return false;
  event.preventDefault();
  run();
  return true;
}

/** Replace what a list shows, only when it says something else. */
export function refill(node, key, ...children) {
  if (node.dataset.shown === key) return;
  node.dataset.shown = key;
  fill(node, ...children);
}

function keyed(key) {
  return key && h("span", { class: "pv-key", "aria-hidden": "true" }, key);
}

function titled(text, key) {
  return key ? `${text} (${key})` : text;
}

/**
 * The worklists: name, how far one is, the way into each; folded, so that nothing jumps.
 *
 * @import { Progress, WorklistOut } from "../../api_types"
 * @import { PanelProps } from "../../page_types"
 */

import { url } from "../core/api.js";
import { fill, fillPanel, h, setAttribute, setText } from "../core/dom.js";
import { start } from "../core/page_start.js";
import { may, store } from "../core/store.js";
import { NONE, keepWorklists, openWorklist } from "./worklist_store.js";

/**
 * Mount the lists into the page's element.
 * @param {Element} element
 * @param {PanelProps} props
 */
export async function mount(element, props) {
  const panel = new WorklistPanel();
  fillPanel(element, panel.node);
  store.onAny(["worklists", "worklist", "me"], () => panel.show());
  await start(props);
  keepWorklists();
}

class WorklistPanel {
  constructor() {
    this.summary = h("summary", {}, "Worklists");
    /** Id of the list that is walked. @type {string|null} */
    this.walked = null;
    this.list = h("ul", { class: "pv-lists", "aria-label": "Worklists" });
    this.fold = h("details", { class: "pv-fold", id: "pv-worklists" }, this.summary, this.list);
    this.node = h(
      "section",
      { class: "pv-panel pv-worklists", "aria-label": "Worklists", hidden: true },
      this.fold,
    );
    this.list.addEventListener("keydown", (event) => this.move(event));
  }

  show() {
    this.node.hidden = !may("judge");
    /** @type {string|null} */
    const walked = store.get("worklist")?.id ?? null;
    if (walked && walked !== this.walked) this.fold.open = false;
    this.walked = walked;
    const lists = store.get("worklists");
    if (!lists) return;
    const left = lists.reduce((sum, { mine, done }) => sum + mine - done, 0);
    setText(this.summary, lists.length ? `Worklists: ${leftText(left)}` : "Worklists: none");
    const active = /** @type {HTMLElement} */ (document.activeElement);
    const focused = this.list.contains(active) && active.dataset.list;
    fill(this.list, ...(lists.length ? lists.map(row) : [h("li", { class: "pv-empty" }, NONE)]));
    if (focused)
      /** @type {HTMLElement} */ (
        this.list.querySelector(`[data-list="${CSS.escape(focused)}"]`)
      )?.focus();
  }

  /** Up and down go from list to list. @param {KeyboardEvent} event */
  move(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    /** @type {HTMLElement[]} */
    const buttons = Array.from(this.list.querySelectorAll(".pv-list-open"));
    const active = /** @type {HTMLElement} */ (document.activeElement);
    buttons[buttons.indexOf(active) + step]?.focus();
  }
}

/** @param {number} left */
function leftText(left) {
  if (!left) return "nothing waits for you";
  return left === 1 ? "1 item waits for you (U)" : `${left} items wait for you (U)`;
}

/** @param {WorklistOut} list */
function row(list) {
  const { id, name, mine, done } = list;
  const open = h(
    "button",
    { type: "button", class: "pv-list-open", "data-list": id, onclick: () => openWorklist(id) },
    h("span", { class: "pv-list-name", title: name }, name),
    h("span", { class: "pv-list-far" }, progressText(list)),
    h("progress", { max: Math.max(1, mine), value: done, "aria-hidden": "true" }),
  );
  if (store.get("worklist")?.id === id) setAttribute(open, "aria-current", "true");
  const report =
    may("see_insights") &&
    h(
      "a",
      {
        class: "pv-action",
        target: "_blank",
        rel: "noopener",
        href: url(`/api/worklists/${encodeURIComponent(id)}/report.html`),
        "aria-label": `Report of ${name} to print`,
      },
      "Report",
    );
  return h("li", {}, open, report);
}

/** "3 of 12 judged, 1 skipped". @param {Progress} progress */
export function progressText({ items, made, mine, done, skipped }) {
  if (!made) return `${items} items, their answers are not made yet`;
  const passed = skipped ? `, ${skipped} skipped` : "";
  return `${done - skipped} of ${mine} judged${passed}`;
}

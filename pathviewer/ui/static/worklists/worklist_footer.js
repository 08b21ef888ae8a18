/**
 * The foot of the right column: Submit, and while a worklist is walked how far and the next item.
 *
 * @import { Progress, WorklistItemOut } from "../../api_types"
 * @import { PanelProps, WalkedList } from "../../page_types"
 */

import { fillPanel, h, setAttribute, setText } from "../core/dom.js";
import { isShown } from "./item_question.js";
import { judgeFoot } from "../feedback/feedback_footer.js";
import { start } from "../core/page_start.js";
import { store } from "../core/store.js";
import { progressText } from "./worklist_panel.js";
import { goOn, leave, skip } from "./worklist_store.js";

/**
 * Mount the foot into the page's element.
 * @param {Element} element
 * @param {PanelProps} props
 */
export function mount(element, props) {
  const foot = new Foot();
  fillPanel(element, judgeFoot.node, foot.node);
  store.onAny(["worklist", "item", "reading", "completion", "sending", "walking"], () =>
    foot.show(),
  );
  return start(props);
}

class Foot {
  constructor() {
    this.name = h("span", { class: "pv-list-name" });
    this.far = h("span", { class: "pv-list-far" });
    this.now = h("p", { class: "pv-now", role: "status" });
    this.reference = h("p", { class: "pv-reference", role: "status" });
    /** @param {string} text @param {string} title @param {() => unknown} run */
    const button = (text, title, run, kind = "pv-low") =>
      h(
        "button",
        { type: "button", class: `pv-button ${kind}`, title, onclick: () => run() },
        text,
      );
    this.skip = button("Skip", "Skip the item (Shift + U)", skip);
    this.next = button("Next item", "Next item (U)", goOn, "pv-primary");
    this.node = h(
      "section",
      { class: "pv-panel pv-foot", "aria-label": "Worklist item", hidden: true },
      h(
        "div",
        { class: "pv-foot-head" },
        this.name,
        this.far,
        button("Leave", "Leave the worklist; the item in hand waits", leave),
      ),
      this.reference,
      h("div", { class: "pv-foot-row" }, this.now, this.skip, this.next),
    );
  }

  show() {
    const list = store.get("worklist");
    this.node.hidden = !list;
    const item = store.get("item");
    setAttribute(this.node, "aria-busy", store.get("walking"));
    showColumn(this.node.closest("#pv-right"), item);
    if (!list) return;
    setText(this.name, list.name);
    this.name.title = list.name;
    setText(this.far, progressText(list.progress));
    this.skip.hidden = !item;
    setText(this.next, nextText(item));
    const text = list.trouble ?? nowText(list, item);
    setText(this.now, text);
    setAttribute(this.now, "data-kind", list.trouble ? "wrong" : "plain");
    this.reference.hidden = !item?.teaching;
    setText(this.reference, item?.teaching ? referenceText(item) : "");
  }
}

/**
 * An item on the screen leaves no room for other questions; before one's own answer, for no maps.
 * @param {Element|null} column
 * @param {WorklistItemOut|null} item
 */
function showColumn(column, item) {
  if (!column) return;
  const kind = !item || !isShown(item) ? "none" : item.completions ? "open" : "waiting";
  setAttribute(column, "data-item", kind);
}

/** @param {WorklistItemOut|null} item */
function nextText(item) {
  if (!item) return "Look again";
  return isShown(item) ? "Next item" : "Back to it";
}

/**
 * What is to be done now, in one line.
 * @param {WalkedList} list
 * @param {WorklistItemOut|null} item
 */
function nowText(list, item) {
  if (!item) return endText(list.progress);
  if (!isShown(item)) return "An item of it is in your hands; U comes back to it.";
  if (!item.completions)
    return item.options.length
      ? "Your own answer: its number, then Enter."
      : "Your own answer, then Enter.";
  const open = item.completions.filter(({ judged }) => !judged).length;
  const all = item.completions.length;
  if (store.get("sending").waiting) return "Your judgment is being saved.";
  if (!open) return "Judged. U takes the next item.";
  const shown = store.get("completion");
  if (item.completions.find(({ index }) => index === shown)?.judged) {
    return `${all - open} of ${all} answers judged. U shows the next one.`;
  }
  return `Judge ${all === 1 ? "the answer" : `answer ${shown + 1} of ${all}`}: C, or J and 1 to 6.`;
}

/** @param {Progress} progress */
function endText({ items, made, mine, done }) {
  const waits = made < items ? ` ${items - made} more have no answers yet.` : "";
  if (!made) return "Its answers are not made yet: the command “worklist generate” makes them.";
  if (!mine) return `Nothing of it is yours: others have all of it.${waits}`;
  return done === mine
    ? `You are through with this list.${waits}`
    : `No item is ready for you now. An item comes after you vote on its open pair.${waits}`;
}

/** @param {WorklistItemOut} item */
function referenceText({ reference_answer: reference, first_answer: first, completions }) {
  if (reference) return `Reference: ${reference}${first ? `. You said at first: ${first}` : ""}`;
  return completions?.some(({ judged }) => judged)
    ? "Reference: none is known."
    : "Reference: shown once you have judged.";
}

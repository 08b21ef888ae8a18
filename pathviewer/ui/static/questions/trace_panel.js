/**
 * What the model writes: numbered steps, the answer last and large, each with its state.
 *
 * @import { Completion, PanelProps, Reading } from "../../page_types"
 */

import { fill, fillPanel, h, setAttribute, setText } from "../core/dom.js";
import { firstAnswer, focusFirstAnswer } from "../feedback/first_answer.js";
import { provenance } from "./provenance.js";
import { isUnderWay, shownCompletion, stop } from "./question_store.js";
import { start } from "../core/page_start.js";
import { identityLine } from "../viewer/slide_identity.js";
import { store } from "../core/store.js";
import { TraceRows } from "./trace_rows.js";
import { useCheck } from "../attention/deletion_check.js";
import { watchWords } from "../attention/word_maps.js";

const MARGIN = 40;

/**
 * Mount the trace into the page's element.
 * @param {Element} element
 * @param {PanelProps} props
 */
export function mount(element, props) {
  const panel = new TracePanel();
  fillPanel(element, panel.node);
  store.onAny(["reading", "completion", "step", "draft", "research", "slide", "evidence"], () =>
    panel.soon(),
  );
  // at once: the next key is meant for what it opens
  store.on("marking", () => panel.show());
  return start(props);
}

class TracePanel {
  constructor() {
    this.status = h("p", { class: "pv-status", role: "status" });
    this.stop = h(
      "button",
      { type: "button", class: "pv-button pv-low", title: "Stop (S)", onclick: () => stop() },
      "Stop",
    );
    this.question = h("p", { class: "pv-asked" });
    this.identity = identityLine();
    this.outside = h(
      "p",
      { class: "pv-note pv-outside" },
      "Outside the question types that this model knows.",
    );
    this.tabs = h("div", { class: "pv-tabs", role: "group", "aria-label": "Answers" });
    this.agreement = h("p", { class: "pv-quiet pv-agreement" });
    this.first = h("div");
    this.rows = new TraceRows();
    watchWords(this.rows.node);
    this.node = h(
      "section",
      { class: "pv-panel pv-trace", "aria-label": "Reasoning", hidden: true },
      h("div", { class: "pv-trace-head" }, this.status, this.stop, provenance()),
      this.question,
      this.identity.node,
      this.outside,
      this.tabs,
      this.agreement,
      this.first,
      this.rows.node,
      useCheck(),
    );
    this.waits = false;
  }

  /** Show what changed with the next frame, however many events came in between. */
  soon() {
    if (this.waits) return;
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      this.show();
    });
  }

  show() {
    const reading = store.get("reading");
    this.node.hidden = !reading;
    if (!reading) return;
    const column = this.node.closest("#pv-right");
    const low = column && column.scrollHeight - column.scrollTop - column.clientHeight < MARGIN;
    const going = isUnderWay(reading);
    setText(this.status, statusText(reading, shownCompletion()));
    setAttribute(this.node, "data-state", reading.state);
    this.stop.style.visibility = going && !reading.item ? "visible" : "hidden";
    setText(this.question, reading.question);
    this.question.title = [reading.question, ...reading.options].join("\n");
    this.identity.show(reading);
    this.outside.hidden = !reading.outside_known_types;
    this.showTabs(reading);
    this.showFirst(reading);
    this.rows.show(reading, shownCompletion());
    if (low && going) column.scrollTop = column.scrollHeight;
  }

  /** @param {Reading} reading */
  showTabs(reading) {
    const count = reading.count ?? 1;
    const many = count > 1;
    this.tabs.hidden = !many;
    this.agreement.hidden = !many;
    if (!many) return;
    while (this.tabs.children.length < count) {
      const index = this.tabs.children.length;
      this.tabs.append(
        h("button", {
          type: "button",
          class: "pv-button pv-low pv-tab",
          onclick: () => {
            store.set("completion", index);
            store.set("step", null);
          },
        }),
      );
    }
    while (this.tabs.children.length > count) this.tabs.lastChild?.remove();
    [...this.tabs.children].forEach((tab, index) => {
      setAttribute(tab, "aria-pressed", store.get("completion") === index);
      const judged = reading.item?.completions?.find((one) => one.index === index)?.judged ?? false;
      setAttribute(tab, "data-judged", judged);
      setAttribute(tab, "aria-label", `Answer ${index + 1}${judged ? ", judged" : ""}`);
      setText(tab, `Answer ${index + 1}`);
    });
    setText(this.agreement, agreementText(reading));
  }

  /** @param {Reading} reading */
  showFirst(reading) {
    const wanted = reading.state === "waiting first answer" ? reading.id : "";
    if ((this.first.dataset.reading ?? "") === wanted) return;
    this.first.dataset.reading = wanted;
    fill(this.first, wanted && firstAnswer(reading));
    if (wanted && reading.item && !document.activeElement?.matches("input, textarea, select")) {
      focusFirstAnswer();
    }
  }
}

/**
 * What goes on, in a line that never grows beyond its place.
 * @param {Reading} reading
 * @param {Completion|null} completion
 */
function statusText(reading, completion) {
  if (reading.state === "queued") {
    const { position } = reading;
    if (!position) return "Asked …";
    return position === 1
      ? "Waiting: one question before this one"
      : `Waiting: ${position} questions before this one`;
  }
  if (reading.state === "waiting first answer") return "Waits for your own answer";
  if (reading.state === "failed") return reading.error ?? "";
  if (reading.state === "comparing") return "Comparing with a neutral question …";
  if (reading.state === "running") {
    return reading.completions.length ? "Writing …" : "Looking at the region …";
  }
  if (!completion) return "Stopped before the first word";
  const took = completion.seconds ? `, ${completion.seconds.toFixed(1)} s` : "";
  const ends = { stop: "Done", length: "Cut off at its greatest length", cancelled: "Stopped" };
  return (completion.finish ? ends[completion.finish] : "Ended") + took;
}

/** "3 of 4 answers say A"; empty until the server has counted. @param {Reading} reading */
function agreementText({ agreement, count }) {
  if (!agreement) return "\u00a0";
  const counted = Object.entries(agreement).sort((a, b) => b[1] - a[1]);
  if (!counted.length) return "None gives an answer.";
  const rest = counted.slice(1).map(([text, times]) => `${times}: ${text}`);
  const [[answer, times]] = counted;
  return `${times} of ${count} say ${answer}${rest.length ? `; ${rest.join("; ")}` : ""}`;
}

/**
 * One of the two answers: its steps, its answer, and after the vote who wrote it.
 *
 * @import { Comparison, Finish, ShownSide } from "../../page_types"
 */

import { fill, h, setAttribute, setText } from "../core/dom.js";
import { selectStep } from "./compare_store.js";
import { STATES, meantBy, ownNumber } from "../questions/passage_text.js";
import { url } from "../core/api.js";
import { store } from "../core/store.js";

const TITLES = { left: "Left", right: "Right" };
/** @type {Partial<Record<Finish, string>>} */
const ENDS = { length: "cut off at its greatest length", cancelled: "stopped" };

export class CompareSide {
  /** @param {"left"|"right"} side */
  constructor(side) {
    this.side = side;
    /** @type {string|null} */
    this.of = null;
    this.state = h("span", { class: "pv-quiet" });
    this.shown = h("span", { class: "pv-on-slide" }, "on the slide");
    this.name = h("p", { class: "pv-compare-name" });
    this.list = h("ol", { class: "pv-steps", "aria-label": `Steps, ${side}` });
    this.answer = this.row("answer", "Answer", "pv-answer", "div");
    this.raw = h("p", { class: "pv-raw" });
    /** @type {ReturnType<CompareSide["row"]>[]} */
    this.rows = [];
    this.body = h(
      "div",
      {
        class: "pv-compare-text",
        tabindex: "0",
        role: "group",
        "aria-label": `Reasoning, ${side}`,
      },
      this.list,
      this.answer.node,
      this.raw,
    );
    this.node = h(
      "section",
      { class: "pv-compare-side", "data-side": side, "aria-label": `${TITLES[side]} answer` },
      h("div", { class: "pv-compare-head" }, h("h2", {}, TITLES[side]), this.shown, this.state),
      this.name,
      this.body,
    );
    store.onAny(["comparison", "steps", "side", "linked"], () => this.show());
  }

  show() {
    const one = store.get("comparison");
    if (!one) return;
    const answer = one.sides[this.side];
    const chosen = store.get("steps")[this.side];
    const steps = answer.trace?.steps ?? [];
    if (this.of !== one.id) this.body.scrollTop = 0;
    this.of = one.id;
    this.shown.style.visibility =
      !store.get("linked") && store.get("side") === this.side ? "visible" : "hidden";
    while (this.rows.length < steps.length) this.grow();
    while (this.rows.length > steps.length) this.rows.pop()?.node.remove();
    steps.forEach((step, index) => this.rows[index].show(step, chosen));
    const said = answer.trace?.answer;
    this.answer.node.hidden = !said;
    if (said) this.answer.show({ ...said, state: "done" }, chosen, meantBy(one, said.text));
    const bare = answer.finish && !steps.length && !said;
    setText(this.raw, bare ? answer.text || "The model wrote nothing." : "");
    setText(this.state, this.stateText(one, answer));
    this.showName(one);
  }

  /** @param {Comparison} one @param {ShownSide} answer */
  stateText(one, answer) {
    if (one.state === "failed") return one.error ?? "It could not be answered.";
    if (answer.finish) return ENDS[answer.finish] ?? "";
    if (one.waiting) return "waits for the model";
    return answer.text ? "writing …" : "looking at the region …";
  }

  /**
   * The name has its line from the beginning, so that nothing moves when it is told.
   * @param {Comparison} one
   */
  showName(one) {
    const name = one.names?.[this.side];
    this.node.toggleAttribute("data-won", one.vote?.choice === this.side);
    if (!name) {
      fill(this.name, h("span", { class: "pv-quiet" }, "Who wrote this is told after your vote."));
      return;
    }
    const weights = name.model_revision ? `, weights ${name.model_revision.slice(0, 8)}` : "";
    const drawn = `temperature ${name.sampling.temperature}, seed ${name.sampling.seed}`;
    const query = `?slide=${encodeURIComponent(one.slide.id)}&reading=${encodeURIComponent(name.reading)}`;
    fill(
      this.name,
      h("strong", {}, name.model),
      `${weights} · ${drawn} · answer ${name.index + 1} `,
      h(
        "a",
        { class: "pv-action", href: url(`/${query}`), target: "_blank", rel: "noopener" },
        "provenance",
      ),
    );
  }

  grow() {
    const number = this.rows.length + 1;
    const row = this.row(`step ${number}`, String(number), "pv-step", "li");
    this.rows.push(row);
    this.list.append(row.node);
  }

  /**
   * A passage whose number selects it.
   * @param {string} name
   * @param {string} label
   * @param {string} kind
   * @param {"div"|"li"} tag
   */
  row(name, label, kind, tag) {
    const button = h("button", { type: "button", class: "pv-number" }, label);
    const text = h("p", { class: "pv-passage" });
    const state = h("span", { class: "pv-state" });
    const option = h("span", { class: "pv-option" });
    const node = h(tag, { class: kind }, button, text, option, state);
    const toggle = () =>
      selectStep(this.side, store.get("steps")[this.side] === name ? null : name);
    button.addEventListener("click", toggle);
    text.addEventListener("click", () => window.getSelection()?.isCollapsed && toggle());
    /**
     * @param {{text: string, state: keyof typeof STATES}} step
     * @param {string|null} chosen
     * @param {string} [meant]
     */
    const show = (step, chosen, meant = "") => {
      const selected = chosen === name;
      if (selected && button.getAttribute("aria-pressed") === "false") {
        node.scrollIntoView({ block: "nearest" });
      }
      setAttribute(button, "aria-pressed", selected);
      setAttribute(button, "aria-label", name === "answer" ? "Answer" : `Step ${label}`);
      setAttribute(node, "data-state", step.state);
      setText(text, step.text.slice(ownNumber(step.text, label).length));
      setText(option, meant);
      setText(state, STATES[step.state] ?? step.state);
    };
    return { node, show };
  }
}

/**
 * Select the passage after (1) or before (-1) the selected one of the side on the slide.
 * @param {1|-1} sign
 */
export function stepBy(sign) {
  const side = store.get("side");
  const trace = store.get("comparison")?.sides[side].trace;
  if (!trace) return;
  const names = trace.steps.map((_, index) => `step ${index + 1}`);
  if (trace.answer) names.push("answer");
  if (!names.length) return;
  const at = names.indexOf(store.get("steps")[side] ?? "");
  const wanted = at < 0 ? (sign > 0 ? 0 : names.length - 1) : at + sign;
  selectStep(side, names[Math.min(names.length - 1, Math.max(0, wanted))]);
}

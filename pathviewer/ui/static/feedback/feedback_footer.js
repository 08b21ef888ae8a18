/** The end of the judgment, in sight however long the trace is: whether it is saved, and Submit. */

import { h, setAttribute, setText } from "../core/dom.js";
import { savedState } from "./saved_feedback.js";
import { unsaved } from "./feedback_store.js";
import { store } from "../core/store.js";

/** Id of the form that the button submits. */
export const JUDGMENT = "pv-judgment";

class JudgeFoot {
  constructor() {
    this.state = h("p", { class: "pv-judge-state", role: "status" });
    this.button = h(
      "button",
      { type: "submit", form: JUDGMENT, class: "pv-button pv-primary", title: "Submit (Enter)" },
      "Submit",
    );
    this.node = h(
      "div",
      { class: "pv-judge-foot", role: "group", hidden: true, "aria-label": "Submit your judgment" },
      this.state,
      this.button,
    );
  }

  /** @param {boolean} known whether the judgment on the screen is what the store has */
  show(known) {
    this.node.hidden = !store.get("draft");
    if (!known) return;
    const { text, kind } = savedState();
    this.say(text, kind);
    this.button.disabled = !unsaved() && store.need("judged").savedAt !== null;
  }

  /** @param {string} text @param {string} kind */
  say(text, kind) {
    setText(this.state, text);
    setAttribute(this.state, "data-kind", kind);
  }
}

/** The one of this page; the foot of the right column has it. */
export const judgeFoot = new JudgeFoot();

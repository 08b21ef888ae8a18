/**
 * The page on which two answers are compared.
 *
 * @import { VoteWords } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";
import { setColours } from "../attention/colour_maps.js";
import { Ballot } from "./vote_bar.js";
import { compareKeys } from "./compare_keys.js";
import { keepSideMaps } from "./compare_maps.js";
import { CompareSide } from "./completion_side.js";
import { CompareStart } from "./compare_form.js";
import { leave, resume } from "./compare_store.js";
import { CompareViews } from "./linked_views.js";
import { byId, fill, h } from "../core/dom.js";
import { bindKeys } from "../core/key_binding.js";
import { keysPanel } from "../core/keys_panel.js";
import { messageLine } from "../core/message_line.js";
import { identityText } from "../viewer/slide_identity.js";
import { say, store } from "../core/store.js";

class ComparePage {
  /** @param {HTMLElement} host @param {VoteWords} vocabulary */
  constructor(host, vocabulary) {
    this.host = host;
    this.views = new CompareViews();
    this.sides = { left: new CompareSide("left"), right: new CompareSide("right") };
    this.ballot = new Ballot(vocabulary);
    this.begin = new CompareStart(this.views);
    this.question = h("p", { class: "pv-compare-question" });
    this.done = h(
      "section",
      { class: "pv-compare-done", role: "status" },
      h("p", {}, "No pair is ready for you here. A pair comes after you end its item."),
      h(
        "button",
        { type: "button", class: "pv-button pv-primary", onclick: () => leave() },
        "Other list or question",
      ),
    );
    host.append(
      this.question,
      this.sides.left.node,
      this.views.node,
      this.sides.right.node,
      this.ballot.node,
      this.begin.node,
      this.done,
    );
    const table = compareKeys(vocabulary, this.views, () => this.toggleKeys());
    this.keys = keysPanel(table);
    host.append(this.keys);
    bindKeys(table);
    store.onAny(["comparison", "list", "linked"], () => this.show());
  }

  toggleKeys() {
    if (this.keys.open) this.keys.close();
    else this.keys.showModal();
  }

  /** One of three: a comparison, the choice of one, or that a list has none left. */
  show() {
    const one = store.get("comparison");
    const mode = one ? "comparing" : store.get("list") ? "done" : "start";
    const before = this.host.dataset.mode;
    this.host.dataset.mode = mode;
    this.host.dataset.linked = String(store.get("linked") && mode === "comparing");
    if (one) {
      fill(
        this.question,
        one.question,
        one.options.length > 0 &&
          h(
            "span",
            { class: "pv-quiet" },
            one.options
              .map((option, index) => ` ${String.fromCharCode(65 + index)}) ${option}`)
              .join(" "),
          ),
      );
      if (one.slide_identity) {
        this.question.append(
          h("span", { class: "pv-quiet pv-identity" }, identityText(one.slide_identity)),
        );
      }
      this.question.title = [one.question, ...one.options].join("\n");
    }
    if (mode === "start" && before !== "start") this.begin.open();
  }
}

async function begin() {
  messageLine();
  const { colours, vocabulary } = document.body.dataset;
  setColours(JSON.parse(colours ?? "{}"));
  const page = new ComparePage(byId("compare"), JSON.parse(vocabulary ?? "{}"));
  page.views.begin();
  page.views.first.viewer.addHandler(
    "update-viewport",
    () => page.host.dataset.mode === "start" && page.begin.follow(),
  );
  keepSideMaps();
  // the handle of the browser tests; nothing in the page uses it
  window.PathViewer = { store, page };
  try {
    store.set("me", await request("GET /api/me"));
    await resume();
    page.show();
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status !== 401) say(error.message, "error");
  }
}

begin();

/**
 * The line at the top: the slide's name, messages, what this is not for, who is logged in.
 *
 * @import { Me } from "../../api_types"
 * @import { Message, MessageAction, PanelProps } from "../../page_types"
 */

import { url } from "./api.js";
import { fill, fillPanel, h, setText } from "./dom.js";
import { start } from "./page_start.js";
import { store } from "./store.js";

/**
 * Mount the line into the page's element.
 * @param {Element} element
 * @param {PanelProps} props
 */
export function mount(element, props) {
  const name = h("span", { class: "pv-slide-name" });
  const note = h("span", { class: "pv-pixel-note" });
  const message = h("div", { class: "pv-message", role: "status", "aria-live": "polite" });
  const user = h("div", { class: "pv-user" });
  fillPanel(
    element,
    h(
      "header",
      { class: "pv-top" },
      h("a", { class: "pv-skip", href: "#", onclick: skip }, "Skip to the slide"),
      h("h1", {}, "PathViewer"),
      name,
      note,
      message,
      h("span", { class: "pv-warning-line" }, "Not for diagnosis"),
      user,
    ),
  );
  store.on("slide", (slide) => {
    setText(name, slide?.name ?? "");
    setText(note, slide?.pixel_note ?? "");
    note.title = slide?.pixel_note ?? "";
  });
  store.on("message", (value) => showMessage(message, value));
  store.on("me", (me) => showUser(user, me));
  return start(props);
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  store.get("canvas")?.surface.focus();
}

/** @param {HTMLElement} node @param {Message|null} message */
function showMessage(node, message) {
  node.dataset.kind = message?.kind ?? "none";
  if (!message) {
    fill(node);
    return;
  }
  const { text, action } = message;
  fill(
    node,
    h("span", { title: text }, text),
    action && actionOf(action),
    h(
      "button",
      {
        type: "button",
        class: "pv-plain",
        "aria-label": "Dismiss the message",
        onclick: () => store.set("message", null),
      },
      "×",
    ),
  );
}

/** @param {MessageAction} action */
function actionOf({ label, run, href }) {
  return href
    ? h("a", { href, class: "pv-action" }, label)
    : h("button", { type: "button", class: "pv-action", onclick: run }, label);
}

/** @param {Me|undefined} me */
function insights(me) {
  return (
    me?.actions?.includes("see_insights") &&
    h("a", { href: url("/insights"), class: "pv-action" }, "Insights")
  );
}

/**
 * With the slide on the screen and the region that is selected, to ask about them there.
 * @param {Me|undefined} me
 */
function compare(me) {
  return (
    me?.actions?.includes("judge") &&
    h(
      "a",
      {
        href: url("/compare"),
        class: "pv-action",
        onclick: (event) => {
          /** @type {HTMLAnchorElement} */ (event.currentTarget).href = url(
            `/compare${window.location.search}`,
          );
        },
      },
      "Compare",
    )
  );
}

/** @param {Me|undefined} me */
function exports(me) {
  return (
    me?.actions?.includes("export") &&
    h("a", { href: url("/export"), class: "pv-action" }, "Export")
  );
}

/** What becomes of what a visitor asks and says. @param {Me} me */
function demo({ labels_go_to: dataset, label_licence: licence }) {
  const kept = dataset
    ? `judgments go to the data set ${dataset}${licence ? ` (${licence})` : ""}`
    : "nothing is kept";
  const title = `What you ask is forgotten after the visit${
    dataset
      ? ", unless you judge it: question, answer and judgment then go to the data set, without a name, " +
        "and are kept here until the demo restarts"
      : ""
  }.`;
  return h("span", { title }, `Public demo: ${kept}`);
}

/** @param {HTMLElement} node @param {Me|undefined} me */
function showUser(node, me) {
  if (!me?.login) {
    fill(
      node,
      !me?.public_demo && compare(me),
      insights(me),
      exports(me),
      me?.public_demo && demo(me),
    );
    return;
  }
  fill(
    node,
    compare(me),
    insights(me),
    exports(me),
    h("span", { title: `Role: ${me.role}` }, me.name),
    h(
      "form",
      { method: "post", action: url("/logout") },
      h("button", { type: "submit", class: "pv-button" }, "Log out"),
    ),
  );
}

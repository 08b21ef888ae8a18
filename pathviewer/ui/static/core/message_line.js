/** The message line of a page beside the viewer's, and the sub-path it is served under. */

import { byId, fill, h } from "./dom.js";
import { store } from "./store.js";

/** Keep the line of the page's header at store "message". */
export function messageLine() {
  const node = byId("message");
  store.set("root", document.body.dataset.root);
  store.on("message", (value) => {
    node.dataset.kind = value?.kind ?? "none";
    fill(
      node,
      value && h("span", {}, value.text),
      value?.action && h("a", { href: value.action.href, class: "pv-action" }, value.action.label),
    );
  });
}

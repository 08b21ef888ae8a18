/**
 * The files of the slides folders that could not be opened, with the reasons.
 *
 * @import { RejectedFileOut } from "../../api_types"
 */

import { request } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { may, store } from "../core/store.js";

/** A line that unfolds to names and reasons; hidden where there is nothing to tell. */
export function rejectedFiles() {
  const node = h("div", { class: "pv-rejected", hidden: true });
  let shown = "[]";
  const show = async () => {
    if (!may("upload_slides")) return;
    // an older server, or one that tells this role nothing: then there is nothing to show
    const files = await request("GET /api/slides/rejected").catch(() => []);
    if (JSON.stringify(files) === shown) return;
    shown = JSON.stringify(files);
    node.hidden = !files.length;
    fill(node, ...lines(files));
  };
  store.onAny(["me", "slides"], show);
  window.addEventListener("focus", show);
  return node;
}

/** @param {RejectedFileOut[]} files */
function lines(files) {
  const list = h(
    "ul",
    { id: "pv-rejected-files", hidden: true },
    ...files.map(({ name, reason }) => h("li", {}, h("strong", {}, name), ` ${reason}`)),
  );
  const count = files.length === 1 ? "1 file" : `${files.length} files`;
  const button = h(
    "button",
    {
      type: "button",
      class: "pv-action",
      "aria-expanded": "false",
      "aria-controls": list.id,
      onclick: () => {
        list.hidden = !list.hidden;
        button.setAttribute("aria-expanded", String(!list.hidden));
      },
    },
    `${count} could not be opened`,
  );
  return [button, list];
}

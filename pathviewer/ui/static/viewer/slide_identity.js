/**
 * Which slide is meant: what stands beside every answer and goes along with a question.
 *
 * @import { IdentityOut } from "../../api_types"
 * @import { Reading } from "../../page_types"
 */

import { h, setAttribute, setText } from "../core/dom.js";
import { store } from "../core/store.js";

const LABELS = {
  shown: "label shown",
  hidden: "label hidden",
  unnamed: "an unnamed picture may be a label",
  none: "no label in the file",
};

/**
 * An identity as the server gives it, in a line; "" for none.
 * @param {Partial<IdentityOut>|null|undefined} identity
 */
export function identityText(identity) {
  if (!identity) return "";
  const { name, case: of, stain, scale, label } = identity;
  return [name, of && `case ${of}`, stain ?? "stain unknown", scale, label && LABELS[label]]
    .filter(Boolean)
    .join(" · ");
}

/** The line beside an answer. @returns {{node: HTMLElement, show: (reading: Reading) => void}} */
export function identityLine() {
  const node = h("p", { class: "pv-identity" });
  return {
    node,
    show: (reading) => {
      const slide = store.get("slide");
      const elsewhere = slide && slide.id !== reading.slide;
      const known = /** @type {object|null|undefined} */ (
        reading.slide_identity ?? (elsewhere ? null : slide?.identity)
      );
      const text = identityText(known) || reading.slide_name || "A slide of which no more was kept";
      setText(node, elsewhere ? `Not the slide on the screen: ${text}` : text);
      setAttribute(node, "data-elsewhere", String(Boolean(elsewhere)));
    },
  };
}

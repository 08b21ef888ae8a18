/** A measured line whose length is known gives the slide's scale: the form beside the line. */

import { describeSlide } from "./slide_properties.js";
import { fill, h } from "../core/dom.js";
import { sizeDigits } from "./scale.js";
import { may, say, store } from "../core/store.js";

/** @type {Record<string, number>} */
const MICRONS = { µm: 1, mm: 1000 };

/** @returns {HTMLElement} hidden until a line is measured by somebody who may correct scales */
export function knownLength() {
  const node = h("div", { class: "pv-known-length", hidden: true });
  const show = () => {
    const line = store.get("measured");
    node.hidden = !line || !may("describe_slides");
    if (node.hidden) fill(node);
    else if (!node.firstChild) fill(node, form());
  };
  store.onAny(["measured", "me"], show);
  return node;
}

function form() {
  const field = h("input", {
    type: "text",
    class: "pv-field",
    inputmode: "decimal",
    size: 7,
    autocomplete: "off",
    "aria-label": "Length of the measured line",
  });
  const unit = h(
    "select",
    { class: "pv-field", "aria-label": "Unit of the length" },
    ...Object.keys(MICRONS).map((name) => h("option", { value: name }, name)),
  );
  return h(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        enter(field.value, unit.value);
      },
    },
    h("label", {}, "This line is", field),
    unit,
    h("button", { type: "submit", class: "pv-button" }, "Set scale"),
  );
}

/** @param {string} text @param {string} unit */
async function enter(text, unit) {
  const line = store.get("measured");
  const length = Number(text.trim().replace(",", "."));
  if (!line) return;
  if (!(length > 0)) {
    say("Type the length of the line, a number above 0, such as 100.", "warning");
    return;
  }
  const [from, to] = line;
  const um = length * MICRONS[unit];
  const entered = await describeSlide(
    { known_length: { from, to, um } },
    ({ scale }) => `Scale set to ${sizeDigits(scale)} µm/px by a line of ${length} ${unit}.`,
  );
  if (entered) store.set("measured", null);
}

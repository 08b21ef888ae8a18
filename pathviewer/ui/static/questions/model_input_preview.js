/**
 * What the model will see: the region at its pixel budget, with the token grid and the scale.
 *
 * @import { PreviewOut, PreviewRequest } from "../../api_types"
 */

import { failureOf, request } from "../core/api.js";
import { fill, h, s } from "../core/dom.js";
import { addRegion } from "../regions/regions.js";
import { corners } from "../regions/shapes.js";
import { store } from "../core/store.js";

const AFTER_MS = 250;

/**
 * @param {() => PreviewRequest|null} asked null without region
 * @returns {{node: HTMLElement, look: () => void}} `look` shows it anew, a moment later
 */
export function preview(asked) {
  const picture = h("div", { class: "pv-seen" });
  const facts = h("p", { class: "pv-seen-facts" });
  const warnings = h("ul", { class: "pv-seen-warnings" });
  const node = h(
    "figure",
    { class: "pv-preview", "aria-label": "What the model will see" },
    picture,
    h("figcaption", { "aria-live": "polite" }, facts, warnings),
  );
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  /** @type {AbortController|null} */
  let former = null;
  /** @type {string|null} */
  let shown = null;
  const load = async () => {
    const body = asked();
    const slide = store.get("slide");
    const key = JSON.stringify([slide?.id, body]);
    if (key === shown) return;
    former?.abort();
    former = new AbortController();
    shown = key;
    if (!body || !slide) {
      fill(
        picture,
        h(
          "p",
          { class: "pv-empty" },
          "What the model will see is shown here once a region is selected and the model is ready.",
        ),
      );
      fill(facts);
      fill(warnings);
      return;
    }
    try {
      showSeen(
        { picture, facts, warnings },
        await request("POST /api/slides/{slide_id}/preview", {
          path: { slide_id: slide.id },
          json: body,
          signal: former.signal,
        }),
      );
    } catch (thrown) {
      const error = failureOf(thrown);
      if (error.name === "AbortError") return;
      shown = null;
      fill(picture);
      fill(facts);
      fill(warnings, h("li", {}, error.message));
    }
  };
  const look = () => {
    clearTimeout(timer);
    timer = setTimeout(load, AFTER_MS);
  };
  return { node, look };
}

/**
 * @param {{picture: HTMLElement, facts: HTMLElement, warnings: HTMLElement}} nodes
 * @param {PreviewOut} seen
 */
function showSeen(nodes, seen) {
  const { fit } = seen;
  fill(nodes.picture, gridPicture(seen));
  const byHand = seen.mpp_source === "entered" ? " (scale entered by hand)" : "";
  const scale = seen.mpp ? `${Number(seen.mpp.toPrecision(3))} µm/px${byHand}` : "scale unknown";
  fill(
    nodes.facts,
    `${seen.width} × ${seen.height} px, ${seen.columns} × ${seen.rows} tokens, `,
    scale,
    seen.colours ? `, colours ${seen.colours.corrected ? "corrected" : "as scanned"}` : "",
  );
  fill(
    nodes.warnings,
    ...seen.warnings.map((text) => h("li", {}, text)),
    fit &&
      h(
        "li",
        {},
        h(
          "button",
          {
            type: "button",
            class: "pv-button pv-low",
            onclick: () => addRegion("rectangle", corners(fit), fittedName()),
          },
          "Fit to the model's scale",
        ),
      ),
  );
}

function fittedName() {
  const region = store.get("regions").find(({ id }) => id === store.get("selected"));
  return region ? `${region.name}, fitted`.slice(0, 200) : "";
}

/**
 * The picture with its token cells, as large as the place for it allows.
 * @param {Pick<PreviewOut, "picture"|"width"|"height"|"columns"|"rows">} preview
 */
export function gridPicture({ picture, width, height, columns, rows }) {
  const across = Array.from({ length: columns - 1 }, (_, i) => ((i + 1) * width) / columns);
  const down = Array.from({ length: rows - 1 }, (_, i) => ((i + 1) * height) / rows);
  const lines =
    across.map((x) => `M${x} 0V${height}`).join("") + down.map((y) => `M0 ${y}H${width}`).join("");
  return s(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": `The region in ${width} × ${height} pixels with its token grid`,
    },
    s("image", { href: picture, width, height }),
    s("path", { class: "pv-grid", d: lines }),
  );
}

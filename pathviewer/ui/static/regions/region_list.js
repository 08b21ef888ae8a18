/**
 * The regions of the slide: name, size, area; rename, go to, delete, save; GeoJSON in and out.
 *
 * @import { OpenedSlide, RegionImport } from "../../api_types"
 * @import { PanelProps, Region } from "../../page_types"
 */

import { failureOf, queryText, refusal, request, url } from "../core/api.js";
import { fill, fillPanel, h, icon } from "../core/dom.js";
import { areaText, pixelText, sizeText } from "../viewer/lengths.js";
import { normalizeName } from "../core/names.js";
import { keepRegion, loadRegions, removeRegion, renameRegion, select, settled } from "./regions.js";
import { start } from "../core/page_start.js";
import { areaUm2, extentUm, pixelSize } from "../viewer/scale.js";
import { extent } from "./shapes.js";
import { may, say, store } from "../core/store.js";

const BIN = "M4 6h12M8 6V4h4v2M6 6l1 10h6l1-10";
const PENCIL = "M4 16l1-4 8.5-8.5 3 3L8 15l-4 1M11.5 5.5l3 3";
const TARGET = "M10 3v4M10 13v4M3 10h4M13 10h4M10 10h.01";

/**
 * Mount the list into the page's element.
 * @param {Element} element
 * @param {PanelProps} props
 */
export function mount(element, props) {
  const note = h("p", { class: "pv-note" });
  const list = h("ul", { class: "pv-regions", "aria-label": "Regions" });
  const exchange = h("div", { class: "pv-exchange" });
  fillPanel(
    element,
    h(
      "section",
      {
        class: "pv-panel pv-fill",
        "aria-label": "Regions",
      },
      h("h2", {}, "Regions"),
      note,
      list,
      exchange,
    ),
  );
  store.onAny(["regions", "selected", "slide"], () => showRegions(list));
  store.onAny(["me", "slide"], () => {
    showNote(note);
    showExchange(exchange);
  });
  return start(props);
}

/** @param {HTMLElement} note */
function showNote(note) {
  const me = store.get("me");
  const kept = me && !may("draw_regions");
  note.hidden = !kept;
  note.textContent = kept ? "Kept in this page only: they are gone when it is closed." : "";
}

/** @param {HTMLElement} list */
function showRegions(list) {
  const activeElement = /** @type {HTMLElement} */ (document.activeElement);
  if (list.contains(activeElement) && activeElement.matches("input")) return;
  const focused = list.contains(activeElement) ? activeElement.dataset.focus : null;
  const regions = store.get("regions");
  if (!regions.length) {
    fill(
      list,
      h(
        "li",
        { class: "pv-empty" },
        "None yet. Draw one with Rectangle or Polygon, or place a 1 mm² field or HPF.",
      ),
    );
    return;
  }
  fill(list, ...regions.map(entry));
  if (focused)
    /** @type {HTMLElement|null} */ (
      list.querySelector(`[data-focus="${CSS.escape(focused)}"]`)
    )?.focus();
}

/** @param {Region} region */
function entry(region) {
  const selected = store.get("selected") === region.id;
  const name = h(
    "button",
    {
      type: "button",
      class: "pv-region-name",
      "data-focus": region.id,
      "aria-pressed": String(selected),
      onclick: () => select(selected ? null : region.id),
      ondblclick: () => rename(region, item),
    },
    h("span", { class: "pv-region-title" }, region.name),
    h("span", { class: "pv-slide-facts" }, factsText(region)),
  );
  const unsaved = !region.saved && !region.waiting && may("draw_regions");
  /** @type {HTMLElement} */
  const item = h(
    "li",
    { class: selected ? "pv-current" : "" },
    name,
    h(
      "span",
      { class: "pv-region-buttons" },
      unsaved &&
        h(
          "button",
          {
            type: "button",
            class: "pv-button",
            "aria-label": `Save ${region.name}`,
            onclick: () => keepRegion(region.id),
          },
          "Save",
        ),
      small(region, "Rename", icon(PENCIL), () => rename(region, item)),
      small(region, "Go to", icon(TARGET), () => store.get("canvas")?.goTo(region)),
      small(region, "Delete", icon(BIN), () => removeRegion(region.id)),
    ),
  );
  return item;
}

/** @param {Region} region @param {string} verb @param {Node} content @param {() => unknown} run */
function small(region, verb, content, run) {
  return h(
    "button",
    {
      type: "button",
      class: "pv-button pv-small",
      title: verb,
      "aria-label": `${verb} ${region.name}`,
      "data-focus": `${verb} ${region.id}`,
      onclick: run,
    },
    content,
  );
}

/**
 * Sides and area as drawn: um and mm2 where the scale is known, else pixels.
 * @param {Region} region
 */
function factsText(region) {
  const pixel = pixelSize(store.get("slide"));
  if (!pixel) {
    const [width, height] = extent(region);
    return `${pixelText(Math.round(width))} × ${pixelText(Math.round(height))}`;
  }
  const size = sizeText(...extentUm(region, pixel));
  const surface = areaText(areaUm2(region.points, pixel) / 1e6);
  return `${size}, ${surface.replace(" ", "\u00a0")}`;
}

/** @param {Region} region @param {HTMLElement} item */
function rename(region, item) {
  const field = h("input", {
    type: "text",
    class: "pv-field",
    maxlength: 200,
    value: region.name,
    "aria-label": `New name of ${region.name}`,
  });
  let open = true;
  /** @param {boolean} keep */
  const done = (keep) => {
    if (!open) return;
    open = false;
    fill(item);
    if (keep) renameRegion(region.id, field.value);
    store.set("regions", store.get("regions"));
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") done(true);
    if (event.key === "Escape") done(false);
  });
  field.addEventListener("blur", () => done(true));
  fill(item, field);
  field.select();
}

/** @param {HTMLElement} node */
function showExchange(node) {
  const slide = store.get("slide");
  if (!slide) {
    fill(node);
    return;
  }
  const offset = slide.bounds && h("input", { type: "checkbox", checked: true });
  const query = () => (offset ? { bounds_offset: offset.checked ? 1 : 0 } : {});
  const chooser = h("input", {
    type: "file",
    accept: ".geojson,.json,.zip,.gz",
    class: "pv-hidden",
    "aria-label": "GeoJSON file",
    tabindex: "-1",
  });
  chooser.addEventListener("change", () => importFile(chooser, query(), slide));
  fill(
    node,
    h(
      "div",
      { class: "pv-row" },
      h("span", {}, "GeoJSON"),
      h(
        "button",
        {
          type: "button",
          class: "pv-button",
          "aria-label": "Export the regions as GeoJSON",
          onclick: () => download(query(), slide),
        },
        "Export",
      ),
      may("draw_regions") &&
        h(
          "button",
          {
            type: "button",
            class: "pv-button",
            "aria-label": "Import regions from GeoJSON",
            onclick: () => chooser.click(),
          },
          "Import",
        ),
      chooser,
    ),
    offset &&
      h("label", { class: "pv-check" }, offset, "Count from the slide's bounds, as QuPath does"),
  );
}

/**
 * @param {HTMLInputElement} chooser
 * @param {{bounds_offset?: number}} query
 * @param {OpenedSlide} slide
 */
async function importFile(chooser, query, slide) {
  const [file] = chooser.files ?? [];
  chooser.value = "";
  if (!file) return;
  try {
    const answer = await request("POST /api/slides/{slide_id}/regions.geojson", {
      path: { slide_id: slide.id },
      query,
      body: file,
      headers: { "Content-Type": "application/geo+json" },
    });
    await loadRegions(slide);
    const changed = importChanges(answer);
    const regions = answer.imported === 1 ? "1 region" : `${answer.imported} regions`;
    say([`${regions} imported.`, ...changed].join(" "), changed.length ? "warning" : "info");
  } catch (thrown) {
    const error = failureOf(thrown);
    say(`${file.name} was not imported: ${error.message}`, "warning");
  }
}

/**
 * Sentences about what an import did not take over as it stood in the file.
 * @param {RegionImport} imported
 */
function importChanges({ clipped, skipped }) {
  const outlines = clipped.length === 1 ? "1 outline" : `${clipped.length} outlines`;
  const most = Math.max(...clipped.map(({ outside }) => outside));
  const share = most < 0.01 ? "less than 1 %" : `up to ${Math.ceil(100 * most)} %`;
  return [
    clipped.length && `${outlines} reached over the slide's edge and lost ${share} of the area.`,
    skipped.length && `${skipped.length} left out: ${skipped[0].reason}`,
  ].filter(Boolean);
}

/**
 * "Slide 2 regions 2026-01-31.geojson", in the user's own date, of letters every system takes.
 * @param {OpenedSlide} slide
 * @param {Date} now
 */
function fileName(slide, now) {
  const alias = normalizeName(slide?.alias ?? slide?.name ?? "")
    .replace(/[^\p{L}\p{N} ._-]+/gu, "_")
    .trim();
  const day = [now.getFullYear(), now.getMonth() + 1, now.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-");
  return `${alias || "Slide"} regions ${day}.geojson`;
}

/** @param {{bounds_offset?: number}} query @param {OpenedSlide} slide */
async function download(query, slide) {
  await settled(slide.id);
  const path = `/api/slides/${encodeURIComponent(slide.id)}/regions.geojson`;
  const response = await fetch(url(`${path}${queryText(query)}`));
  if (!response.ok) {
    say((await refusal(response)).message, "warning");
    return;
  }
  const link = h("a", {
    href: URL.createObjectURL(await response.blob()),
    download: fileName(slide, new Date()),
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

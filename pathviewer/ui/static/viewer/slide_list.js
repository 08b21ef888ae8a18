/**
 * The list of slides: thumbnail, name, size, magnification; search, rename, correct the scale.
 *
 * @import { SlideOut } from "../../api_types"
 * @import { PanelProps } from "../../page_types"
 */

import { url } from "../core/api.js";
import { describeSlide } from "./slide_properties.js";
import { fill, fillPanel, h, setText } from "../core/dom.js";
import { dimensionsText } from "./lengths.js";
import { scanPower } from "./magnification.js";
import { nameMatches } from "../core/names.js";
import { rejectedFiles } from "./rejected_files.js";
import { claimText, parseScale, scaleText, sizeDigits } from "./scale.js";
import { openSlide, start } from "../core/page_start.js";
import { may, say, store } from "../core/store.js";
import { uploadPanel } from "./upload.js";

/**
 * Mount the list into the page's element.
 * @param {Element} element
 * @param {PanelProps} props
 */
export function mount(element, props) {
  const search = h("input", {
    type: "search",
    id: "pv-search",
    class: "pv-field",
    placeholder: "Search slides",
    "aria-label": "Search slides",
    autocomplete: "off",
  });
  const count = h("p", { class: "pv-count", "aria-live": "polite" });
  const list = h("ul", { class: "pv-slides", "aria-label": "Slides" });
  const details = h("div", { class: "pv-details" });
  fillPanel(
    element,
    h(
      "section",
      { class: "pv-panel pv-left", "aria-label": "Slides" },
      h("h2", {}, "Slides"),
      search,
      count,
      list,
      rejectedFiles(),
      details,
      uploadPanel(),
    ),
  );
  const show = () => showSlides(list, count, search.value);
  search.addEventListener("input", show);
  store.onAny(["slides", "slide", "me"], show);
  store.onAny(["slide", "me"], () => showDetails(details));
  return start(props);
}

/** @param {HTMLElement} list @param {HTMLElement} count @param {string} wanted */
function showSlides(list, count, wanted) {
  const slides = store.get("slides");
  if (!slides) return;
  const found = slides.filter(({ name }) => nameMatches(name, wanted));
  const active = /** @type {HTMLElement} */ (document.activeElement);
  const focused = list.contains(active) && active.dataset.slide;
  fill(list, ...found.map(entry));
  if (focused)
    /** @type {HTMLElement} */ (
      list.querySelector(`[data-slide="${CSS.escape(focused)}"]`)
    )?.focus();
  setText(
    count,
    slides.length === found.length
      ? counted(slides.length)
      : `${found.length} of ${counted(slides.length)}`,
  );
}

/** @param {number} number */
function counted(number) {
  if (number === 0) return "No slides yet: upload one, or put one into a slides folder.";
  return number === 1 ? "1 slide" : `${number} slides`;
}

/** @param {SlideOut} slide */
function entry(slide) {
  const current = store.get("slide")?.id === slide.id;
  /** @type {HTMLImageElement} */
  const picture = h("img", {
    class: "pv-thumbnail",
    alt: "",
    loading: "lazy",
    width: 64,
    height: 56,
    onerror: () => picture.replaceWith(noPreview()),
    src: thumbnailUrl(slide),
  });
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: "pv-slide",
        "data-slide": slide.id,
        "aria-current": current ? "true" : null,
        onclick: () => current || openSlide(slide.id),
      },
      picture,
      h(
        "span",
        { class: "pv-slide-text" },
        h("span", { class: "pv-slide-title", title: slide.name }, slide.name),
        h("span", { class: "pv-slide-facts" }, dimensionsText(slide.width, slide.height)),
        h("span", { class: "pv-slide-facts" }, scanText(slide)),
        slide.pixel_note && h("span", { class: "pv-slide-facts" }, slide.pixel_note),
      ),
    ),
  );
}

function noPreview() {
  return h("span", { class: "pv-thumbnail pv-no-preview" }, "no preview");
}

/** @param {SlideOut} slide */
function scanText(slide) {
  const scan = scanPower(slide);
  const power = scan && `${scan.approximate ? "~" : ""}${Number(scan.power.toPrecision(3))}x, `;
  return `${power ?? ""}${scaleText(slide.scale)}`;
}

/**
 * Its address depends on the shape of the pixels, so that a corrected scale shows at once.
 * @param {SlideOut} slide
 */
function thumbnailUrl({ id, pixel_aspect: aspect }) {
  const shape = aspect === 1 ? "" : `&shape=${aspect}`;
  return url(`/api/slides/${encodeURIComponent(id)}/thumbnail?size=128${shape}`);
}

/**
 * What can be changed about the slide on the screen: its name and its scale.
 * @param {HTMLElement} node
 */
function showDetails(node) {
  const slide = store.get("slide");
  if (node.contains(document.activeElement) && node.dataset.slide === slide?.id) return;
  node.dataset.slide = slide?.id ?? "";
  if (!slide || !may("describe_slides")) {
    fill(node);
    return;
  }
  const name = h("input", {
    type: "text",
    class: "pv-field",
    maxlength: 200,
    value: slide.alias ?? slide.name,
    id: "pv-slide-name",
    "aria-label": "Name of this slide",
  });
  fill(
    node,
    form("Name", name, "Rename", () => describeSlide({ alias: name.value.trim() })),
    ...scaleForm(slide),
  );
}

/** The scale in use with its source, and a field that corrects it. @param {SlideOut} slide */
function scaleForm(slide) {
  const { scale } = slide;
  const entered = scale.source === "entered";
  const field = h("input", {
    type: "text",
    class: "pv-field",
    inputmode: "decimal",
    "aria-label": "Microns per pixel of this slide",
    placeholder: "0.25, or 0.25 x 0.5",
    value: scale.source ? sizeDigits(scale) : "",
  });
  const note = h(
    "p",
    { class: scale.problem && !entered ? "pv-note" : "pv-quiet" },
    scaleNote(slide),
    " ",
    entered && h("button", { type: "button", class: "pv-action", onclick: takeBack }, "Take back"),
  );
  return [form("Microns per pixel", field, "Set", () => enterScale(field.value)), note];
}

/** @param {SlideOut} slide */
function scaleNote({ scale, objective_power_problem: objective }) {
  const how = "Enter it here, or by a measured line (M) of known length.";
  const said =
    scale.source === "entered"
      ? `${scaleText(scale)}; ${claimText(scale)}.`
      : scale.source === "file"
        ? "From the file."
        : (scale.problem ?? "Unknown: the file states none.");
  return [said, objective, scale.source ? null : how].filter(Boolean).join(" ");
}

/** Takes the typed scale; an emptied field takes back what was entered. @param {string} text */
function enterScale(text) {
  // Asked now: a form with the focus in it is not filled anew when the slide's scale changes.
  const entered = store.get("slide")?.scale.source === "entered";
  if (!text.trim() && entered) return takeBack();
  const mpp = parseScale(text);
  if (mpp === null) {
    return say(
      "Microns per pixel is a number above 0, such as 0.25, or one for each axis, " +
        "such as 0.25 x 0.5.",
      "warning",
    );
  }
  return describeSlide({ mpp }, ({ scale }) => `Scale set to ${sizeDigits(scale)} µm/px.`);
}

function takeBack() {
  /** @type {HTMLElement} */ (document.activeElement)?.blur(); // a form with the focus in it is not filled anew
  return describeSlide({ mpp: null }, () => "The scale entered by hand is taken back.");
}

/**
 * @param {string} label
 * @param {HTMLElement} field
 * @param {string} verb
 * @param {() => unknown} run
 */
function form(label, field, verb, run) {
  return h(
    "form",
    {
      class: "pv-form",
      onsubmit: (event) => {
        event.preventDefault();
        field.blur();
        /** @type {HTMLElement} */ (document.activeElement)?.blur();
        run();
      },
    },
    h("label", {}, h("span", {}, label), field),
    h("button", { type: "submit", class: "pv-button" }, verb),
  );
}

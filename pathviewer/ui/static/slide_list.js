/** The list of slides: thumbnail, name, size, magnification; search, rename, scale by hand. */

import { request, url } from "./api.js";
import { fill, h, setText } from "./dom.js";
import { dimensionsText } from "./lengths.js";
import { scanPower } from "./magnification.js";
import { nameMatches } from "./names.js";
import { rejectedFiles } from "./rejected.js";
import { openSlide, poll, refreshSlide, start } from "./session.js";
import { may, say, store } from "./store.js";
import { uploadPanel } from "./upload.js";

const LIKELY_MPP = [0.05, 5];

/** Mount the list into the page's element. */
export function mount(element, props) {
  const search = h("input", { type: "search", id: "pv-search", class: "pv-field",
    placeholder: "Search slides", "aria-label": "Search slides", autocomplete: "off" });
  const count = h("p", { class: "pv-count", "aria-live": "polite" });
  const list = h("ul", { class: "pv-slides", "aria-label": "Slides" });
  const details = h("div", { class: "pv-details" });
  element.querySelector("[data-panel]").replaceChildren(h("section", { class: "pv-panel pv-left",
    "aria-label": "Slides" }, h("h2", {}, "Slides"), search, count, list, rejectedFiles(),
    details, uploadPanel()));
  const show = () => showSlides(list, count, search.value);
  search.addEventListener("input", show);
  ["slides", "slide", "me"].forEach((name) => store.on(name, show));
  ["slide", "me"].forEach((name) => store.on(name, () => showDetails(details)));
  return start(props);
}

function showSlides(list, count, wanted) {
  const slides = store.get("slides");
  if (!slides) return;
  const found = slides.filter(({ name }) => nameMatches(name, wanted));
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.slide;
  fill(list, ...found.map(entry));
  if (focused) list.querySelector(`[data-slide="${CSS.escape(focused)}"]`)?.focus();
  setText(count, slides.length === found.length ? counted(slides.length)
    : `${found.length} of ${counted(slides.length)}`);
}

function counted(number) {
  if (number === 0) return "No slides yet: upload one, or put one into a slides folder.";
  return number === 1 ? "1 slide" : `${number} slides`;
}

function entry(slide) {
  const current = store.get("slide")?.id === slide.id;
  const picture = h("img", { class: "pv-thumbnail", alt: "", loading: "lazy", width: 64, height: 56,
    onerror: () => picture.replaceWith(noPreview()),
    src: url(`/api/slides/${encodeURIComponent(slide.id)}/thumbnail?size=128`) });
  return h("li", {}, h("button", { type: "button", class: "pv-slide", "data-slide": slide.id,
    "aria-current": current ? "true" : null, onclick: () => current || openSlide(slide.id) },
  picture, h("span", { class: "pv-slide-text" },
    h("span", { class: "pv-slide-title", title: slide.name }, slide.name),
    h("span", { class: "pv-slide-facts" }, dimensionsText(slide.width, slide.height)),
    h("span", { class: "pv-slide-facts" }, scanText(slide)))));
}

function noPreview() {
  return h("span", { class: "pv-thumbnail pv-no-preview" }, "no preview");
}

function scanText(slide) {
  const scan = scanPower(slide);
  if (!scan) return "scale unknown";
  const power = `${scan.approximate ? "~" : ""}${Number(scan.power.toPrecision(3))}x`;
  if (!slide.mpp) return `${power}, scale unknown`;
  const mpp = `${Number(slide.mpp.toPrecision(3))} µm/px`;
  return `${power}, ${mpp}${slide.mpp_by_hand ? ", entered by hand" : ""}`;
}

/** What can be changed about the slide on the screen: its name, and its scale if it has none. */
function showDetails(node) {
  const slide = store.get("slide");
  if (node.contains(document.activeElement) && node.dataset.slide === slide?.id) return;
  node.dataset.slide = slide?.id ?? "";
  if (!slide || !may("describe_slides")) {
    fill(node);
    return;
  }
  const name = h("input", { type: "text", class: "pv-field", maxlength: 200, value: slide.alias ?? slide.name,
    id: "pv-slide-name", "aria-label": "Name of this slide" });
  fill(node, form("Name", name, "Rename", () => describe({ alias: name.value.trim() })),
    needsScale(slide) && scaleForm(slide));
}

function needsScale(slide) {
  return slide.mpp === null || slide.mpp_by_hand;
}

function scaleForm(slide) {
  const field = h("input", { type: "text", class: "pv-field", inputmode: "decimal",
    "aria-label": "Microns per pixel of this slide", placeholder: "such as 0.25",
    value: slide.mpp_by_hand ? slide.mpp : "" });
  return form("Microns per pixel" + (slide.mpp_by_hand ? " (entered by hand)" : " (unknown)"), field,
    "Set", scaleSetter(slide, field));
}

/** Takes the typed scale; an unlikely one at the second press, an emptied field as "unknown". */
function scaleSetter(slide, field) {
  let doubted = null;
  return () => {
    const text = field.value.trim();
    const mpp = Number(text.replace(",", "."));
    if (!text && slide.mpp_by_hand) {
      describe({ mpp: null }, "The scale entered by hand is taken back.");
    } else if (!(mpp > 0)) {
      say("Microns per pixel is a number above 0, such as 0.25.", "warning");
    } else if ((mpp < LIKELY_MPP[0] || mpp > LIKELY_MPP[1]) && mpp !== doubted) {
      doubted = mpp;
      say(`${mpp} µm/px is unlikely: scans lie between ${LIKELY_MPP.join(" and ")}. `
        + "Press Set again to take it.", "warning");
    } else describe({ mpp }, `Scale set to ${mpp} µm/px.`);
  };
}

function form(label, field, verb, run) {
  return h("form", { class: "pv-form", onsubmit: (event) => {
    event.preventDefault();
    field.blur();
    document.activeElement?.blur();
    run();
  } }, h("label", {}, h("span", {}, label), field),
  h("button", { type: "submit", class: "pv-button" }, verb));
}

/** Change facts of the slide; `done` is said on success, which also clears what was said before. */
async function describe(change, done = null) {
  const { id } = store.get("slide");
  try {
    await request(`/api/slides/${encodeURIComponent(id)}`, { method: "PATCH", json: change });
    store.set("message", null);
    if (done) say(done);
    await refreshSlide();
    await poll();
  } catch (error) {
    say(`Not changed: ${error.message}`, "warning");
  }
}

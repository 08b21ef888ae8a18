/**
 * What happens once when the page opens, and every few seconds after: user, slides, first slide.
 *
 * @import { Box, SlideOut } from "../../api_types"
 * @import { Failure, PanelProps } from "../../page_types"
 */

import { LOGIN_ENDED, failureOf, nameVisitor, request } from "./api.js";
import { addRegion, loadRegions, select } from "../regions/regions.js";
import { corners, onSlide, sameBox } from "../regions/shapes.js";
import { say, store, unsay } from "./store.js";
import { parseView } from "../viewer/view_url.js";

const POLL_SECONDS = 10;
const STYLE_SHEETS = 7; // as many as page_style.py links
const STYLE_SECONDS = 5;
const UNREACHABLE = "The server cannot be reached. Trying again.";
/** @type {Promise<void>|null} */
let started = null;
/** @type {string|null} */
let asked = null;
let opening = false;

/**
 * Load what all panels need; every panel may call it, the first one starts it.
 * @param {PanelProps} panelProps
 */
export function start({ root, library, visitors }) {
  if (visitors) nameVisitor();
  started ??= begin(root, library);
  return started;
}

/** @param {string} root @param {string} library */
async function begin(root, library) {
  store.set("root", root);
  await Promise.all([script(`${root}${library}`), styles(root)]);
  poll();
  setInterval(poll, POLL_SECONDS * 1000);
  window.addEventListener("focus", poll);
}

/**
 * Wait for the page's style sheets: before them the viewer has no size of its own.
 * @param {string} root
 */
async function styles(root) {
  const sheets = () =>
    [...document.styleSheets].filter(
      (sheet) => sheet.href && new URL(sheet.href).pathname.startsWith(`${root}/ui/`),
    );
  const until = performance.now() + STYLE_SECONDS * 1000;
  while (sheets().length < STYLE_SHEETS && performance.now() < until) {
    await new Promise(requestAnimationFrame);
  }
}

/** @param {string} source @returns {Promise<unknown>} */
function script(source) {
  return new Promise((resolve, reject) => {
    const node = document.createElement("script");
    node.src = source;
    node.onload = resolve;
    node.onerror = () => {
      say(
        "The viewer's JavaScript is missing on the server. Its administrator can restart it with " +
          "the npm registry reachable; the command “doctor” says more.",
        "error",
      );
      reject(new Error(`${source} could not be loaded`));
    };
    document.head.append(node);
  });
}

/** Fetch user and slides; the panels are told only of what changed. */
export async function poll() {
  if (document.hidden && store.get("slides")) return;
  try {
    if (!store.get("me")) store.set("me", await request("GET /api/me"));
    const slides = await request("GET /api/slides");
    unsay(UNREACHABLE);
    unsay(LOGIN_ENDED);
    if (JSON.stringify(slides) !== JSON.stringify(store.get("slides"))) store.set("slides", slides);
    if (!store.get("slide") && !opening && slides.length) await openFirst(slides);
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status === 0) say(UNREACHABLE, "warning");
    else if (error.status !== 401) say(error.message, "warning");
  }
}

/**
 * Once, however many looks at the slides overlap: a second would take the region off the screen.
 * @param {SlideOut[]} slides
 */
async function openFirst(slides) {
  opening = true;
  try {
    await openWanted(slides);
  } finally {
    opening = false;
  }
}

/** @param {SlideOut[]} slides */
async function openWanted(slides) {
  const wanted = parseView(window.location.search);
  const known = slides.some(({ id }) => id === wanted.slide);
  if (wanted.slide && !known) {
    say("The address names a slide that is not here; this is the first one.", "warning");
  } else if (wanted.problem) {
    say(`The address holds what cannot be read (${wanted.problem}); it was left out.`, "warning");
  }
  const id = (known && wanted.slide) || slides[0].id;
  await openSlide(id);
  if (known && wanted.roi && store.get("slide")?.id === id) showLinkedRegion(wanted.roi);
}

/**
 * Select the region of the address; one that is not saved here is added to the page.
 * @param {Box} box
 */
function showLinkedRegion(box) {
  const same = store.get("regions").find((region) => sameBox(region.box, box));
  if (same) select(same.id);
  else if (onSlide(corners(box), store.need("slide"))) {
    addRegion("rectangle", corners(box), "Region of the link", { save: false });
  } else say("The region in the address lies outside this slide; it was left out.", "warning");
}

/**
 * Put a slide on the screen; of several that were asked for, the last one.
 * @param {string} id
 * @returns {Promise<Failure|null>} why it is not there, which was said
 */
export async function openSlide(id) {
  asked = id;
  try {
    const slide = await request("GET /api/slides/{slide_id}", { path: { slide_id: id } });
    if (asked !== id) return null;
    store.set("slide", slide);
    await loadRegions(slide);
    return null;
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status !== 401) say(error.message, "error");
    return error;
  }
}

/** Fetch the facts of the slide on the screen anew, after a change of them. */
export async function refreshSlide() {
  const { id } = store.need("slide");
  // the slide is shown last, so that a caller continues as soon as it appears
  const [slide] = await Promise.all([
    request("GET /api/slides/{slide_id}", { path: { slide_id: id } }),
    poll(),
  ]);
  if (store.get("slide")?.id === id) store.set("slide", slide);
}

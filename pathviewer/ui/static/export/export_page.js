/**
 * The page of exports: a form, and below it what was begun, with its progress and its archive.
 *
 * @import { ExportOut } from "../../api_types"
 */

import { failureOf, request, url } from "../core/api.js";
import { byId, fill, h } from "../core/dom.js";
import { exportForm, formValues } from "./export_form.js";
import { messageLine } from "../core/message_line.js";
import { say, store } from "../core/store.js";

/** @typedef {{rows: Record<string, number>, items: number, items_in_conflict: number}} Counts */

const POLL_MS = 500;
const form = /** @type {HTMLFormElement} */ (byId("form"));
const jobs = byId("jobs");
/** @type {ReturnType<typeof setTimeout>|undefined} */
let watching;

messageLine();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
start();

async function start() {
  try {
    exportForm(form, await request("GET /api/exports/choices"));
    await show();
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status !== 401) say(error.message, "error");
  }
}

async function begin() {
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("[type=submit]"));
  button.disabled = true;
  try {
    await request("POST /api/exports", { json: formValues(form) });
    store.set("message", null);
    await show();
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.status !== 401) say(error.message, "error");
  } finally {
    button.disabled = false;
  }
}

/** Show what there is, and look again while something is under way. */
async function show() {
  clearTimeout(watching);
  const found = await request("GET /api/exports");
  fill(jobs, ...(found.length ? found.map(row) : [h("li", { class: "pv-quiet" }, "None yet.")]));
  if (found.some((job) => job.state === "running")) {
    watching = setTimeout(() => show().catch((error) => say(error.message, "error")), POLL_MS);
  }
}

/** @param {ExportOut} job */
function row(job) {
  return h(
    "li",
    { class: "pv-export-job", "data-state": job.state },
    h("span", { class: "pv-export-name" }, job.format),
    ...state(job),
  );
}

/** @param {ExportOut} job */
function state(job) {
  if (job.state === "running") {
    return [
      h("progress", { max: Math.max(1, job.total), value: job.done, "aria-label": "Progress" }),
      h("span", { class: "pv-quiet" }, `${job.done} of ${job.total} readings`),
    ];
  }
  if (job.state === "failed")
    return [h("span", { role: "alert", class: "pv-export-failed" }, job.error)];
  const counts = /** @type {Counts} */ (job.counts);
  const rows = Object.entries(counts.rows)
    .map(([split, count]) => `${split} ${count}`)
    .join(", ");
  const conflicts = counts.items_in_conflict;
  return [
    h(
      "span",
      {},
      `${rows} rows of ${counts.items} judged ${counts.items === 1 ? "item" : "items"}`,
    ),
    conflicts > 0 && h("span", { class: "pv-export-conflicts" }, `${conflicts} in conflict`),
    h(
      "a",
      { class: "pv-action", href: url(`/api/exports/${job.id}.zip`), download: true },
      "Download",
    ),
  ];
}

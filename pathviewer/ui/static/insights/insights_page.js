/**
 * The page of insights: filters above, then each chart with its numbers and their CSV.
 *
 * @import { ChartOut } from "../../api_types"
 * @import { Filters, InsightsQuery } from "./insights_filters.js"
 * @import { Figure } from "./insights_plots.js"
 */

import { failureOf, request, url } from "../core/api.js";
import { ZONE } from "../core/calendar_days.js";
import { byId, fill, h, setText } from "../core/dom.js";
import { filterFields, filtersInUrl, query } from "./insights_filters.js";
import { draw } from "./insights_plots.js";
import { numbers } from "./insights_table.js";
import { messageLine } from "../core/message_line.js";
import { say, store } from "../core/store.js";

const charts = byId("charts");
const filters = byId("filters");
let wanted = 0;

messageLine();
filters.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("popstate", () => show(filtersInUrl()));
show(filtersInUrl());

/**
 * Fetch the charts of these filters; what is on the screen stays until they are there.
 * @param {Filters} chosen
 */
async function show(chosen) {
  const turn = ++wanted;
  charts.setAttribute("aria-busy", "true");
  say("Computing the figures.");
  try {
    const found = await request("GET /api/insights", {
      query: /** @type {InsightsQuery} */ ({ zone: ZONE, ...chosen }),
    });
    if (turn !== wanted) return; // another choice came meanwhile
    store.set("message", null);
    filterFields(filters, found.choices, chosen, (next) => choose(next));
    if (found.withheld) say(leftOut(found.withheld));
    fill(charts, ...found.charts.map((chart) => card(chart, chosen)));
    for (const chart of found.charts) drawIn(chart);
  } catch (thrown) {
    const error = failureOf(thrown);
    if (turn === wanted && error.status !== 401) say(error.message, "error");
  } finally {
    if (turn === wanted) charts.setAttribute("aria-busy", "false");
  }
}

/** Why a rater does not see all. @param {number} count */
function leftOut(count) {
  return (
    `Left out: ${count} ${count === 1 ? "judgment" : "judgments"} by others of what you have ` +
    "not judged yourself."
  );
}

/** @param {Filters} chosen */
function choose(chosen) {
  window.history.pushState(null, "", `${window.location.pathname}${query(chosen)}`);
  show(chosen);
}

/**
 * One chart: what it is, the plot, the numbers beside it.
 * @param {ChartOut} chart
 * @param {Filters} chosen
 */
function card(chart, chosen) {
  const heading = `${chart.name}-title`;
  const csv = url(`/api/insights/${chart.name}.csv${query({ zone: ZONE, ...chosen })}`);
  return h(
    "section",
    { class: "pv-chart", "aria-labelledby": heading, id: chart.name },
    h(
      "div",
      { class: "pv-chart-head" },
      h("h2", { id: heading }, chart.title),
      chart.rows.length > 0 &&
        h(
          "a",
          {
            class: "pv-action",
            href: csv,
            download: `${chart.name}.csv`,
            "aria-label": `CSV of ${chart.title}`,
          },
          "CSV",
        ),
    ),
    h("p", { class: "pv-about" }, chart.about),
    chart.note && h("p", { class: "pv-note" }, chart.note),
    chart.rows.length > 0 &&
      h(
        "div",
        { class: "pv-chart-body" },
        chart.figure &&
          h("div", {
            class: "pv-plot",
            role: "img",
            "aria-label": `${chart.title}; the numbers are in the table beside it`,
          }),
        numbers(chart),
      ),
  );
}

/** @param {ChartOut} chart */
function drawIn(chart) {
  /** @type {HTMLElement|null} */
  const plot = document.querySelector(`#${CSS.escape(chart.name)} .pv-plot`);
  if (plot) draw(plot, /** @type {Figure} */ (chart.figure), chart.rows.length);
}

setText(/** @type {Element} */ (document.querySelector(".pv-slide-name")), "Insights");

/**
 * The numbers of a chart.
 *
 * @import { ChartOut } from "../../api_types"
 */

import { h } from "../core/dom.js";

/** @param {ChartOut} chart */
export function numbers(chart) {
  const head = h(
    "tr",
    {},
    ...chart.columns.map((name, place) =>
      h("th", { scope: "col", class: isNumber(chart, place) && "pv-number" }, name),
    ),
  );
  const rows = chart.rows.map((row) =>
    h(
      "tr",
      {},
      ...row.map((cell, place) =>
        h("td", { class: isNumber(chart, place) && "pv-number" }, shown(cell)),
      ),
    ),
  );
  return h(
    "div",
    { class: "pv-numbers", tabindex: 0, role: "region", "aria-label": `Numbers of ${chart.title}` },
    h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows)),
  );
}

/** @param {Pick<ChartOut, "rows">} chart @param {number} place */
function isNumber(chart, place) {
  return chart.rows.some((row) => typeof row[place] === "number");
}

/** @param {string|number|null} cell */
function shown(cell) {
  if (cell === null) return "–";
  if (typeof cell !== "number") return cell;
  return Number.isInteger(cell) ? String(cell) : cell.toFixed(Math.abs(cell) >= 100 ? 0 : 2);
}

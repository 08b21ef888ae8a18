/** Plotly in the page's own colours; nothing that moves, no tool bar, no address of its makers. */

/**
 * A figure of Plotly's, which has no types here.
 * @typedef {{data: Record<string, any>[], layout: Record<string, any>}} Figure
 */

const TEXT = "#eceff1";
const QUIET = "#b4bec7";
const LINE = "#39414a";
const ROW_HEIGHT = 26;
const LEAST_HEIGHT = 190;
const MOST_HEIGHT = 620;
const LEAST_NUMBERS = 300;

const NAMES = new Set(["name", "x", "y", "customdata", "ticktext"]);
/** @type {Record<string, string>} */
const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/**
 * Draw a figure of the server's into a node.
 * @param {HTMLElement} node
 * @param {Figure} told
 * @param {number} rows
 */
export function draw(node, told, rows) {
  const figure = asText(told);
  const layout = layoutOf(figure, rows);
  window.Plotly.newPlot(node, figure.data, layout, { displayModeBar: false, responsive: true });
  // the numbers beside it scroll within the same height
  /** @type {HTMLElement} */ (node.nextElementSibling).style.maxHeight =
    `${Math.max(layout.height, LEAST_NUMBERS)}px`;
}

/**
 * A figure whose names stay text: Plotly takes tags in them for bold print and links.
 * @param {any} value
 * @param {boolean} [named]
 * @returns {any}
 */
function asText(value, named = false) {
  if (typeof value === "string")
    return named ? value.replace(/[&<>]/g, (sign) => SIGNS[sign]) : value;
  if (Array.isArray(value)) return value.map((each) => asText(each, named));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, asText(each, named || NAMES.has(key))]),
  );
}

/** @param {Figure} figure @param {number} rows */
function layoutOf(figure, rows) {
  const { xaxis = {}, yaxis = {}, ...rest } = figure.layout;
  return {
    ...rest,
    height: Math.min(MOST_HEIGHT, Math.max(LEAST_HEIGHT, 70 + ROW_HEIGHT * places(figure, rows))),
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: 'system-ui, "Segoe UI", Roboto, sans-serif', size: 13, color: TEXT },
    margin: { l: 8, r: 12, t: 8, b: 36 },
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", traceorder: "normal" },
    showlegend: figure.data.length > 1 && figure.data.some((part) => part.showlegend !== false),
    hoverlabel: { bgcolor: "#282e34", bordercolor: LINE, font: { color: TEXT } },
    dragmode: false,
    xaxis: axis(xaxis),
    yaxis: axis(yaxis),
  };
}

/** @param {Record<string, any>} given */
function axis(given) {
  const title = { font: { size: 13, color: QUIET }, ...given.title };
  return {
    automargin: true,
    gridcolor: LINE,
    linecolor: LINE,
    zerolinecolor: LINE,
    tickfont: { color: QUIET },
    fixedrange: true,
    ...given,
    title,
  };
}

/**
 * How many lines of a lying chart there are.
 * @param {Figure} figure
 * @param {number} rows
 */
function places(figure, rows) {
  const ticks = figure.layout.yaxis?.tickvals?.length;
  if (ticks) return ticks * Math.max(1, 0.6 * figure.data.length);
  if (figure.data.every((part) => part.type === "box")) return figure.data.length;
  const lying = figure.data.find((part) => part.orientation === "h");
  return lying ? lying.y.length : Math.min(rows, 7);
}

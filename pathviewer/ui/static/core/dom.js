/**
 * Building the page's nodes. Text from outside becomes text nodes and attributes, never markup.
 *
 * @import { Attributes, Child } from "../../page_types"
 */

const SVG = "http://www.w3.org/2000/svg";

/** @param {Element} node @param {Attributes} attributes */
function dress(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function")
      node.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, String(value));
    }
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children strings become text nodes
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  dress(node, attributes);
  node.append(...children.filter(present).map(asNode));
  return node;
}

/**
 * As `h`, in the SVG namespace.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function s(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  dress(node, attributes);
  node.append(...children.filter(present).map(asNode));
  return node;
}

/** Replace all children. @param {Element} node @param {...Child} children */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter(present).map(asNode));
}

/**
 * Fill the element that Gradio gave to a panel.
 * @param {Element} element
 * @param {...Node} children
 */
export function fillPanel(element, ...children) {
  element.querySelector("[data-panel]")?.replaceChildren(...children);
}

/** An element that the page's HTML has. @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** What an event happened at. @param {Event} event */
export function targetOf(event) {
  return /** @type {HTMLElement} */ (event.target);
}

/** The drawing context of a canvas. @param {HTMLCanvasElement} canvas */
export function contextOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/** A line icon of 20 x 20 from one path. @param {string} path */
export function icon(path) {
  return s(
    "svg",
    { viewBox: "0 0 20 20", width: 20, height: 20, class: "pv-icon", "aria-hidden": "true" },
    s("path", { d: path }),
  );
}

/**
 * Set an attribute only when it differs, so that an idle page causes no layout.
 * @param {Element} node
 * @param {string} name
 * @param {unknown} value
 */
export function setAttribute(node, name, value) {
  const text = String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/**
 * Set the text only when it differs.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Child} child @returns {child is Node|string|number} */
function present(child) {
  return child !== null && child !== undefined && child !== false;
}

/** @param {Node|string|number} child */
function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

/** Building the page's nodes. Text from outside becomes text nodes and attributes, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {Element} node
 * @param {Object<string, any>} attributes `on...` functions become listeners; true, false and null
 *   set, leave out and leave out an attribute
 */
function dress(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, String(value));
    }
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Object<string, any>} [attributes]
 * @param {...(Node|string|number|null|undefined|false)} children strings become text nodes
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  dress(node, attributes);
  node.append(...children.filter(present).map(asNode));
  return node;
}

/** As `h`, in the SVG namespace. @returns {SVGElement} */
export function s(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  dress(node, attributes);
  node.append(...children.filter(present).map(asNode));
  return node;
}

/** Replace all children of `node`. */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter(present).map(asNode));
}

/** A line icon of 20 x 20 from one path. */
export function icon(path) {
  return s(
    "svg",
    { viewBox: "0 0 20 20", width: 20, height: 20, class: "pv-icon", "aria-hidden": "true" },
    s("path", { d: path }),
  );
}

/** Set an attribute only when it differs, so that an idle page causes no layout. */
export function setAttribute(node, name, value) {
  const text = String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/** Set the text only when it differs. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function present(child) {
  return child !== null && child !== undefined && child !== false;
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

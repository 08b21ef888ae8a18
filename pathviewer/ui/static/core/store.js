/**
 * What the panels of the page share. Each value has a name; panels listen to the names they show.
 *
 * root      string, the sub-path under which the program is served, "" or "/path"
 * me        GET /api/me
 * slides    GET /api/slides
 * slide     GET /api/slides/{id} of the slide on the screen, or null
 * regions   array of Region (see regions.js) of that slide
 * selected  id of the selected region, or null
 * tool      name of the tool in hand (see tools.js)
 * measured  the two ends of the measured line, level 0, or null
 * message   {text, kind: "info"|"warning"|"error", action?: {label, run|href}} or null
 * canvas    the mounted viewer (see slide_canvas.js)
 * corrected whether colours are corrected by the slide's profile (see tile_colours.js)
 * uncorrected ids of slides whose colours this page could not correct (see tile_colours.js)
 * mode      "pointer" or "keys": what the user touched last
 */
class Store extends EventTarget {
  #values = new Map();

  /** @param {string} name */
  get(name) {
    return this.#values.get(name);
  }

  /** Keep a value and tell those who listen to its name. */
  set(name, value) {
    this.#values.set(name, value);
    this.dispatchEvent(new Event(name));
  }

  /** Call `listener(value)` at every later `set`, and now if there is a value already. */
  on(name, listener) {
    this.addEventListener(name, () => listener(this.get(name)));
    if (this.#values.has(name)) listener(this.get(name));
  }
}

export const store = new Store();
store.set("regions", []);
store.set("selected", null);
store.set("tool", "pan");
store.set("measured", null);
store.set("message", null);
store.set("mode", "pointer");

/** Put one plain sentence on the message line. */
export function say(text, kind = "info", action = null) {
  store.set("message", { text, kind, action });
}

/** Clear the message line if it still shows `text`. */
export function unsay(text) {
  if (store.get("message")?.text === text) store.set("message", null);
}

/** Whether the user's role allows an action of the server's table. @param {string} action */
export function may(action) {
  return Boolean(store.get("me")?.actions?.includes(action));
}

/**
 * What the panels of the page share. Each value has a name; panels listen to the names they show.
 *
 * @import { Action } from "../../api_types"
 * @import { MessageAction, StoreValues } from "../../page_types"
 */
class Store extends EventTarget {
  /** @type {Partial<StoreValues>} */
  #values = {};

  /**
   * @template {keyof StoreValues} Name
   * @param {Name} name
   */
  get(name) {
    return /** @type {StoreValues[Name]} */ (this.#values[name]);
  }

  /**
   * A value of which the caller knows that it is there.
   * @template {keyof StoreValues} Name
   * @param {Name} name
   */
  need(name) {
    return /** @type {NonNullable<StoreValues[Name]>} */ (this.#values[name]);
  }

  /**
   * Keep a value and tell those who listen to its name.
   * @template {keyof StoreValues} Name
   * @param {Name} name
   * @param {StoreValues[Name]} value
   */
  set(name, value) {
    this.#values[name] = value;
    this.dispatchEvent(new Event(name));
  }

  /**
   * Call `listener(value)` at every later `set`, and now if there is a value already.
   * @template {keyof StoreValues} Name
   * @param {Name} name
   * @param {(value: StoreValues[Name]) => unknown} listener
   */
  on(name, listener) {
    this.addEventListener(name, () => listener(this.get(name)));
    if (name in this.#values) listener(this.get(name));
  }

  /**
   * Call `listener()` at every later `set` of these names, and now for each that has a value.
   * @param {(keyof StoreValues)[]} names
   * @param {() => unknown} listener
   */
  onAny(names, listener) {
    names.forEach((name) => this.on(name, () => listener()));
  }
}

export const store = new Store();
store.set("regions", []);
store.set("selected", null);
store.set("tool", "pan");
store.set("measured", null);
store.set("message", null);
store.set("mode", "pointer");

/**
 * Put one plain sentence on the message line.
 * @param {string} text
 * @param {string} [kind]
 * @param {MessageAction|null} [action]
 */
export function say(text, kind = "info", action = null) {
  store.set("message", { text, kind, action });
}

/** Clear the message line if it still shows `text`. @param {string|null|undefined} text */
export function unsay(text) {
  if (store.get("message")?.text === text) store.set("message", null);
}

/** Whether the user's role allows an action of the server's table. @param {Action} action */
export function may(action) {
  return Boolean(store.get("me")?.actions?.includes(action));
}

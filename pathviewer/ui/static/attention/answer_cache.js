/** Caches of answers and their words, by a key of the answer; the oldest entry makes room. */

import { store } from "../core/store.js";

/** Key of the answer that is shown, or null. */
export function keyNow() {
  const reading = store.get("reading");
  return reading ? `${reading.id}/${store.get("completion")}` : null;
}

/** The path parameters of an answer's routes. @param {string} key */
export function pathOf(key) {
  const [id, index] = key.split("/");
  return { question_id: id, index: Number(index) };
}

/**
 * Add an entry; the oldest makes room.
 * @template T
 * @param {Map<string, T>} map
 * @param {string} key
 * @param {T} entry
 * @param {number} most
 */
export function remember(map, key, entry, most) {
  map.delete(key);
  map.set(key, entry);
  if (map.size > most) map.delete(/** @type {string} */ (map.keys().next().value));
}

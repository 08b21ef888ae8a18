/** Names of slides, regions and files as they are compared: see storage/names.py. */

/**
 * A name in Unicode NFC; macOS gives files decomposed names, keyboards type composed ones.
 * @param {string} name
 */
export const normalizeName = (name) => name.normalize("NFC");

/**
 * Whether a name contains every word of what was typed into a search field.
 * @param {string} name
 * @param {string} typed
 */
export function nameMatches(name, typed) {
  const plain = normalizeName(name).toLowerCase();
  return normalizeName(typed)
    .toLowerCase()
    .split(/\s+/)
    .every((word) => plain.includes(word));
}

/** Days in filters are those of the reader's time zone, which is stated beside them and sent along. */

import { h } from "./dom.js";

/**
 * The IANA name of a zone that the server knows: UTC where the browser reports none, or
 * "Etc/Unknown", which ICU says where the system's zone cannot be found.
 * @param {string} [reported]
 */
export function knownZone(reported) {
  return !reported || reported === "Etc/Unknown" ? "UTC" : reported;
}

/** IANA name of the browser's time zone, such as "Pacific/Auckland". */
export const ZONE = knownZone(Intl.DateTimeFormat().resolvedOptions().timeZone);

/** The words beside two fields of days. @param {string} zone IANA name */
export function zoneNote(zone) {
  return h("span", { class: "pv-quiet pv-zone" }, `Days in the time zone ${zone}`);
}

/** Days in filters are those of the reader's time zone, which is stated beside them and sent along. */

import { h } from "./dom.js";

/** IANA name of the browser's time zone, such as "Pacific/Auckland". */
export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** The words beside two fields of days. @param {string} zone IANA name */
export function zoneNote(zone) {
  return h("span", { class: "pv-quiet pv-zone" }, `Days in the time zone ${zone}`);
}

/** Changing what is known of the slide on the screen: its name and its scale. */

import { request } from "../core/api.js";
import { poll, refreshSlide } from "../core/page_start.js";
import { say, store } from "../core/store.js";

/**
 * @param {Object} change body of PATCH /api/slides/{id}
 * @param {(slide: Object) => string|null} done what is said on success, from the slide as it is then
 * @returns {Promise<boolean>} whether it was changed; why not is said
 */
export async function describeSlide(change, done = () => null) {
  const { id } = store.get("slide");
  try {
    const slide = await request(`/api/slides/${encodeURIComponent(id)}`, {
      method: "PATCH",
      json: change,
    });
    store.set("message", null);
    await refreshSlide();
    const text = done(slide);
    if (text) say(text);
    await poll();
    return true;
  } catch (error) {
    say(`Not changed: ${error.message}`, "warning");
    return false;
  }
}

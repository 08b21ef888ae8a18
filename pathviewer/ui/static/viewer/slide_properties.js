/**
 * Changing what is known of the slide on the screen: its name and its scale.
 *
 * @import { DescriptionRequest, SlideOut } from "../../api_types"
 */

import { failureOf, request } from "../core/api.js";
import { poll, refreshSlide } from "../core/page_start.js";
import { say, store } from "../core/store.js";

/**
 * @param {DescriptionRequest} change
 * @param {(slide: SlideOut) => string|null} done what is said on success
 * @returns {Promise<boolean>} whether it was changed; why not is said
 */
export async function describeSlide(change, done = () => null) {
  const { id } = store.need("slide");
  try {
    const slide = await request("PATCH /api/slides/{slide_id}", {
      path: { slide_id: id },
      json: change,
    });
    store.set("message", null);
    await refreshSlide();
    const text = done(slide);
    if (text) say(text);
    await poll();
    return true;
  } catch (thrown) {
    const error = failureOf(thrown);
    say(`Not changed: ${error.message}`, "warning");
    return false;
  }
}

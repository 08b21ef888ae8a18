/**
 * Research mode: more to see and to judge, for those who study the model rather than the slide.
 */

import { keep, recall } from "./browser_storage.js";
import { store } from "./store.js";

const NAME = "research";

store.set("research", false);
store.on("me", () => store.set("research", recall(NAME) === true));

export function toggleResearch() {
  const on = !store.get("research");
  keep(NAME, on);
  store.set("research", on);
}

/**
 * Uploading slides in pieces; a broken connection goes on where the server says it stopped.
 *
 * @import { UploadBegun } from "../../api_types"
 * @import { Failure } from "../../page_types"
 */

import { ApiError, failureOf, request, respond } from "../core/api.js";
import { fill, h, setText } from "../core/dom.js";
import { openSlide, poll } from "../core/page_start.js";
import { may, say, store } from "../core/store.js";

const TRIES = 5;
const WAIT_MS = 1500;
/** Statuses that pass: no answer, another offset, a proxy that waits for the server. */
const PASSING = [0, 409, 502, 503, 504];

/** The upload button with its progress line. @returns {HTMLElement} */
export function uploadPanel() {
  const chooser = h("input", {
    type: "file",
    class: "pv-hidden",
    "aria-label": "Slide files to upload",
    multiple: true,
    tabindex: "-1",
  });
  const button = h(
    "button",
    { type: "button", class: "pv-button pv-wide", onclick: () => chooser.click() },
    "Upload a slide",
  );
  const progress = h("div", { class: "pv-progress" });
  const node = h("div", { class: "pv-upload", hidden: true }, button, chooser, progress);
  chooser.addEventListener("change", async () => {
    const files = [...(chooser.files ?? [])];
    chooser.value = "";
    button.disabled = true;
    for (const file of files) await uploadOne(file, progress);
    button.disabled = false;
  });
  store.on("me", () => {
    node.hidden = !may("upload_slides");
  });
  return node;
}

/** @param {File} file @param {HTMLElement} node */
async function uploadOne(file, node) {
  const abort = new AbortController();
  const bar = h("progress", { max: 100, value: 0, "aria-label": `Upload of ${file.name}` });
  const text = h("span", {}, file.name);
  fill(
    node,
    text,
    bar,
    h("button", { type: "button", class: "pv-button", onclick: () => abort.abort() }, "Cancel"),
  );
  /** @param {number} offset */
  const show = (offset) => {
    const percent = file.size ? Math.floor((100 * offset) / file.size) : 0;
    bar.value = percent;
    setText(text, percent < 100 ? `${file.name}: ${percent} %` : `${file.name}: checking`);
  };
  /** @type {string|null} */
  let id = null;
  try {
    const begun = await request("POST /api/uploads", {
      json: { name: file.name, size: file.size },
    });
    id = begun.upload_id;
    const { slide_id: slideId, name } = await send(file, begun, show, abort.signal);
    say(`${file.name} is uploaded as ${name}.`);
    await poll();
    await openSlide(slideId);
    offerName();
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.name !== "AbortError") say(`${file.name} was not taken: ${error.message}`, "warning");
    else if (id)
      await request("DELETE /api/uploads/{upload_id}", { path: { upload_id: id } }).catch(
        () => null,
      );
  }
  fill(node);
}

/** Put the pen on the new slide's name, unless the user is typing elsewhere. */
function offerName() {
  if (!document.activeElement?.matches("input, textarea")) {
    /** @type {HTMLInputElement} */ (document.querySelector("#pv-slide-name"))?.select();
  }
}

/**
 * Send all pieces.
 * @param {File} file
 * @param {UploadBegun} begun
 * @param {(offset: number) => void} show
 * @param {AbortSignal} signal
 * @returns {Promise<{slide_id: string, name: string}>} the server's last word
 */
async function send(file, { upload_id: id, chunk_bytes: piece }, show, signal) {
  let offset = 0;
  let tries = 0;
  for (;;) {
    show(offset);
    try {
      const body = file.slice(offset, offset + piece);
      const answer = await request("PATCH /api/uploads/{upload_id}", {
        path: { upload_id: id },
        body,
        signal,
        headers: { "Upload-Offset": String(offset), "Content-Type": "application/octet-stream" },
      });
      if ("slide_id" in answer) return answer;
      offset = answer.offset;
      tries = 0;
    } catch (thrown) {
      const error = failureOf(thrown);
      const again = error instanceof ApiError && PASSING.includes(error.status);
      // a check may take long, and ends within a limit of the server's
      if (error.code !== "upload_being_checked") tries += 1;
      if (!again || tries > TRIES) throw error;
      offset = await offsetAfter(id, error, offset);
    }
  }
}

/** @param {string} id @param {Failure} error @param {number} offset */
async function offsetAfter(id, error, offset) {
  const told = error.headers?.get("Upload-Offset");
  if (told !== null && told !== undefined) return Number(told);
  await new Promise((resolve) => {
    setTimeout(resolve, WAIT_MS);
  });
  try {
    const path = `/api/uploads/${encodeURIComponent(id)}`;
    return Number((await respond(path, { method: "HEAD" })).headers.get("Upload-Offset"));
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (PASSING.includes(failure.status ?? -1)) return offset;
    throw failure;
  }
}

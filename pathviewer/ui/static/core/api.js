/** The server's JSON routes. */

import { say, store } from "./store.js";

/** An answer other than success; `code` and `message` are the server's. */
export class ApiError extends Error {
  constructor(code, message, status, headers = null) {
    super(message);
    this.code = code;
    this.status = status;
    this.headers = headers;
  }
}

/** The URL of a path of ours under the sub-path the program is served at. */
export function url(path) {
  return `${store.get("root") ?? ""}${path}`;
}

const VISITOR = "pathviewer:visitor";
let visitor = "";

/**
 * Make up a name for this tab, by which a public demo tells visitors apart: in a frame of another
 * site there are no cookies, and perhaps no storage either.
 */
export function nameVisitor() {
  if (visitor) return;
  visitor = [...crypto.getRandomValues(new Uint8Array(24))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
  try {
    visitor = window.sessionStorage.getItem(VISITOR) ?? visitor;
    window.sessionStorage.setItem(VISITOR, visitor);
  } catch {
    // A browser that forbids its storage: the name lasts as long as the page.
  }
}

/** The URL of what is one's own, for links, pictures and events, which send no headers of ours. */
export function ownUrl(path) {
  return visitor ? `${url(path)}?visitor=${visitor}` : url(path);
}

/**
 * @param {string} path such as "/api/slides"
 * @param {{method?: string, json?: any, body?: BodyInit, headers?: Object, signal?: AbortSignal}} [options]
 * @returns {Promise<any>} the decoded JSON, or null when the answer has no body
 * @throws {ApiError}
 */
export async function request(path, options = {}) {
  const { json, headers = {}, ...rest } = options;
  const init = { ...rest, headers: { Accept: "application/json", ...headers } };
  if (visitor) init.headers["X-PathViewer-Visitor"] = visitor;
  if (json !== undefined) {
    init.body = JSON.stringify(json);
    init.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(url(path), init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("unreachable", "The server cannot be reached. Trying again.", 0);
  }
  if (!response.ok) throw await refusal(response);
  if (init.method === "HEAD")
    return { upload_offset: Number(response.headers.get("Upload-Offset")) };
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("unreadable", "The server's answer was cut off or is not ours.", 0);
  }
}

/** The error that a refused response carries; a lost login is said on the message line too. */
export async function refusal(response) {
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // A proxy's own page instead of our JSON: the status has to do.
  }
  if (response.status === 401) sayLoginEnded();
  const message = error.message ?? `The server answered ${response.status}.`;
  return new ApiError(error.code ?? "unknown", message, response.status, response.headers);
}

/** What the message line says when the server no longer knows who is asking. */
export const LOGIN_ENDED =
  "Your login has ended; what you see stays here, nothing new can be loaded.";

/** Say that the login has ended, with the way back to this very view. */
export function sayLoginEnded() {
  const below = window.location.pathname.slice((store.get("root") ?? "").length) || "/";
  const here = encodeURIComponent(below + window.location.search);
  say(LOGIN_ENDED, "error", { label: "Log in again", href: url(`/login?next=${here}`) });
}

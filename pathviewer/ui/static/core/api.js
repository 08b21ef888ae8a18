/**
 * The server's JSON routes.
 *
 * @import { ErrorDetail, Operations } from "../../api_types"
 * @import { Answer, Failure, Given } from "../../page_types"
 */

import { say, store } from "./store.js";

/** An answer other than success; `code` and `message` are the server's. */
export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number} status of HTTP; 0 where there was no answer
   * @param {Headers|null} headers
   */
  constructor(code, message, status, headers = null) {
    super(message);
    this.code = code;
    this.status = status;
    this.headers = headers;
  }
}

/** The URL of a path of ours under the sub-path the program is served at. @param {string} path */
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

/**
 * The URL of what is one's own, for links, pictures and events, which send no headers of ours.
 * @param {string} path
 */
export function ownUrl(path) {
  return visitor ? `${url(path)}?visitor=${visitor}` : url(path);
}

/** @typedef {Object<string, any>} Values parameters of an operation, by name */

/**
 * Call an operation of the API.
 * @template {keyof Operations} Name
 * @param {Name} operation such as "GET /api/slides/{slide_id}"
 * @param {Given<Name>} given what it takes: `path`, `query`, `json` or another body; and how
 * @returns {Promise<Answer<Name>>} the decoded JSON, or null when the answer has no body
 * @throws {ApiError}
 */
export async function request(operation, ...given) {
  /** @type {{path?: Values, query?: Values, json?: unknown} & RequestInit} */
  const { path = {}, query = {}, json, headers, ...rest } = given[0] ?? {};
  const [method, template] = operation.split(" ");
  const response = await respond(filled(template, path) + queryText(query), {
    ...rest,
    method,
    headers: {
      Accept: "application/json",
      ...headers,
      ...(json !== undefined && { "Content-Type": "application/json" }),
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  if (response.status === 204) return /** @type {Answer<Name>} */ (null);
  try {
    return await response.json();
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError("unreadable", "The server's answer was cut off or is not ours.", 0);
  }
}

/**
 * The successful response to a request.
 * @param {string} path such as "/api/slides"
 * @param {RequestInit} [init]
 * @throws {ApiError}
 */
export async function respond(path, init = {}) {
  const headers = { ...init.headers, ...(visitor && { "X-PathViewer-Visitor": visitor }) };
  let response;
  try {
    response = await fetch(url(path), { ...init, headers });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError("unreachable", "The server cannot be reached. Trying again.", 0);
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/**
 * A caught error; where it is an ApiError, with what that has beside its message.
 * @param {unknown} error
 */
export function failureOf(error) {
  return /** @type {Failure} */ (error);
}

/**
 * The sentence for a request that the page does not send again by itself.
 * @param {Failure} failure
 */
export function adviceOf({ status, message }) {
  return status === 0 ? "The server cannot be reached. What you see stays; try again." : message;
}

/** Whether a request was given up by the page itself. @param {unknown} error */
export function isAbort(error) {
  return error instanceof Error && error.name === "AbortError";
}

/** A path with its parameters. @param {string} template @param {Values} values */
function filled(template, values) {
  return template.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(String(values[name])));
}

/** "" without any; what is null or undefined is left out. @param {Values} query */
export function queryText(query) {
  const given = Object.entries(query).filter(([, value]) => (value ?? null) !== null);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

/**
 * The error that a refused response carries; a lost login is said on the message line too.
 * @param {Response} response
 */
export async function refusal(response) {
  /** @type {Partial<ErrorDetail>} */
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

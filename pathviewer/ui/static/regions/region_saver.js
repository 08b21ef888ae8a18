/**
 * Sends the regions of the page to the server: for each one request at a time, always of what the
 * page shows last, so that a change made while an earlier one is on its way is not lost. It goes on
 * for regions of a slide that is no longer on the screen.
 *
 * @import { Failure, Region } from "../../page_types"
 */

import { failureOf, request } from "../core/api.js";

const ALL = "/api/slides/{slide_id}/regions";
const ONE = "/api/slides/{slide_id}/regions/{region_id}";
let leaving = false;
window.addEventListener("pageshow", () => {
  leaving = false;
});

/** The server's copy of one region. */
export class Saver {
  #tail = Promise.resolve();
  #busy = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  /** @type {string|null} */
  #wanted = null;
  /** @type {string|null} */
  #known = null;

  /**
   * @param {string} slide id of the slide
   * @param {string|null} remote the server's id of the region, null where it has none yet
   * @param {() => void} told called after each request; `failure` is then its ApiError or null
   */
  constructor(slide, remote, told) {
    this.slide = slide;
    this.remote = remote;
    this.told = told;
    /** @type {Failure|null} */
    this.failure = null;
    this.#wanted = remote && "as loaded";
    this.#known = this.#wanted;
  }

  /** Whether something is being sent or about to be. */
  get busy() {
    return this.#busy > 0 || this.#timer !== undefined;
  }

  /** Whether the server has what was last to be kept. */
  get done() {
    return !this.busy && this.#wanted === this.#known;
  }

  /**
   * Keep a region as it now is, `delay` ms after the last such call.
   * @param {Pick<Region, "name"|"shape"|"points">} region
   */
  keep({ name, shape, points }, delay = 0) {
    this.#wanted = JSON.stringify({ name, shape, points });
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (delay) this.#timer = setTimeout(() => this.flush(), delay);
    else this.#send();
  }

  /** Delete the server's copy. */
  drop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wanted = null;
    this.#send();
  }

  /** Send at once what waits for its delay. */
  flush() {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#send();
  }

  /** Resolves when nothing is on its way any more. */
  async settled() {
    this.flush();
    await this.#tail;
  }

  #send() {
    this.#busy += 1;
    // without a request before it this one starts now: a page that is closed runs no later step
    this.#tail = this.#busy === 1 ? this.#step() : this.#tail.then(() => this.#step());
  }

  async #step() {
    this.failure = null;
    try {
      await this.#request(this.#wanted);
    } catch (thrown) {
      const error = failureOf(thrown);
      this.failure = error;
      if (error.code === "region_not_found") this.remote = null;
    }
    this.#busy -= 1;
    this.told();
  }

  /** @param {string|null} wanted */
  async #request(wanted) {
    if (wanted === this.#known) return;
    const path = { slide_id: this.slide, region_id: this.remote ?? "" };
    const sent = { path, keepalive: leaving };
    if (!wanted) {
      if (this.remote) await request(`DELETE ${ONE}`, sent).catch(unlessGone);
      this.remote = null;
    } else {
      const json = JSON.parse(wanted);
      if (this.remote) await request(`PUT ${ONE}`, { ...sent, json });
      else this.remote = (await request(`POST ${ALL}`, { ...sent, json })).id;
    }
    this.#known = wanted;
  }
}

/** @param {unknown} error */
function unlessGone(error) {
  if (failureOf(error).status !== 404) throw error;
}

/**
 * Send everything that waits, when the page is closed; the browser finishes it afterwards.
 * @param {Map<string, Saver>} savers
 */
export function flushOnLeaving(savers) {
  window.addEventListener("pagehide", () => {
    leaving = true;
    savers.forEach((saver) => saver.flush());
  });
}

/**
 * What stays in this browser for one account: values under names of ours in localStorage. Nothing of
 * it is read under another account, and nothing before it is known who is logged in.
 */

import { store } from "./store.js";

/** What the browser would not keep (a full or forbidden storage), as long as the page is open. */
const inPage = new Map();

function prefix() {
  const account = store.get("me")?.account;
  return account && `pathviewer${store.get("root") ?? ""}:${account}:`;
}

/**
 * The value kept under a name, or null.
 * @param {string} name
 * @returns {any}
 */
export function recall(name) {
  const before = prefix();
  if (!before) return null;
  // what the storage refused is newer than what it holds
  if (inPage.has(before + name)) return inPage.get(before + name);
  try {
    return JSON.parse(window.localStorage.getItem(before + name) ?? "null");
  } catch {
    return null;
  }
}

/**
 * Keep a value fit for JSON.
 * @param {string} name
 * @param {unknown} value
 * @returns {boolean} whether it outlasts the page
 */
export function keep(name, value) {
  const before = prefix();
  if (!before) return false;
  try {
    window.localStorage.setItem(before + name, JSON.stringify(value));
    inPage.delete(before + name);
    return true;
  } catch {
    inPage.set(before + name, value);
    return false;
  }
}

/** @param {string} name */
export function forget(name) {
  const before = prefix();
  if (!before) return;
  inPage.delete(before + name);
  try {
    window.localStorage.removeItem(before + name);
  } catch {
    // A browser that forbids its storage has kept nothing there.
  }
}

/** Names that begin with `start` and have a value, sorted. @param {string} start */
export function namesOf(start) {
  const before = prefix();
  if (!before) return [];
  /** @type {string[]} */
  let stored = [];
  try {
    stored = Object.keys(window.localStorage);
  } catch {
    // As above: only what this page keeps.
  }
  return [...new Set([...stored, ...inPage.keys()])]
    .filter((name) => name.startsWith(before + start))
    .map((name) => name.slice(before.length))
    .sort();
}

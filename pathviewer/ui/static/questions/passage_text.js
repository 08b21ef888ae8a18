/** What is shown of a passage's text. */

/** The number that a step gives itself; its button shows it already. */
const OWN_NUMBER = /^\s*(?:step\s+)?(\d+)\s*[.:)]\s+/i;

/**
 * What a passage begins with and its button shows already, "" where it is something else.
 * @param {string} words
 * @param {string} label
 */
export function ownNumber(words, label) {
  const number = OWN_NUMBER.exec(words);
  return number?.[1] === label ? number[0] : "";
}

/**
 * What a bare letter stands for among the options, "" where the answer says more than a letter.
 * @param {{options: string[]}} given
 * @param {string} text
 */
export function optionOf({ options }, text) {
  const letter = /^\W*([A-Z])\W*$/.exec(text);
  return (letter && options[letter[1].charCodeAt(0) - 65]) ?? "";
}

/**
 * The same for a reader, who is also told of a letter beyond the options.
 * @param {{options: string[]}} reading
 * @param {string} text
 */
export function meantBy(reading, text) {
  const beyond = reading.options.length > 0 && /^\W*[A-Z]\W*$/.test(text);
  return optionOf(reading, text) || (beyond ? "none of the options" : "");
}

/** What a passage depends on, in a few words. */
export const CLAIMS = { place: "this place", region: "whole region", none: "not the picture" };

/** Words for the state of a passage. */
export const STATES = { streaming: "writing", done: "done", "cut off": "cut off" };

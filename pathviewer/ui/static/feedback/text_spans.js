/** Words of a passage as spans of the completion's text, in UTF-16 units as JavaScript counts. */

/**
 * What is selected within a passage.
 * @param {HTMLElement} passage
 * @returns {{quote: string, start: number}|null} `start` counts from the passage's first letter
 */
export function selectedWords(passage) {
  const selection = window.getSelection();
  if (!selection || selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  if (!passage.contains(range.startContainer) || !passage.contains(range.endContainer)) return null;
  const before = document.createRange();
  before.selectNodeContents(passage);
  before.setEnd(range.startContainer, range.startOffset);
  const words = range.toString();
  const quote = words.trim();
  if (!quote) return null;
  return { quote, start: before.toString().length + words.indexOf(quote) };
}

/**
 * A quote of a step of the trace, as a label has it.
 * @param {{start: number}} step
 * @param {string} quote
 * @param {number} start
 */
export function spanOf(step, quote, start) {
  return { quote, start: step.start + start, stop: step.start + start + quote.length };
}

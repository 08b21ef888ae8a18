/** Lengths and areas in words. Pixels are level-0 pixels. */

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat("en-US", {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const THOUSANDTHS = new Intl.NumberFormat("en-US", {
  minimumFractionDigits: 3,
  maximumFractionDigits: 3,
});
const THREE_DIGITS = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

/** A length in pixels: "1,234 px". @param {number} pixels */
export function pixelText(pixels) {
  return `${WHOLE.format(pixels)} px`;
}

/** A length in um or mm, three or four digits: "87.3 um", "1.24 mm". @param {number} um */
export function lengthText(um) {
  return um >= 1000 ? `${digits(um / 1000)} mm` : `${digits(um)} µm`;
}

/**
 * "139.7 × 154.7 µm"; the same figures as in the panel of the selected region.
 * @param {number} widthUm
 * @param {number} heightUm
 */
export function sizeText(widthUm, heightUm) {
  /** @param {number} length */
  const um = (length) => (length >= 1000 ? WHOLE : TENTHS).format(length);
  return `${um(widthUm)} × ${um(heightUm)} µm`;
}

/**
 * An area: "0.237 mm²"; very small ones in um². As in the panel of the selected region.
 * @param {number} mm2
 */
export function areaText(mm2) {
  if (mm2 < 0.001) return `${TENTHS.format(mm2 * 1e6)} µm²`;
  return `${(mm2 >= 0.1 ? THOUSANDTHS : THREE_DIGITS).format(mm2)} mm²`;
}

/**
 * The slide's size: "2,220 × 2,967 px".
 * @param {number} width
 * @param {number} height
 */
export function dimensionsText(width, height) {
  return `${WHOLE.format(width)} × ${WHOLE.format(height)} px`;
}

/** @param {number} value */
function digits(value) {
  if (value >= 1000) return WHOLE.format(value);
  return String(Number(value.toPrecision(3)));
}

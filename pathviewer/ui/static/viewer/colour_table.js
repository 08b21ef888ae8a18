/**
 * Corrects pixels by a slide's table (`GET /api/slides/{id}/colours`): curves lead to a place in a
 * grid of colours, between whose nodes is interpolated along tetrahedra. `pathviewer/slides/
 * colour_table.py` does the same and says why. Runs in a worker and knows nothing of the page.
 */

const LIGHT_STEPS = 16384; // as fine as Little CMS's own

/** @param {{size: number, light: boolean, curves: string, nodes: string}} json */
export function readTable({ size, light, curves, nodes }) {
  const places = floats(curves);
  const strides = [3 * size * size, 3 * size, 3];
  const bases = new Int32Array(places.length);
  const fractions = new Float32Array(places.length);
  places.forEach((place, index) => {
    const base = Math.min(Math.max(Math.floor(place), 0), size - 2);
    bases[index] = base * strides[index >> 8];
    fractions[index] = place - base;
  });
  return {
    nodes: floats(nodes),
    strides,
    bases,
    fractions,
    encoded: light ? encodedLight() : null,
  };
}

/**
 * Correct pixels in place.
 * @param {Uint8ClampedArray} pixels RGBA
 * @param {ReturnType<typeof readTable>} table
 */
export function applyTable(pixels, { nodes, strides, bases, fractions, encoded }) {
  const [red, green, blue] = strides;
  let former = -1;
  for (let at = 0; at < pixels.length; at += 4) {
    const colour = (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
    if (colour === former) {
      // as wide parts of a slide are
      pixels[at] = pixels[at - 4];
      pixels[at + 1] = pixels[at - 3];
      pixels[at + 2] = pixels[at - 2];
      continue;
    }
    former = colour;
    const r = fractions[pixels[at]];
    const g = fractions[256 + pixels[at + 1]];
    const b = fractions[512 + pixels[at + 2]];
    const node = bases[pixels[at]] + bases[256 + pixels[at + 1]] + bases[512 + pixels[at + 2]];
    // from the node along the axis of the largest fraction, then of the next
    let first;
    let second;
    let most;
    let middle;
    let least;
    if (r >= g) {
      if (g >= b) [first, second, most, middle, least] = [red, red + green, r, g, b];
      else if (r >= b) [first, second, most, middle, least] = [red, red + blue, r, b, g];
      else [first, second, most, middle, least] = [blue, red + blue, b, r, g];
    } else if (r >= b) [first, second, most, middle, least] = [green, red + green, g, r, b];
    else if (g >= b) [first, second, most, middle, least] = [green, green + blue, g, b, r];
    else [first, second, most, middle, least] = [blue, green + blue, b, g, r];
    const third = node + red + green + blue;
    for (let channel = 0; channel < 3; channel += 1) {
      const value =
        (1 - most) * nodes[node + channel] +
        (most - middle) * nodes[node + first + channel] +
        (middle - least) * nodes[node + second + channel] +
        least * nodes[third + channel];
      pixels[at + channel] = encoded
        ? encoded[Math.round(Math.min(Math.max(value, 0), 1) * LIGHT_STEPS)]
        : value;
    }
  }
}

/** sRGB values of light from 0 to 1 (IEC 61966-2-1). */
function encodedLight() {
  return Uint8ClampedArray.from({ length: LIGHT_STEPS + 1 }, (_, step) => {
    const light = step / LIGHT_STEPS;
    return 255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055);
  });
}

/** 32-bit floats, the smallest byte first, from base64. @param {string} base64 */
function floats(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/**
 * Plane geometry of regions. Points are [x, y] in level-0 pixels unless a name says otherwise.
 *
 * @import { Box } from "../../api_types"
 * @import { Drawn, Extent, Point, ScaledSlide } from "../../page_types"
 */

/**
 * The bounding box, rounded outwards to whole pixels and kept on the slide.
 * @param {number[][]} points
 * @param {{width: number, height: number}} slide
 * @returns {{x: number, y: number, width: number, height: number}}
 */
export function boundingBox(points, slide) {
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  const left = Math.max(0, Math.floor(Math.min(...xs)));
  const top = Math.max(0, Math.floor(Math.min(...ys)));
  const right = Math.min(slide.width, Math.ceil(Math.max(...xs)));
  const bottom = Math.min(slide.height, Math.ceil(Math.max(...ys)));
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Whether two boxes are the same. @param {Box} one @param {Box} other */
export function sameBox(one, other) {
  return (
    one.x === other.x &&
    one.y === other.y &&
    one.width === other.width &&
    one.height === other.height
  );
}

/** The corners of a box, clockwise from its top left. @param {Box} box */
export function corners({ x, y, width, height }) {
  return [
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
  ];
}

/** Area in square pixels (shoelace formula). @param {Point[]} points */
export function area(points) {
  let twice = 0;
  points.forEach(([x, y], index) => {
    const [nextX, nextY] = points[(index + 1) % points.length];
    twice += x * nextY - nextX * y;
  });
  return Math.abs(twice) / 2;
}

/**
 * Width and height as drawn: a rectangle's sides, the one nearer to level first; else the extent.
 * @param {{x: number, y: number}} [pixel] size of a level-0 pixel; in pixels when left out
 * @returns {[number, number]}
 * @param {Drawn} region
 */
export function extent(region, pixel = { x: 1, y: 1 }) {
  /** @param {Point} from @param {Point} to */
  const side = (from, to) => Math.hypot((from[0] - to[0]) * pixel.x, (from[1] - to[1]) * pixel.y);
  const { points } = region;
  if (region.shape === "rectangle") {
    const [a, b, c] = points;
    const across = Math.abs(b[0] - a[0]) >= Math.abs(b[1] - a[1]);
    return across ? [side(a, b), side(b, c)] : [side(b, c), side(a, b)];
  }
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  return [
    (Math.max(...xs) - Math.min(...xs)) * pixel.x,
    (Math.max(...ys) - Math.min(...ys)) * pixel.y,
  ];
}

/** @param {Point} a @param {Point} b */
export function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

/**
 * Distance from a point to the outline of a closed shape.
 * @param {Point} point
 * @param {Point[]} points
 */
export function outlineDistance(point, points) {
  let least = Infinity;
  points.forEach((start, index) => {
    const end = points[(index + 1) % points.length];
    least = Math.min(least, segmentDistance(point, start, end));
  });
  return least;
}

/** @param {Point} point @param {Point} start @param {Point} end */
function segmentDistance(point, start, end) {
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
  const square = dx * dx + dy * dy;
  const along =
    square === 0 ? 0 : ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / square;
  const part = Math.min(1, Math.max(0, along));
  return distance(point, [start[0] + part * dx, start[1] + part * dy]);
}

/**
 * Whether a point lies inside a closed shape (even-odd rule).
 * @param {Point} point
 * @param {Point[]} points
 */
export function inside(point, points) {
  let within = false;
  points.forEach(([x, y], index) => {
    const [beforeX, beforeY] = points[(index + points.length - 1) % points.length];
    const crosses = y > point[1] !== beforeY > point[1];
    if (crosses && point[0] < ((beforeX - x) * (point[1] - y)) / (beforeY - y) + x)
      within = !within;
  });
  return within;
}

/** Whether two edges of a closed shape cross. @param {Point[]} points */
export function crossesItself(points) {
  const count = points.length;
  for (let i = 0; i < count; i += 1) {
    for (let j = i + 2; j < count; j += 1) {
      if (i === 0 && j === count - 1) continue;
      if (segmentsCross(points[i], points[i + 1], points[j], points[(j + 1) % count])) return true;
    }
  }
  return false;
}

/** @param {Point} a @param {Point} b @param {Point} c @param {Point} d */
function segmentsCross(a, b, c, d) {
  /** @param {Point} p @param {Point} q @param {Point} r */
  const side = (p, q, r) =>
    Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  return side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
}

/**
 * Width and height of a square of 1 mm2, in whole level-0 pixels.
 * @param {{x: number, y: number}} pixel um per level-0 pixel
 */
export function fieldSides(pixel) {
  return [Math.round(1000 / pixel.x), Math.round(1000 / pixel.y)];
}

/**
 * Whether a region is a square of 1 mm2 as the field tool places it.
 * @param {Drawn} region
 * @param {ScaledSlide|undefined} slide
 */
export function isField({ shape, points }, slide) {
  const { x, y } = slide?.scale ?? {};
  if (shape !== "rectangle" || !slide || !x || !y || !isUpright(points)) return false;
  const [across, down] = fieldSides({ x, y });
  const { width, height } = boundingBox(points, slide);
  return width === across && height === down;
}

/** The nearest point of the slide. @param {Point} point @param {Extent} slide */
export function ontoSlide([x, y], slide) {
  return [Math.min(slide.width, Math.max(0, x)), Math.min(slide.height, Math.max(0, y))];
}

/**
 * Whether all points lie on the slide.
 * @param {Point[]} points
 * @param {Extent} slide
 */
export function onSlide(points, slide) {
  return points.every(([x, y]) => x >= 0 && y >= 0 && x <= slide.width && y <= slide.height);
}

/**
 * The part of a convex shape that lies on the slide (Sutherland-Hodgman).
 * @param {Point[]} points
 * @param {Extent} slide
 * @returns {Point[]}
 */
export function clipToSlide(points, slide) {
  const edges = [
    [0, 0, 1],
    [0, slide.width, -1],
    [1, 0, 1],
    [1, slide.height, -1],
  ];
  return edges.reduce((shape, [axis, limit, sign]) => {
    /** @param {Point} point */
    const depth = (point) => sign * (point[axis] - limit);
    return shape.flatMap((point, index) => {
      const before = shape[(index + shape.length - 1) % shape.length];
      const cut =
        depth(point) >= 0 === depth(before) >= 0
          ? []
          : [between(before, point, depth(before) / (depth(before) - depth(point)))];
      return depth(point) >= 0 ? [...cut, point] : cut;
    });
  }, points);
}

/** @param {Point} a @param {Point} b @param {number} part */
function between(a, b, part) {
  return [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])];
}

/**
 * The rectangle whose sides run along the screen's and whose opposite corners are `a` and `b`.
 * @param {number} rotation of the view in degrees, clockwise
 * @param {number} [aspect] height of a level-0 pixel over its width
 * @param {Point} a
 * @param {Point} b
 */
export function screenRectangle(a, b, rotation, aspect = 1) {
  const stretched = squareRectangle([a[0], a[1] * aspect], [b[0], b[1] * aspect], rotation);
  return stretched.map(([x, y]) => [x, y / aspect]);
}

/** @param {Point} a @param {Point} b @param {number} rotation */
function squareRectangle(a, b, rotation) {
  const angle = (-rotation * Math.PI) / 180;
  const across = [Math.cos(angle), Math.sin(angle)];
  const down = [-across[1], across[0]];
  const span = [b[0] - a[0], b[1] - a[1]];
  const width = span[0] * across[0] + span[1] * across[1];
  const height = span[0] * down[0] + span[1] * down[1];
  const right = [a[0] + width * across[0], a[1] + width * across[1]];
  const below = [a[0] + height * down[0], a[1] + height * down[1]];
  return [a, right, b, below];
}

/** Whether the sides of a rectangle run along the slide's. @param {Point[]} points */
export function isUpright(points) {
  const [a, b] = points;
  const least = Math.min(Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1]));
  return least <= 1e-6 * Math.max(1, distance(a, b));
}

/**
 * An upright ellipse as a polygon of 96 corners, on the ellipse: a circle where pixels are square.
 * @param {number[]} centre
 * @param {number[]} radii along the width and the height
 */
export function ellipse([x, y], [across, down]) {
  return Array.from({ length: 96 }, (_, index) => {
    const angle = (index * Math.PI) / 48;
    return [x + across * Math.cos(angle), y + down * Math.sin(angle)];
  });
}

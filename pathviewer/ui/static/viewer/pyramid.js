/**
 * Where the tiles of a pyramid lie. Level-0 (x, y) is at (x / downsample_x, y / downsample_y) of a
 * level. The "drawn" frame is level 0 with rows stretched by the pixel aspect, so that oblong pixels
 * are drawn undistorted.
 *
 * @import { LevelOut, OpenedSlide } from "../../api_types"
 */

/**
 * @typedef {Pick<OpenedSlide, "width"|"height"|"pixel_aspect">} DrawnSlide
 * @typedef {Pick<LevelOut, "width"|"height"|"tile_width"|"tile_height"|"downsample_x"
 *   |"downsample_y">} TiledLevel
 */

/**
 * Height of a level-0 pixel over its width; 1 where the scale is unknown.
 * @param {{pixel_aspect?: number|null}|null|undefined} slide
 */
export function pixelAspect(slide) {
  return slide?.pixel_aspect ?? 1;
}

/**
 * @param {DrawnSlide} slide
 * @param {TiledLevel} level one of its levels
 * @param {number} column
 * @param {number} row
 * @returns {{pixels: {width: number, height: number}, drawn: {x: number, y: number, width: number,
 *   height: number}}} the part of a tile that shows the slide, in pixels of the tile from its top
 *   left corner, and where that part is drawn
 */
export function tileBox(slide, level, column, row) {
  const aspect = pixelAspect(slide);
  const left = column * level.tile_width;
  const top = row * level.tile_height;
  const width = Math.min(
    level.tile_width,
    level.width - left,
    slide.width / level.downsample_x - left,
  );
  const height = Math.min(
    level.tile_height,
    level.height - top,
    slide.height / level.downsample_y - top,
  );
  return {
    pixels: { width, height },
    drawn: {
      x: left * level.downsample_x,
      y: top * level.downsample_y * aspect,
      width: width * level.downsample_x,
      height: height * level.downsample_y * aspect,
    },
  };
}

/**
 * The tile under a point of the drawn frame, or the nearest one.
 * @param {DrawnSlide} slide
 * @param {TiledLevel} level one of its levels
 * @param {number[]} point [x, y]
 * @returns {{column: number, row: number}}
 */
export function tileAt(slide, level, [x, y]) {
  /** @param {number} place @param {number} length @param {number} tile */
  const index = (place, length, tile) =>
    Math.max(0, Math.min(Math.ceil(length / tile) - 1, Math.floor(place / tile)));
  return {
    column: index(x / level.downsample_x, level.width, level.tile_width),
    row: index(y / pixelAspect(slide) / level.downsample_y, level.height, level.tile_height),
  };
}

/** OpenSeadragon as this page uses it: quick, calm, without its own buttons and keys. */

const MOUSE = { clickToZoom: false, dblClickToZoom: true, flickEnabled: false };

/**
 * OpenSeadragon 6.1.1 hands its fragment shader the number of the tile as an interpolated float
 * and cuts it off to a whole number. Where interpolation gives 2.9999 for 3, as software renderers
 * do under rotation, that draws another tile's pixels. Rounding to the nearest is always right.
 */
function roundTileNumbers() {
  /** @type {any} */
  const drawer = OpenSeadragon.WebGLDrawer; // both names are missing in its types
  if (drawer.roundsTileNumbers) return;
  const { initShaderProgram } = drawer;
  drawer.initShaderProgram = (
    /** @type {unknown} */ gl,
    /** @type {string} */ vertex,
    /** @type {string} */ fragment,
  ) =>
    initShaderProgram.call(
      drawer,
      gl,
      vertex,
      fragment.replaceAll("int(v_image_index)", "int(v_image_index + 0.5)"),
    );
  drawer.roundsTileNumbers = true;
}

/**
 * @param {HTMLElement} element
 * @param {OpenSeadragon.DrawerType[]} [drawer] OpenSeadragon's drawers in the order in which they are tried
 * @returns {OpenSeadragon.Viewer}
 */
export function newViewer(element, drawer = ["webgl", "canvas"]) {
  roundTileNumbers();
  return OpenSeadragon({
    element,
    drawer,
    showNavigationControl: false,
    keyboardNavEnabled: false,
    gestureSettingsMouse: MOUSE,
    gestureSettingsPen: MOUSE,
    preserveImageSizeOnResize: true,
    animationTime: 0.3,
    springStiffness: 9,
    zoomPerScroll: 1.3,
    visibilityRatio: 0.2,
    minZoomImageRatio: 0.25,
    maxZoomPixelRatio: 2,
    maxTilesPerFrame: 16,
    imageLoaderLimit: 32,
    maxImageCacheCount: 600,
    timeout: 60000,
    tileRetryMax: 0,
    showNavigator: true,
    navigatorPosition: "TOP_RIGHT",
    navigatorSizeRatio: 0.17,
    navigatorAutoFade: false,
    navigatorBackground: "#101316",
    navigatorOpacity: 1,
    navigatorBorderColor: "#56616b",
    navigatorDisplayRegionColor: "#ffd400",
  });
}

/** What the page's scripts find beside the DOM. */

declare module "openseadragon" {
  /** Public in fact, left out of OpenSeadragon's own types. */
  interface Viewport {
    minZoomLevel: number;
    minZoomImageRatio: number;
  }
}

declare global {
  interface Window {
    /** The handle of the browser tests. */
    PathViewer: object;
    /** Plotly's bundle, which ships no types. */
    // biome-ignore lint/suspicious/noExplicitAny: as above
    Plotly: any;
    /** Swagger UI's bundle, which ships no types. */
    // biome-ignore lint/suspicious/noExplicitAny: as above
    SwaggerUIBundle: any;
  }
}

export {};

/** The interactive documentation of the API. */

import { byId } from "./dom.js";

const node = byId("documentation");
window.SwaggerUIBundle({
  domNode: node,
  url: node.dataset.document,
  deepLinking: true,
  validatorUrl: null,
});

/** The interactive documentation of the API. */

const node = document.getElementById("documentation");
window.SwaggerUIBundle({
  domNode: node,
  url: node.dataset.document,
  deepLinking: true,
  validatorUrl: null,
});

/** Writes the types of the JSON API for the page's scripts: `npm run types`. */

import { readFile, writeFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";

const SOURCE = new URL("../docs/openapi.json", import.meta.url);
const TARGET = new URL("../pathviewer/ui/api_types.d.ts", import.meta.url);
const BANNER = "/** Shapes of the JSON API, written by `npm run types` from docs/openapi.json. */";
const ABOUT_OPERATIONS = "What each operation takes and gives, by method and path.";
const EVENTS = "GET /api/readings/{question_id}/events";
const FEEDBACK = "POST /api/feedback";
/** What the compiler writes about its own input. */
const OF_INPUT = [
  / \*\n \* This interface was referenced by `Api`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g,
  /export interface Api \{\n[^}]*\}\n/,
];

/** A schema as the compiler knows it. */
function known(_, value) {
  if (value?.$ref) return { $ref: value.$ref.replace("#/components/schemas/", "#/definitions/") };
  // a pair of numbers is an array, as JavaScript's own are
  if (value?.prefixItems) return { type: "array", items: value.prefixItems[0] };
  return value;
}

/** An object's schema; `optional` has those properties that may be left out. */
const object = (properties, optional = {}) => ({
  type: "object",
  properties: { ...properties, ...optional },
  required: Object.keys(properties),
});

/** The operation's parameters in "path" or "query". */
function parameters({ parameters = [] }, place) {
  const its = (required) =>
    Object.fromEntries(
      parameters
        .filter((one) => one.in === place && Boolean(one.required) === required)
        .map(({ name, schema }) => [name, schema]),
    );
  return object(its(true), its(false));
}

/** The answer of a success, or an event of its stream; null where it has no body. */
function answer({ responses }) {
  const schemas = Object.entries(responses)
    .filter(([status]) => status.startsWith("2"))
    .map(([, { content }]) => (content ? Object.values(content)[0].schema : { type: "null" }));
  const { oneOf = schemas } = schemas[0];
  return oneOf.length === 1 ? oneOf[0] : { oneOf };
}

function operationSchema(operation) {
  const path = parameters(operation, "path");
  const query = parameters(operation, "query");
  const json = operation.requestBody?.content["application/json"]?.schema;
  return object(
    {
      ...(path.required.length && { path }),
      ...(query.required.length && { query }),
      ...(json && { json }),
      answer: answer(operation),
    },
    Object.keys(query.properties).length && !query.required.length ? { query } : {},
  );
}

const { paths, components } = JSON.parse(await readFile(SOURCE, "utf8"));
const operations = Object.fromEntries(
  Object.entries(paths).flatMap(([path, its]) =>
    Object.entries(its).map(([method, operation]) => [
      `${method.toUpperCase()} ${path}`,
      operationSchema(operation),
    ]),
  ),
);
const definitions = {
  ...components.schemas,
  QuestionEvent: operations[EVENTS].properties.answer,
  FeedbackRequest: operations[FEEDBACK].properties.json,
  Operations: { description: ABOUT_OPERATIONS, ...object(operations) },
};
const schema = JSON.parse(JSON.stringify({ definitions }, known));
const types = await compile(schema, "Api", {
  additionalProperties: false,
  bannerComment: BANNER,
  ignoreMinAndMaxItems: true,
  style: { printWidth: 100 },
  unreachableDefinitions: true,
});
await writeFile(
  TARGET,
  OF_INPUT.reduce((text, pattern) => text.replaceAll(new RegExp(pattern, "g"), ""), types),
);

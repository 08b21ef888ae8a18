/** Writes the types of the JSON API for the page's scripts: `npm run types`. */

import { readFile, writeFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";

const SOURCE = new URL("../docs/openapi.json", import.meta.url);
const TARGET = new URL("../pathviewer/ui/api_types.d.ts", import.meta.url);
const BANNER = "/** Shapes of the JSON API, written by `npm run types` from docs/openapi.json. */";

const { components } = JSON.parse(await readFile(SOURCE, "utf8"));
const schema = JSON.parse(
  JSON.stringify({ definitions: components.schemas }).replaceAll(
    "#/components/schemas/",
    "#/definitions/",
  ),
);
const types = await compile(schema, "Api", {
  additionalProperties: false,
  bannerComment: BANNER,
  unreachableDefinitions: true,
});
const REFERENCES = / \*\n \* This interface was referenced by `Api`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g;
await writeFile(TARGET, types.replaceAll(REFERENCES, ""));

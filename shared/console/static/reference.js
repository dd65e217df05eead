// The OpenAPI document as a page: operations, then the schemas of their requests and answers.

import { description } from "./api.js";
import { h, prose } from "./dom.js";
import { write } from "./json.js";

const PREFIX = "#/components/schemas/";
const METHODS = ["get", "post", "put", "patch", "delete"];
// A URL's pattern has two thousand characters and helps nobody.
const LONGEST_PATTERN = 80;

export function apiPage() {
  const content = h("div", { class: "stack" }, h("p", { class: "quiet", role: "status" }, "Loading the API reference…"));
  const element = h("div", { class: "page" }, h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, "API")), content);
  description().then(
    (document) => {
      content.replaceChildren(...whole(document));
      if (location.hash) globalThis.document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
    },
    (error) => content.replaceChildren(h("div", { class: "notice error", role: "alert" }, h("p", {}, error.message), h("a", { href: "/console/api" }, "Try again"))),
  );
  return { title: "API", element };
}

function whole(document) {
  const calls = Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, call: item[method], shared: item.parameters ?? [] })),
  );
  const sent = Object.entries(document.webhooks ?? {}).flatMap(([name, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path: name, call: { operationId: `webhook-${name}`, ...item[method] }, shared: [] })),
  );
  const schemas = Object.entries(document.components.schemas);
  const contents = (title, links) => [h("h2", {}, title), h("ul", {}, links.map(([id, text]) => h("li", {}, h("a", { href: `#${id}` }, text))))];
  return [
    h("div", { class: "lead" }, h("p", {}, prose(document.info.description)), h("p", { class: "quiet" }, `Version ${document.info.version}, OpenAPI ${document.openapi}. For programs: `, h("code", {}, "/api/v1/beam/openapi.json"), ". Every call except the last two requires the header ", h("code", {}, "X-API-Key"), ".")),
    h(
      "div",
      { class: "reference" },
      h(
        "nav",
        { class: "card contents", "aria-label": "Contents" },
        contents("Calls", calls.map(({ call }) => [call.operationId, call.summary])),
        sent.length ? contents("Requests to receivers", sent.map(({ call, path }) => [call.operationId, call.summary ?? path])) : [],
        contents("Shapes", schemas.map(([name]) => [`shape-${name}`, name])),
      ),
      h("div", { class: "stack" }, [...calls, ...sent].map(operation), schemas.map(([name, schema]) => shape(name, schema))),
    ),
  ];
}

function operation({ method, path, call, shared }) {
  const parameters = [...shared, ...(call.parameters ?? [])];
  const body = Object.entries(call.requestBody?.content ?? {});
  return h(
    "section",
    { class: "card call", id: call.operationId, "aria-labelledby": `${call.operationId}-title` },
    h("h2", { id: `${call.operationId}-title` }, call.summary ?? path),
    h("p", { class: "path" }, h("span", { class: `method ${method}` }, method.toUpperCase()), " ", h("code", {}, path)),
    call.description ? h("p", {}, prose(call.description)) : null,
    parameters.length ? [h("h3", {}, "Parameters"), table(["Name", "Where", "Description"], parameters.map((one) => [[h("code", {}, one.name), one.required ? "" : quiet(" optional")], one.in, words(one.schema, one.description)]))] : null,
    body.length ? [h("h3", {}, "Body"), body.map(([type, media]) => h("p", {}, h("code", {}, type), ": ", kind(media.schema)))] : null,
    body.flatMap(([, media]) => Object.values(media.examples ?? {})).map((one) => h("details", {}, h("summary", {}, "Example"), h("pre", { tabindex: "0", "aria-label": "Example" }, h("code", {}, write(one.value, 2))))),
    h("h3", {}, "Answers"),
    table(["Status", "Meaning", "Schema"], Object.entries(call.responses).map(([status, answer]) => [h("code", {}, status), prose(answer.description), Object.values(answer.content ?? {}).map((media) => kind(media["x-item-schema"] ?? media.schema))])),
  );
}

function shape(name, schema) {
  const variants = schema.oneOf?.every((one) => one.properties) ? schema.oneOf : [];
  return h(
    "section",
    { class: "card", id: `shape-${name}`, "aria-labelledby": `shape-${name}-title` },
    h("h2", { id: `shape-${name}-title` }, name),
    schema.description ? h("p", {}, prose(schema.description)) : null,
    schema.properties ? fields(schema) : null,
    variants.map((one) => h("details", {}, h("summary", {}, one.title), fields(one))),
    schema.properties || variants.length ? null : h("p", {}, kind(schema)),
  );
}

function fields(schema) {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties).map(([name, one]) => [[h("code", {}, name), required.has(name) ? "" : quiet(" optional")], kind(one), words(one, one.description, false)]);
  return table(["Field", "Type", "Description"], rows);
}

const quiet = (text) => h("span", { class: "quiet" }, text);

function table(head, rows) {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": head.join(", ") },
    h("table", {}, h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)))))),
  );
}

function words(schema, description, withKind = true) {
  const bounds = limits(schema);
  return [withKind ? [kind(schema), ". "] : null, description ? prose(description) : null, bounds ? h("span", { class: "quiet second" }, bounds) : null].flat();
}

function limits(schema) {
  const all = [schema, ...(schema?.anyOf ?? []), schema?.items ?? {}];
  const first = (name) => all.find((one) => one[name] !== undefined)?.[name];
  const told = [
    ["minimum", "at least"],
    ["maximum", "at most"],
    ["minItems", "items: at least"],
    ["maxItems", "items: at most"],
    ["maxLength", "characters: at most"],
  ].filter(([name]) => first(name) !== undefined).map(([name, text]) => `${text} ${first(name)}`);
  const pattern = first("pattern");
  if (pattern && pattern.length <= LONGEST_PATTERN) told.push(`pattern ${pattern}`);
  return told.join(", ");
}

// A value's type: a link to its schema, or its name.
function kind(schema = {}) {
  if (schema.$ref) {
    const name = schema.$ref.slice(PREFIX.length);
    return h("a", { href: `#shape-${name}` }, name);
  }
  if ("const" in schema) return h("code", {}, JSON.stringify(schema.const));
  if (schema.enum) return join(schema.enum.map((one) => h("code", {}, JSON.stringify(one))), " or ");
  const kinds = schema.anyOf ?? schema.oneOf;
  if (kinds) return join(kinds.map((one) => kind(one)), " or ");
  if (schema.type === "array") return h("span", {}, "list of ", kind(schema.items));
  if (schema.additionalProperties?.type) return h("span", {}, "object of ", kind(schema.additionalProperties));
  return h("span", {}, schema.title && schema.type === "object" ? schema.title : String(schema.type ?? "anything"));
}

function join(parts, between) {
  return h("span", {}, parts.flatMap((part, place) => (place ? [between, part] : [part])));
}

// Reads JSON Schema as the OpenAPI document uses it.

const PREFIX = "#/components/schemas/";

export function resolve(schema, document) {
  const found = schema.$ref ? document.components.schemas[schema.$ref.slice(PREFIX.length)] : schema;
  return found ?? {};
}

// The schema without "or null", which marks an optional field; keeps the description.
export function given(schema, document) {
  const all = resolve(schema, document);
  const kinds = (all.anyOf ?? []).filter((one) => one.type !== "null");
  if (kinds.length !== 1) return all;
  const { anyOf: _, default: __, ...words } = all;
  return { ...resolve(kinds[0], document), ...words };
}

// The kind of input for a field.
export function shape(schema) {
  if ("const" in schema || schema.enum) return "choice";
  if (schema.type === "boolean") return "switch";
  if (schema.type === "integer" || schema.type === "number") return "number";
  if (schema.type === "string") return "text";
  if (schema.type === "array" && schema.items?.type === "string") return "lines";
  if (schema.type === "object" && schema.additionalProperties?.type === "string") return "pairs";
  return "json";
}

// The words and objects of which a value is one: `[{ name, type, schema }]`, without `schema` for a word. Empty for
// any other schema. `name` is what people read; `type` is the object's constant `type`, if it has one.
export function variants(schema, document) {
  const all = (schema.oneOf ?? [schema]).map((one) => resolve(one, document));
  const found = all.map((one) => {
    if (schema.oneOf && "const" in one) return { name: one.const };
    const type = one.properties?.type?.const;
    return one.properties ? { name: type ?? spaced(one.title ?? "object"), type, schema: one } : null;
  });
  return found.includes(null) ? [] : found;
}

const spaced = (title) => title.replace(/(?<=[a-z])(?=[A-Z])/g, " ");

// The kinds of destination: `[{ type, schema }]`, in the document's order.
export function kinds(document) {
  const { items } = document.components.schemas.CreateBackfill.properties.destinations;
  const field = items.discriminator.propertyName;
  return items.oneOf.map((one) => {
    const schema = resolve(one, document);
    return { type: schema.properties[field].const, schema };
  });
}

// The text's fault according to the schema alone, "" for none.
export function fault(schema, text) {
  if (schema.maxLength && text.length > schema.maxLength) return `At most ${schema.maxLength} characters.`;
  if (schema.pattern && !fits(schema.pattern, text)) return "The service does not accept this format.";
  if (schema.type === "integer" && !/^-?\d+$/.test(text)) return "Enter a whole number.";
  if (schema.type === "number" && !/^-?\d+(\.\d+)?$/.test(text)) return "Enter a number.";
  if (schema.minimum !== undefined && Number(text) < schema.minimum) return `At least ${schema.minimum}.`;
  if (schema.maximum !== undefined && Number(text) > schema.maximum) return `At most ${schema.maximum}.`;
  return "";
}

function fits(pattern, text) {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true; // The service makes the final check.
  }
}

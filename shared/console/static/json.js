// JSON whose numbers keep all their digits: Snowflake's NUMBER has up to 38, JavaScript's numbers have 15.

const PLAIN = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

// A number with its original text.
export class Digits {
  constructor(text) {
    if (!PLAIN.test(text)) throw new TypeError("not a number");
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

// Reading each number's source takes ten times as long, so do it only for long numbers.
const LONG = /[:,[]\s*-?\d{16}/;

export function parse(text) {
  if (!LONG.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_name, value, context) => {
    const exact = typeof value !== "number" || Number.isSafeInteger(value) || !/^-?\d+$/.test(context?.source);
    return exact ? value : new Digits(context.source);
  });
}

// Write like JSON.stringify(value, null, indent).
export function write(value, indent = 0, depth = 0) {
  if (value instanceof Digits) return value.text;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const open = indent ? `\n${" ".repeat(indent * (depth + 1))}` : "";
  const close = indent ? `\n${" ".repeat(indent * depth)}` : "";
  const next = (inner) => write(inner, indent, depth + 1);
  if (Array.isArray(value)) {
    return value.length ? `[${open}${value.map(next).join(`,${open}`)}${close}]` : "[]";
  }
  const fields = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([name, inner]) => `${JSON.stringify(name)}:${indent ? " " : ""}${next(inner)}`);
  return fields.length ? `{${open}${fields.join(`,${open}`)}${close}}` : "{}";
}

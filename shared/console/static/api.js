// Calls of the API. The key is in this tab's session storage: it survives a reload, and closing the tab deletes it.

import { parse } from "./json.js";

export const BACKFILLS = "/api/v1/beam/backfills";
const DESCRIPTION = "/api/v1/beam/openapi.json";
const STORED = "backfills.key";
const PATIENCE_MS = 30_000;

export const session = new EventTarget();

export function key() {
  return sessionStorage.getItem(STORED);
}

export function signIn(text) {
  sessionStorage.setItem(STORED, text);
  session.dispatchEvent(new Event("in"));
}

export function signOut(reason = "") {
  sessionStorage.clear();
  described = null;
  session.dispatchEvent(new CustomEvent("out", { detail: reason }));
}

// The service refused the request. `faults`: of a 422; otherwise only the message. `after`: seconds to wait.
export class Refused extends Error {
  constructor(status, detail, after) {
    const faults = Array.isArray(detail) ? detail : [];
    super(faults.length ? faults.map(sentence).join(". ") : String(detail));
    Object.assign(this, { status, faults, after });
  }

  get passes() {
    return this.status === 429 || this.status >= 500;
  }
}

// No answer, or an answer from another server.
export class NoAnswer extends Error {
  passes = true;
  after = null;
}

function sentence(fault) {
  const place = (fault.loc ?? []).filter((part) => part !== "body" && part !== "query").join(".");
  return place ? `${place}: ${fault.msg}` : String(fault.msg);
}

// Make one call; return `{ data, next }`, where next is the path of the Link header's next page.
export async function call(method, path, { body, headers = {}, signal, withKey = key(), lines = false } = {}) {
  const sent = { Accept: lines ? "application/x-ndjson, application/json" : "application/json", ...headers };
  if (withKey) sent["X-API-Key"] = withKey;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const ended = signal ? AbortSignal.any([signal, patience]) : patience;
  let answer;
  let text;
  try {
    answer = await fetch(path, { method, headers: sent, body, signal: ended, cache: "no-store", redirect: "error" });
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new NoAnswer(patience.aborted ? "The service did not answer within 30 seconds." : "The service does not answer.");
  }
  if (!answer.ok) throw refusal(answer, text, withKey);
  const next = /<([^>]+)>; rel="next"/.exec(answer.headers.get("Link") ?? "")?.[1] ?? null;
  return { data: read(text, lines), next };
}

function read(text, lines) {
  try {
    return lines ? text.split("\n").filter(Boolean).map((line) => JSON.parse(line)) : parse(text);
  } catch {
    throw new NoAnswer("The answer is unreadable: something between this page and the service changed it.");
  }
}

function refusal(answer, text, withKey) {
  let detail;
  try {
    detail = JSON.parse(text).detail;
  } catch {
    detail = undefined;
  }
  const wait = Number(answer.headers.get("Retry-After"));
  const after = Number.isFinite(wait) && wait > 0 ? wait : null;
  const refused = new Refused(answer.status, detail ?? `The answer was ${answer.status}, without a reason.`, after);
  if (answer.status === 401 && withKey === key()) signOut("The service does not know this key, or it was revoked.");
  return refused;
}

let described = null;

// The OpenAPI document, fetched once.
export function description() {
  described ??= call("GET", DESCRIPTION, { withKey: null }).then(({ data }) => data);
  described.catch(() => (described = null));
  return described;
}

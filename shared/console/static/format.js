// Numbers, sizes and times formatted for people.

import { h } from "./dom.js";

const WHOLE = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en-GB", { notation: "compact", maximumSignificantDigits: 3 });
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const SHAPE = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" };
const LOCAL = new Intl.DateTimeFormat("en-GB", { ...SHAPE, hourCycle: "h23", timeZoneName: "short" });
const UNIVERSAL = new Intl.DateTimeFormat("en-GB", { ...SHAPE, hourCycle: "h23", timeZone: "UTC" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const IN_UTC = HERE === "UTC" || HERE === "Etc/UTC";

export const whole = (number) => (number === null || number === undefined ? "–" : WHOLE.format(number));
export const short = (number) => SHORT.format(number);
export const clock = (moment) => CLOCK.format(moment);

export function bytes(number) {
  if (number === null || number === undefined) return "–";
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let place = 0;
  let left = Number(number);
  while (left >= 1024 && place < units.length - 1) [left, place] = [left / 1024, place + 1];
  return `${place && left < 100 ? left.toPrecision(3) : WHOLE.format(left)} ${units[place]}`;
}

export function percent(done, total) {
  if (!total) return "0 %";
  // 100 only when everything is done.
  return `${done >= total ? 100 : Math.min(99, Math.floor((100 * done) / total))} %`;
}

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} days ${Math.floor((seconds % 86_400) / 3600)} h`;
}

// In the reader's zone and in UTC.
export function time(text) {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) return h("span", {}, String(text));
  const utc = `${UNIVERSAL.format(moment)} UTC`;
  return h(
    "time",
    { datetime: text },
    IN_UTC ? utc : LOCAL.format(moment),
    IN_UTC ? null : h("span", { class: "quiet second" }, utc),
  );
}

// "max_parallel_chunks" as a label.
export function label(name) {
  const words = String(name).replaceAll("_", " ").trim();
  const known = { url: "URL", arn: "ARN", ip: "IP", sasl: "SASL", id: "ID", ip_: "IP" };
  const spelled = words.replace(/\b[a-z]+\b/g, (word) => known[word] ?? word);
  return spelled.charAt(0).toUpperCase() + spelled.slice(1);
}

export const KINDS = { gcs: "Google Cloud Storage", pubsub: "Pub/Sub", sns: "Amazon SNS", nats: "NATS", external_kafka: "External Kafka" };
export const kind = (name) => KINDS[name] ?? label(name);

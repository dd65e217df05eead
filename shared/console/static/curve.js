// Rows per second over time, as a curve.

import { h, s } from "./dom.js";
import { clock, duration, short } from "./format.js";

const BINS = 48;
const WIDTH = 480;
const HEIGHT = 72;

// The time span for all destinations of a job, or null if there is too little to draw.
export function span(arrivals, until) {
  let first = Infinity;
  let last = -Infinity;
  for (const list of arrivals) {
    for (const [moment] of list) {
      first = Math.min(first, moment);
      last = Math.max(last, moment);
    }
  }
  const end = until ?? last;
  return end - first >= 1000 ? { first, end } : null;
}

export function rates(arrivals, { first, end }) {
  const width = (end - first) / BINS;
  const sums = new Array(BINS).fill(0);
  for (const [moment, rows] of arrivals) sums[Math.min(BINS - 1, Math.floor((moment - first) / width))] += rows;
  return sums.map((rows) => rows / (width / 1000));
}

// The rate in the last tenth of the time.
export function latest(found) {
  const recent = found.slice(-Math.ceil(BINS / 10));
  return recent.reduce((sum, rate) => sum + rate, 0) / recent.length;
}

export function curve(name) {
  const area = s("path", { class: "area" });
  const line = s("path", { class: "line" });
  const drawing = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" }, area, line);
  const most = h("span", { class: "most" });
  const from = h("span");
  const to = h("span");
  const element = h("figure", { class: "curve", hidden: true }, h("div", { class: "plot" }, drawing, most), h("figcaption", {}, from, h("span", { class: "quiet" }, "rows/s"), to));
  return {
    element,
    update(found, place) {
      element.hidden = !place;
      if (!place) return;
      const top = Math.max(1, ...found);
      const x = (bin) => ((bin / (BINS - 1)) * WIDTH).toFixed(1);
      const y = (rate) => (HEIGHT - 2 - (rate / top) * (HEIGHT - 8)).toFixed(1);
      const points = found.map((rate, bin) => `${x(bin)},${y(rate)}`).join("L");
      line.setAttribute("d", `M${points}`);
      area.setAttribute("d", `M0,${HEIGHT}L${points}L${WIDTH},${HEIGHT}Z`);
      most.textContent = `${short(top)}`;
      from.textContent = clock(place.first);
      to.textContent = clock(place.end);
      const over = `${clock(place.first)} to ${clock(place.end)}, ${duration((place.end - place.first) / 1000)}`;
      const text = `${name}, rows per second from ${over}: at most ${short(top)}, last ${short(latest(found))}`;
      drawing.setAttribute("aria-label", text);
    },
  };
}

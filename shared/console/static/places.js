// One card per destination: progress, rate and last error.

import { curve, latest, rates, span } from "./curve.js";
import { h, hold, say, show } from "./dom.js";
import { duration, kind, percent, short, whole } from "./format.js";
import { badge, meter } from "./parts.js";

export function places() {
  const list = h("ul", { class: "places-list" });
  const element = h("section", { "aria-labelledby": "places-title" }, h("h2", { id: "places-title" }, "Destinations"), list);
  const cards = new Map();
  return {
    element,
    update(job) {
      hold(list, job.destinations.map((one) => {
        if (!cards.has(one.uid)) cards.set(one.uid, card(one));
        cards.get(one.uid).update(one, job);
        return cards.get(one.uid).element;
      }));
    },
    curves(job, chunks) {
      const live = job.status === "transporting" && !job.paused;
      const arrivals = job.destinations.map((one) => chunks.arrivals(one.uid));
      const over = span(arrivals, live ? Date.now() : undefined);
      job.destinations.forEach((one, place) => cards.get(one.uid)?.curve(over && rates(arrivals[place], over), over, job));
    },
  };
}

function card(one) {
  const bar = meter(one.name);
  const mark = h("span");
  const share = h("p", { class: "big" });
  const numbers = h("p", { class: "quiet" });
  const rate = h("p", { class: "rate" });
  const error = h("p", { class: "reason" });
  const kept = h("div", { class: "notice warning", hidden: true }, h("p", {}, h("strong", {}, "Last error")), error);
  const drawn = curve(one.name);
  const options = Object.entries(one).filter(([name]) => !["type", "name", "uid", "state"].includes(name));
  const details = h(
    "details",
    {},
    h("summary", {}, "Settings"),
    h("dl", { class: "facts" }, [...options, ["uid", one.uid]].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, h("code", {}, typeof value === "string" ? value : JSON.stringify(value)))))),
  );
  const element = h(
    "li",
    { class: "card place" },
    h("div", { class: "place-head" }, h("div", {}, h("h3", {}, h("bdi", {}, one.name)), h("p", { class: "quiet" }, kind(one.type))), mark),
    h("div", { class: "sum" }, share, rate),
    bar.element,
    numbers,
    kept,
    drawn.element,
    details,
  );
  return {
    element,
    update({ state }, job) {
      const rows = job.progress.rows_total;
      if (mark.dataset.is !== state.status) {
        mark.replaceChildren(badge(state.status));
        mark.dataset.is = state.status;
      }
      bar.update(state.rows_done, rows, job.paused && state.status === "delivering" ? "paused" : state.status);
      say(share, rows === null ? "–" : rows ? percent(state.rows_done, rows) : "100 %");
      say(numbers, rows === null ? "Nothing to deliver yet" : `${whole(state.rows_done)} of ${whole(rows)} rows, ${whole(state.chunks_done)} of ${whole(job.num_chunks)} chunks`);
      show(kept, Boolean(state.last_error));
      say(error, state.last_error ?? "");
    },
    curve(found, over, job) {
      drawn.update(found, over);
      if (!found) return say(rate, "");
      const now = latest(found);
      const { state } = job.destinations.find(({ uid }) => uid === one.uid);
      const left = job.progress.rows_total - state.rows_done;
      const moving = job.status === "transporting" && !job.paused && left > 0;
      const mean = state.rows_done / ((over.end - over.first) / 1000);
      if (moving && now > 0) say(rate, `${short(now)} rows/s, about ${duration(left / now)} left`);
      else if (moving) say(rate, "No rows arrived recently");
      else say(rate, state.rows_done ? `${short(mean)} rows/s on average` : "");
    },
  };
}

// One cell per chunk, on a canvas. Without room for all, a cell represents several consecutive chunks.

import { h, say } from "./dom.js";
import { bytes, time, whole } from "./format.js";
import { DONE, FAILED, STATES, UNDER_WAY, WAITING } from "./chunks.js";

const MOST_CELLS = 12_000;
const MOST_HEIGHT = 320;
const CLASSES = ["waiting", "under-way", "done", "failed"];
// A cell of several chunks shows the state that needs the most attention.
const URGENCY = [FAILED, UNDER_WAY, WAITING, DONE];

export function grid(names) {
  const canvas = h("canvas", { role: "img", "aria-describedby": "chunk-counts" });
  const box = h("div", { class: "cells" }, canvas);
  const counts = h("ul", { class: "legend", id: "chunk-counts" });
  const note = h("p", { class: "hint" });
  const number = h("input", { id: "chunk-number", type: "number", min: 0, inputmode: "numeric", oninput: () => look(number.valueAsNumber) });
  const found = h("div", { class: "chunk", role: "status" });
  const labels = CLASSES.map((name, state) => h("li", {}, h("span", { class: `swatch ${name}`, "aria-hidden": "true" }), h("span")));
  counts.append(...labels);
  const element = h(
    "section",
    { class: "card", "aria-labelledby": "chunks-title" },
    h("h2", { id: "chunks-title" }, "Chunks"),
    counts,
    box,
    note,
    h("div", { class: "lookup" }, h("label", { for: "chunk-number" }, "Show chunk"), number),
    found,
  );
  let chunks = null;
  let layout = null;
  let colours = [];
  let chosen = NaN;

  function measure() {
    const total = chunks?.states.length ?? 0;
    const width = Math.floor(box.clientWidth);
    if (!total || !width) return null;
    let each = Math.ceil(total / MOST_CELLS);
    for (;;) {
      const cells = Math.ceil(total / each);
      for (const pitch of [16, 14, 12, 10, 8, 6, 5, 4]) {
        const columns = Math.floor(width / pitch);
        const rows = Math.ceil(cells / columns);
        if (rows * pitch <= MOST_HEIGHT) return { each, cells, pitch, columns, rows };
      }
      each += 1;
    }
  }

  function draw() {
    layout = measure();
    if (!layout) return;
    const { each, cells, pitch, columns, rows } = layout;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [columns * pitch, rows * pitch];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const side = pitch - (pitch > 6 ? 2 : 1);
    // One path per colour: ten thousand cells take four fills.
    const groups = [[], [], [], []];
    for (let cell = 0; cell < cells; cell += 1) groups[worst(chunks.states, cell * each, each)].push(cell);
    groups.forEach((group, state) => {
      pen.fillStyle = colours[state];
      pen.beginPath();
      for (const cell of group) pen.rect((cell % columns) * pitch, Math.floor(cell / columns) * pitch, side, side);
      pen.fill();
    });
    if (chosen >= 0 && chosen < chunks.states.length) {
      const cell = Math.floor(chosen / each);
      pen.strokeStyle = colours[4];
      pen.lineWidth = 2;
      pen.strokeRect((cell % columns) * pitch, Math.floor(cell / columns) * pitch, side, side);
    }
    say(note, each > 1 ? `Each cell is ${whole(each)} consecutive chunks, in the colour of the least advanced one.` : "");
  }

  function paint() {
    const styles = getComputedStyle(box);
    colours = [...CLASSES.map((name) => styles.getPropertyValue(`--${name}`)), styles.getPropertyValue("--ink")];
    draw();
  }

  function look(place) {
    chosen = place;
    draw();
    if (!chunks || Number.isNaN(place)) return found.replaceChildren();
    const line = chunks.lines[place];
    if (line) return found.replaceChildren(...told(line, names));
    const known = place >= 0 && place < chunks.states.length;
    found.replaceChildren(h("p", { class: "quiet" }, known ? `Chunk ${whole(place)} waits.` : "There is no such chunk."));
  }

  canvas.addEventListener("click", (event) => {
    if (!layout) return;
    const column = Math.floor(event.offsetX / layout.pitch);
    const place = (Math.floor(event.offsetY / layout.pitch) * layout.columns + column) * layout.each;
    if (column >= layout.columns || place >= chunks.states.length) return;
    number.value = String(place);
    look(place);
  });
  const resized = new ResizeObserver(() => draw());
  resized.observe(box);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", paint);

  return {
    element,
    update(given) {
      chunks = given;
      number.max = String(Math.max(0, chunks.states.length - 1));
      const sums = chunks.counts();
      STATES.forEach((name, state) => say(labels[state].lastChild, `${whole(sums[state])} ${name}`));
      canvas.setAttribute("aria-label", `Chunks: ${STATES.map((name, state) => `${sums[state]} ${name}`).join(", ")}`);
      if (colours.length) draw();
      else paint();
      if (!Number.isNaN(chosen)) look(chosen);
    },
    stop() {
      resized.disconnect();
      dark.removeEventListener("change", paint);
    },
  };
}

function worst(states, start, length) {
  if (length === 1) return states[start];
  const there = new Set(states.subarray(start, start + length));
  return URGENCY.find((state) => there.has(state));
}

function told(line, names) {
  const deliveries = line.deliveries.map((one) =>
    h(
      "li",
      {},
      h("bdi", {}, names.get(one.uid) ?? one.uid),
      one.time_done ? `: ${whole(one.rows)} rows, ` : ": under way or interrupted, ",
      one.rows_skipped ? `${whole(one.rows_skipped)} skipped, ` : null,
      `begun ${one.attempts === 1 ? "once" : `${whole(one.attempts)} times`}`,
      one.time_done ? [", done ", time(one.time_done)] : null,
    ),
  );
  return [
    h("p", {}, `Chunk ${whole(line.chunk)}: ${whole(line.rows)} rows, ${bytes(line.bytes)}`, line.crc32c ? `, CRC32C ${line.crc32c}` : null),
    h("p", { class: "quiet" }, h("code", {}, line.file)),
    deliveries.length ? h("ul", {}, deliveries) : h("p", { class: "quiet" }, "No delivery has begun yet."),
  ];
}

// Small components that several pages share.

import { announce, h, s, say, show } from "./dom.js";
import { kind } from "./format.js";

export function badge(status, paused = false) {
  const word = paused ? "paused" : status;
  return h("span", { class: `badge ${word}` }, word);
}

// A bar for `done` of `total`, with its text for screen readers.
export function meter(name) {
  const filled = s("rect", { height: "100%" });
  const range = { "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100 };
  const element = h("div", { class: "meter", role: "progressbar", ...range }, s("svg", { "aria-hidden": "true" }, filled));
  return {
    element,
    update(done, total, state) {
      const share = total ? Math.min(100, (100 * done) / total) : state === "completed" || state === "done" ? 100 : 0;
      filled.setAttribute("width", `${share}%`);
      element.dataset.state = state;
      element.setAttribute("aria-valuenow", String(Math.floor(share)));
    },
  };
}

export function destination(one) {
  return h("span", { class: "chip" }, h("span", { class: "quiet" }, kind(one.type)), " ", h("bdi", {}, one.name));
}

// A line above a page that shows connection problems.
export function troubles(again) {
  // Only the text is an alert: screen readers should not read the countdown every second.
  const text = h("p", { role: "alert" });
  const button = h("button", { type: "button", class: "plain", onclick: () => again() }, "Try now");
  const element = h("div", { class: "notice warning", hidden: true }, text, button);
  let timer = null;
  return {
    element,
    tell(error, seconds) {
      clearInterval(timer);
      const until = Date.now() + seconds * 1000;
      const count = () => {
        const left = Math.max(0, Math.round((until - Date.now()) / 1000));
        button.textContent = left ? `Try now (automatically in ${left} s)` : "Trying…";
      };
      say(text, error.message);
      count();
      timer = setInterval(count, 1000);
      show(element, true);
    },
    clear() {
      clearInterval(timer);
      show(element, false);
    },
    stop: () => clearInterval(timer),
  };
}

export function facts(pairs, name = "facts") {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined);
  return h("dl", { class: name }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

export function copyable(text, name) {
  const button = h("button", { type: "button", class: "plain copy", "aria-label": `Copy ${name}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
      announce(`${name} copied`);
    } catch {
      button.textContent = "Cannot copy here";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  return button;
}

// A modal question; returns whether it was confirmed.
export function ask(title, text, confirm, cancel) {
  return new Promise((resolve) => {
    const close = (answer) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const heading = h("h2", { id: "question" }, title);
    const dialog = h(
      "dialog",
      { "aria-labelledby": "question", oncancel: (event) => (event.preventDefault(), close(false)) },
      heading,
      h("p", {}, text),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", autofocus: true, onclick: () => close(false) }, cancel),
        h("button", { type: "button", class: "danger", onclick: () => close(true) }, confirm),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

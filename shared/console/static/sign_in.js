// Asks for an API key, and checks it before storing it.

import { BACKFILLS, Refused, call, signIn } from "./api.js";
import { h, say, show } from "./dom.js";

export function signInPage(reason) {
  const message = h("p", { class: "fault", id: "sign-in-fault", role: "alert", hidden: !reason }, reason);
  const input = h("input", {
    id: "key",
    type: "password",
    required: true,
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "sign-in-fault key-hint",
  });
  const button = h("button", { type: "submit", class: "primary" }, "Sign in");

  async function submit(event) {
    event.preventDefault();
    const text = input.value.trim();
    const fault = !text ? "Enter an API key." : /^[!-~]+$/.test(text) ? "" : "A key has only visible ASCII characters.";
    if (fault) return refuse(fault);
    button.disabled = true;
    try {
      await call("GET", `${BACKFILLS}?limit=1`, { withKey: text });
      signIn(text);
    } catch (error) {
      const unknown = error instanceof Refused && error.status === 401;
      refuse(unknown ? "The service does not know this key, or it was revoked." : error.message);
    } finally {
      button.disabled = false;
    }
  }

  function refuse(text) {
    say(message, text);
    show(message, true);
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  const element = h(
    "div",
    { class: "sign-in card" },
    h("h1", { tabindex: "-1" }, "Sign in"),
    h("p", { class: "quiet" }, "The console calls the API with your organization's key."),
    h(
      "form",
      { onsubmit: submit, novalidate: true },
      h("label", { for: "key" }, "API key"),
      input,
      message,
      h("p", { id: "key-hint", class: "hint" }, "Stored in this tab only; closing the tab deletes it."),
      button,
    ),
    h("p", { class: "quiet" }, "You need no key to ", h("a", { href: "/console/api" }, "read the API reference"), "."),
  );
  return { title: "Sign in", element, focus: input };
}

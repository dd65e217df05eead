// The request as shell commands. The body is a quoted here-document, so the shell interprets nothing in it.

import { BACKFILLS } from "./api.js";
import { h } from "./dom.js";
import { write } from "./json.js";
import { copyable } from "./parts.js";

export function curl(body) {
  return [
    `curl -X POST "${location.origin}${BACKFILLS}" \\`,
    '  -H "X-API-Key: $API_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    "  --data-binary @- <<'JSON'",
    write(body, 2),
    "JSON",
  ].join("\n");
}

export function commandLine(body) {
  const where = `BACKFILLS_URL="${location.origin}" BACKFILLS_API_KEY="$API_KEY"`;
  return ["cat > job.json <<'JSON'", write(body, 2), "JSON", `${where} \\`, "  backfills create -f job.json --watch"].join("\n");
}

export function commands(body) {
  const one = (title, text) =>
    h(
      "details",
      { class: "command" },
      h("summary", {}, title),
      copyable(() => text, title),
      h("pre", { tabindex: "0", "aria-label": title }, h("code", {}, text)),
    );
  return h("div", { class: "stack" }, one("The same with curl", curl(body)), one("The same with the command line", commandLine(body)));
}

// The operator's page: opens with the token where one is wanted, and shows the node as it is, second by second.

import { h, setText } from "./dom.js";
import { showPulse } from "./live.js";
import { Log } from "./log.js";
import * as panels from "./operator-panels.js";
import { ask, forgetToken, heldToken, holdToken, listen } from "./stream.js";

const $ = (id) => document.getElementById(id);
const log = new Log($("log"), $("log-lines"), $("log-level"), $("log-text"), $("log-count"));
let listening = null;
let known = null; // the codes that were shown, to say which are new

const SAID = {
  401: "That is not the token of this node.",
  429: "Too many wrong tokens came from your address: wait ten seconds.",
  403: "This node has no token, and you are not on its machine: see web.operator_token_file in its configuration.",
};

async function connect() {
  listening?.abort();
  listening = new AbortController();
  const { signal } = listening;
  showPulse("waiting", "Opening");
  await listen({
    signal,
    on: (name, value) => (name === "log" ? log.add(value) : draw(value)),
    state: (code) => {
      if (signal.aborted) return;
      if (code === "live") opened();
      else if (code === "lost") showPulse("lost", "Reconnecting");
      else refused(code);
    },
  });
}

function opened() {
  showPulse("live", "Live");
  log.clear();
  $("door").hidden = true;
  $("room").hidden = false;
  $("leave").hidden = heldToken() === null;
}

function refused(status) {
  const tried = heldToken() !== null;
  if (status !== 429) forgetToken();
  showPulse("still");
  known = null;
  $("room").hidden = true;
  $("leave").hidden = true;
  $("door").hidden = false;
  $("door-form").hidden = status === 403;
  $("door-plain").hidden = window.isSecureContext;
  if (status === 403) setText($("door-note"), SAID[403]);
  setText($("door-said"), tried || status === 429 ? SAID[status] : "");
  if (status !== 403) $("token").focus();
}

function draw(view) {
  setText($("title"), view.name);
  document.title = `${view.reasons?.length ? `(${view.reasons.length}) ` : ""}${view.name} · Patina`;
  for (const [id, children] of panels.all(view)) fill($(id), children);
  announce(view.reasons ?? []);
}

/** Put children in place unless they say the same: what somebody reads or has selected is left alone. */
function fill(element, children) {
  const now = h("div", {}, ...children.filter(Boolean)).childNodes;
  const same = now.length === element.childNodes.length && [...now].every((each, at) => each.isEqualNode(element.childNodes[at]));
  if (!same) element.replaceChildren(...now);
}

function announce(reasons) {
  const codes = reasons.map((each) => each.code);
  if (known !== null) {
    const fresh = reasons.filter((each) => !known.includes(each.code));
    if (fresh.length) setText($("announcer"), fresh.map((each) => each.meaning).join(" "));
    else if (known.length && !codes.length) setText($("announcer"), "The node does its work again.");
  }
  known = codes;
}

$("door-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = $("token").value.trim();
  $("token").value = "";
  if (!/^[\x21-\x7e]+$/.test(token)) return setText($("door-said"), SAID[401]);
  holdToken(token);
  setText($("door-said"), "");
  connect();
  return undefined;
});

$("leave").addEventListener("click", () => {
  forgetToken();
  log.clear();
  connect();
});

$("config-details").addEventListener("toggle", async () => {
  if (!$("config-details").open) return;
  try {
    const response = await ask("/api/operator/configuration");
    if (!response.ok) throw new Error(`status ${response.status}`);
    $("config").replaceChildren(...panels.configuration(await response.json()));
  } catch (error) {
    $("config").replaceChildren(h("p", { class: "note" }, `The settings could not be read (${error.message}): close this and try again.`));
  }
});

connect();

// The page that verifies: a token is asked for, each step of its proof is shown with what was checked and by whom.

import { h, setCommand, setText, smallPicture } from "./dom.js";
import { Endpoint } from "./endpoint.js";
import { read, showPulse } from "./live.js";
import { STEPS, prove } from "./proof.js";

const main = document.getElementById("main");
const announcer = document.getElementById("announcer");
const [, collection = "", token = ""] = /^\/verify\/(0x[0-9a-f]{40})\/(\d+)$/i.exec(location.pathname) ?? [];
const checkpoint = new URLSearchParams(location.search).get("checkpoint");
const mayAsk = document.querySelector('meta[name="visitor-rpc"]') !== null;

const WORDS = { ok: "right", word: "as this node tells it", wrong: "wrong", untold: "cannot be told", busy: "looking", none: "not yet", elsewhere: "not checked here", waiting: "waiting" };
const SIGNS = { ok: "✓", word: "”", wrong: "✕", untold: "?", busy: "…", none: "–", elsewhere: "→", waiting: "" };
const BY = {
  browser: "checked by this browser",
  node: "this node's word, checked by nobody here",
  endpoint: "as your endpoint says",
  command: "to be checked on your machine",
};

const canvas = h("canvas", { class: "seen", role: "img", hidden: true });
const list = h("ol", { class: "steps" });
const verdict = h("p", { class: "verdict", role: "status" });
const trust = h("p", { class: "trust" });
const command = h("code", { class: "command" });
const results = new Map();

showPulse("still");
main.replaceChildren(h("div", { class: "page verify" }, heading(), form(), token ? body() : suggestions()));
if (token) run(null);

function heading() {
  return h(
    "header",
    {},
    h("h1", {}, "Verify"),
    h(
      "p",
      { class: "lead" },
      "This page follows a picture back, step by step, to the signatures under it. Your browser does the checking itself, by a few " +
        "hundred lines that you can read under ",
      h("a", { href: "/static/proof.js" }, "/static/proof.js"),
      ".",
    ),
    h(
      "details",
      { class: "primer" },
      h("summary", {}, "What fingerprints and signatures prove"),
      h(
        "p",
        {},
        "A fingerprint (a hash) is a short text worked out from a file's bytes. Anybody gets the same one from the same bytes, and nobody can " +
          "find other bytes that give it: change one pixel, and it is another. So a picture that has the right fingerprint is the right picture, wherever it came from.",
      ),
      h(
        "p",
        {},
        "A signature can only be made by whoever holds a node's secret key, and everybody can check it. When enough nodes, each on its own, have " +
          "signed the same fingerprint, all of them painted the same picture, to the last byte.",
      ),
    ),
  );
}

function form() {
  const address = h("input", { class: "field wide-field", name: "collection", required: true, pattern: "0x[0-9a-fA-F]{40}", spellcheck: "false", autocomplete: "off", placeholder: "0x…", value: collection });
  const number = h("input", { class: "field", name: "token", required: true, pattern: "[0-9]{1,78}", inputmode: "numeric", autocomplete: "off", placeholder: "1000001", value: token });
  const go = (event) => {
    event.preventDefault();
    location.assign(`/verify/${address.value.trim()}/${number.value.trim()}`);
  };
  return h(
    "form",
    { class: "ask", on: { submit: go } },
    h("label", {}, h("span", {}, "Collection"), address),
    h("label", {}, h("span", {}, "Token"), number),
    h("button", { class: "button", type: "submit" }, "Verify"),
  );
}

function body() {
  setCommand(command, ["patina", "verify", collection, token, "--rpc", "YOUR_ENDPOINT", "--content", location.origin]);
  return h(
    "div",
    { class: "proofs" },
    h("div", { class: "outcome" }, h("div", { class: "plate" }, canvas), verdict, trust, mayAsk ? endpointForm() : null, again()),
    h("div", {}, h("h2", { class: "unseen" }, "Steps"), list),
  );
}

function again() {
  return h(
    "div",
    { class: "again" },
    h("h2", {}, "On your own machine"),
    h("p", {}, "This command takes every step without trusting any node, and paints the picture again:"),
    h("p", {}, command),
    h("p", {}, h("a", { href: `/token/${collection}/${token}` }, "Back to the token")),
  );
}

function endpointForm() {
  const field = h("input", { class: "field wide-field", type: "url", name: "endpoint", required: true, placeholder: "https://…", autocomplete: "off", spellcheck: "false" });
  const fault = h("p", { class: "fault", role: "alert" });
  const go = (event) => {
    event.preventDefault();
    setText(fault, "");
    try {
      run(new Endpoint(field.value));
    } catch (error) {
      setText(fault, error.message);
    }
  };
  return h(
    "form",
    { class: "endpoint", on: { submit: go } },
    h("label", {}, h("span", {}, "Ask the chain at an endpoint of your own"), field),
    h("p", { class: "small" }, "It is kept in this page alone, and goes nowhere but there."),
    h("button", { class: "button", type: "submit" }, "Verify with it"),
    fault,
  );
}

function suggestions() {
  const shelf = h("ul", { class: "shelf" });
  read("/api/editions").then(
    ({ editions }) =>
      shelf.replaceChildren(
        ...editions
          .filter((entry) => entry.tokens)
          .map((entry) => {
            const first = String(BigInt(entry.edition) * 1_000_000n + 1n);
            return h(
              "li",
              {},
              h(
                "a",
                { href: `/verify/${entry.collection}/${first}` },
                h("img", { ...smallPicture(entry.cover, "11rem"), alt: "", loading: "lazy" }),
                h("span", {}, `${entry.name} #1`),
              ),
            );
          }),
      ),
    () => shelf.replaceChildren(h("li", {}, "This node does not answer just now.")),
  );
  return h("section", { "aria-label": "Tokens to begin with" }, h("p", { class: "lead" }, "Name a token, or begin with one of these."), shelf);
}

function source(endpoint) {
  return {
    endpoint,
    json: read,
    async block(cid) {
      const response = await fetch(`/ipfs/${cid}?format=raw`, { cache: "no-store", headers: { Accept: "application/vnd.ipld.raw" } });
      if (!response.ok) throw new Error(`block ${cid}: ${response.status}`);
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}

async function run(endpoint) {
  results.clear();
  canvas.hidden = true;
  for (const [key] of STEPS) results.set(key, { state: "waiting" });
  draw(null);
  const found = await prove(source(endpoint), { collection, token, checkpoint }, (key, result) => {
    results.set(key, result);
    draw(endpoint);
  });
  await show(found);
  draw(endpoint, true);
  conclude(endpoint);
}

function draw() {
  const open = new Set([...list.querySelectorAll("details[open]")].map((one) => one.dataset.step));
  list.replaceChildren(
    ...STEPS.map(([key, title, shows]) => {
      const { state: outcome, by, told, details = [] } = results.get(key);
      const state = outcome === "ok" && by === "node" ? "word" : outcome; // nobody checked what is only told
      const rows = details.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, String(value))]);
      return h(
        "li",
        { class: `step-of ${state}`, "data-step": key, "data-state": state },
        h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[state]),
        h(
          "div",
          {},
          h("h3", {}, title, h("span", { class: "unseen" }, `: ${WORDS[state]}`)),
          h("p", { class: "shows" }, shows),
          told ? h("p", { class: "says" }, told) : null,
          by && state !== "waiting" && state !== "none" ? h("p", { class: `by by-${by}` }, BY[by]) : null,
          rows.length ? h("details", { "data-step": key, open: open.has(key) }, h("summary", {}, "What was looked at"), h("dl", { class: "facts" }, ...rows)) : null,
        ),
      );
    }),
  );
}

/** Draw the bytes that were hashed: nothing is fetched again, so what is seen is what was checked. */
async function show({ picture, kind, life }) {
  if (!picture || results.get("picture").state !== "ok" || kind !== "image/png") return;
  try {
    const image = await createImageBitmap(new Blob([picture], { type: kind }));
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext("2d").drawImage(image, 0, 0);
    canvas.setAttribute("aria-label", `${life.edition.tokens[0].name}, drawn from the bytes that were checked`);
    canvas.hidden = false;
  } catch {
    results.set("picture", { ...results.get("picture"), state: "wrong", told: "The bytes have their hash, and are no picture that can be drawn." });
  }
}

function conclude(endpoint) {
  const states = [...results.values()].map((result) => result.state);
  const number = (state) => states.filter((one) => one === state).length;
  const told = [...results.values()].filter((result) => result.state === "ok" && result.by === "node").length;
  const outcome = number("wrong") ? "wrong" : number("untold") ? "untold" : "ok";
  verdict.dataset.state = outcome;
  const text = {
    wrong: `${number("wrong")} step${number("wrong") === 1 ? " is" : "s are"} wrong: do not believe this picture.`,
    untold: `${number("untold")} step${number("untold") === 1 ? "" : "s"} could not be told; the others are right.`,
    ok: endpoint ? "Everything that a browser can check is right, and the chain says so too." : `Everything that this browser can check is right: ${number("ok") - told} steps.`,
  }[outcome];
  setText(verdict, text);
  setText(announcer, text);
  setText(
    trust,
    endpoint
      ? `What stands on the chain was asked of ${endpoint.name}. Policy and recipe are still this node's word.`
      : "What stands on the chain is this node's word here, and this page itself comes from it: a node that lies could " +
          "make up all of it. What is shown is that picture, metadata, report and signatures belong together. Whoever does " +
          "not trust this node runs the command" +
          (mayAsk ? ", or names an endpoint." : "."),
  );
}

// The chronicle of an edition: every repaint, newest first, with its pictures and who signed.

import { h, smallPicture } from "./dom.js";
import { bandColour, bandName, brief, count, group, percent, tokenPage, when } from "./format.js";

const STRIP = 6;

/** Fill `list` with the edition's repaints; entries that stand already are left alone. */
export function drawLife(list, view) {
  const drawn = new Map([...list.children].map((item) => [item.dataset.key, item]));
  const items = view.history.map((repaint) => {
    const key = `${repaint.checkpoint} ${repaint.tx} ${repaint.time} ${view.tokens.length}`;
    return drawn.get(key) ?? entry(view, repaint, key);
  });
  items.reverse();
  const same = items.length === list.children.length && items.every((item, index) => list.children[index] === item);
  if (!same) list.replaceChildren(...items);
}

function entry(view, repaint, key) {
  const colour = bandColour(repaint.band, view.bands);
  const pictures = view.tokens.slice(0, STRIP).map((token, place) =>
    h(
      "a",
      { class: "leaf", href: tokenPage(view, token.id, repaint), "aria-label": `${token.name}, ${when(repaint)}` },
      h("img", { ...smallPicture(repaint.images[place], "5.5rem"), alt: "", loading: "lazy", decoding: "async" }),
    ),
  );
  return h(
    "li",
    { "data-key": key, style: { "--band": colour } },
    h(
      "div",
      { class: "life-head" },
      h("p", { class: "life-when" }, when(repaint)),
      h("p", { class: "life-change" }, ...change(view, repaint)),
      h("p", { class: "life-facts" }, facts(repaint)),
    ),
    h("div", { class: "strip" }, ...pictures),
    h("details", {}, h("summary", {}, "The report"), proof(view, repaint)),
  );
}

function change(view, repaint) {
  const now = h("span", { class: "life-band" }, bandName(view, repaint.band));
  if (repaint.band === repaint.previous_band) return ["Painted in ", now];
  return [`${bandName(view, repaint.previous_band)} → `, now];
}

function facts(repaint) {
  const answer = repaint.answer === null ? "" : `${percent(repaint.answer)} · `;
  return `${answer}${count(repaint.signers.length, "signature")}`;
}

function proof(view, repaint) {
  const rows = [
    ["Feed and checkpoint", `${view.feed.id} · ${group(repaint.checkpoint)}`],
    ["Landed in block", group(repaint.block)],
    ["Sent by", repaint.transmitter ? brief(repaint.transmitter) : ""],
    ["Transaction", repaint.tx],
    ["Gas", group(repaint.gas)],
    ["Signers", repaint.signers.map((signer) => brief(signer)).join(", ")],
    ["tokenURI before", repaint.token_uri_before],
    ["tokenURI after", repaint.token_uri_after],
  ];
  return h("dl", { class: "facts" }, ...rows.filter(([, value]) => value).flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]));
}

// Every repaint of a token, newest first: picture, band, answer, block, date, signers, transaction, gas.

import { contentPath, h, smallPicture } from "./dom.js";
import { bandColour, bandName, brief, count, group, percent, when } from "./format.js";

/** Fill `list`; `shown` is the repaint that is looked at, `look(index)` is called for another. Open details stay open. */
export function drawTimeline(list, view, shown, look) {
  const key = JSON.stringify([view.history, shown]);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  const open = new Set([...list.querySelectorAll("details[open]")].map((one) => one.dataset.checkpoint));
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.checkpoint : null;
  list.replaceChildren(...view.history.map((repaint, index) => entry(view, repaint, index, shown, look, open)).reverse());
  if (focused) list.querySelector(`button[data-checkpoint="${focused}"]`)?.focus({ preventScroll: true });
}

function entry(view, repaint, index, shown, look, open) {
  const now = h("span", { class: "life-band" }, bandName(view, repaint.band));
  const change =
    repaint.band === repaint.previous_band ? ["Painted in ", now] : [`${bandName(view, repaint.previous_band)} → `, now];
  const proof = `/verify/${view.collection}/${view.tokens[0].id}?checkpoint=${repaint.checkpoint}`;
  return h(
    "li",
    { style: { "--band": bandColour(repaint.band, view.bands) }, class: index === shown ? "shown" : "" },
    h(
      "button",
      {
        class: "leaf",
        type: "button",
        "data-checkpoint": repaint.checkpoint,
        "aria-pressed": String(index === shown),
        "aria-label": `Show it as it was ${when(repaint)}`,
        on: { click: () => look(index) },
      },
      h("img", { ...smallPicture(repaint.images[0], "9.5rem"), alt: "", loading: "lazy", decoding: "async" }),
    ),
    h(
      "div",
      { class: "moment" },
      h("p", { class: "life-when" }, when(repaint)),
      h("h3", { class: "life-change" }, ...change),
      h(
        "p",
        { class: "life-facts" },
        [
          repaint.answer === null ? "" : `${percent(repaint.answer)} against the basis`,
          `block ${group(repaint.block)}`,
          count(repaint.signers.length, "signer"),
          `${group(repaint.gas)} gas`,
        ]
          .filter(Boolean)
          .join(" · "),
      ),
      h(
        "details",
        { "data-checkpoint": repaint.checkpoint, open: open.has(String(repaint.checkpoint)) },
        h("summary", {}, "The report behind it"),
        facts(view, repaint),
        h("p", { class: "links" }, h("a", { href: proof }, "Verify this moment"), ...files(repaint)),
      ),
    ),
  );
}

function facts(view, repaint) {
  const rows = [
    ["Transaction", repaint.tx],
    ["Sent by", repaint.transmitter],
    ["Signed by", repaint.signers.map((signer) => h("span", { class: "signer", title: signer }, brief(signer, 10, 8)))],
    ["Feed, checkpoint", `${view.feed.id}, ${group(repaint.checkpoint)}`],
    ["tokenURI before", repaint.token_uri_before],
    ["tokenURI after", repaint.token_uri_after],
  ];
  const told = rows.filter(([, value]) => value.length);
  return h("dl", { class: "facts" }, ...told.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, ...[value].flat())]));
}

function files(repaint) {
  return [
    ["Picture", repaint.images[0]],
    ["Metadata", repaint.metadata[0]],
  ]
    .filter(([, file]) => contentPath(file))
    .map(([text, file]) => h("a", { href: contentPath(file), target: "_blank", rel: "noopener" }, text));
}

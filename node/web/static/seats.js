// One small drawing for each seat of a committee: who observed, signed, proposed and sent.

import { h, s } from "./dom.js";

/** What a seat did in a round: ring or disc, a bar beneath for the leader, an arrow above for the sender. */
function mark(seat, { saw, signed, led, sent }) {
  return h(
    "span",
    { class: "mark" },
    s(
      "svg",
      { viewBox: "0 0 24 32", "aria-hidden": "true" },
      s("circle", { cx: 12, cy: 17, r: 7.5, class: signed ? "signed" : saw ? "saw" : "away" }),
      s("text", { x: 12, y: 20.2 }, String(seat + 1)),
      led && s("path", { class: "led", d: "M7 29.5h10" }),
      sent && s("path", { class: "sent", d: "M12 5.6V1M9.4 3.4L12 .8l2.6 2.6" }),
    ),
  );
}

const listed = (seats) => (seats.length ? seats.map((seat) => seat + 1).join(", ") : "nobody");

/** A round's part in words, for those who do not see the marks. */
export function inWords(round) {
  const parts = [];
  if (round.observers !== null && round.road !== "votes") parts.push(`observed by ${listed(round.observers)}`);
  if (round.leader !== null) parts.push(`${round.state === "open" ? "led" : "proposed"} by ${round.leader + 1}`);
  if (round.signers !== null) parts.push(`${round.road === "votes" ? "voted for" : "signed"} by ${listed(round.signers)}`);
  if (round.transmitter_seat !== null) parts.push(`sent by ${round.transmitter_seat + 1}`);
  else if (round.transmitter) parts.push("sent by a stranger");
  return parts.length ? `Seats: ${parts.join("; ")}` : "Who took part is not known";
}

/** The marks of all seats of a round; nothing where its committee is not known. */
export function marks(round) {
  if (!round.seats) return h("span", { class: "soft" }, "its committee is not known here");
  const has = (seats, seat) => seats !== null && seats.includes(seat);
  return h(
    "span",
    { class: "marks", role: "img", "aria-label": inWords(round) },
    ...Array.from({ length: round.seats }, (_, seat) =>
      mark(seat, {
        saw: has(round.observers, seat),
        signed: has(round.signers, seat),
        led: round.leader === seat,
        sent: round.transmitter_seat === seat,
      }),
    ),
  );
}

/** What the marks mean. */
export function legend() {
  const nothing = { saw: false, signed: false, led: false, sent: false };
  const entry = (what, text) => h("span", {}, mark(0, { ...nothing, ...what }), text);
  return [
    entry({ saw: true }, "observed"),
    entry({ signed: true }, "signed, or voted"),
    entry({ saw: true, led: true }, "proposed"),
    entry({ signed: true, sent: true }, "sent it to the chain"),
    entry({}, "neither"),
  ];
}

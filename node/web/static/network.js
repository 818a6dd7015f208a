// The network page: who signs, what they made of the last rounds, and what comes next; brought up to date as it changes.

import { h, setText } from "./dom.js";
import { bandColour, brief, count, dateOf, group, percent } from "./format.js";
import { follow, read, showPulse } from "./live.js";
import { inWords, legend, marks } from "./seats.js";
import { ago, amount, apart, over, term, until } from "./words.js";

const $ = (id) => document.getElementById(id);
let by = 0; // how far the chain's clock is from this one's
let seen = null; // keys of the rounds that were shown, to point out what is new

function draw(view) {
  by = apart(view.time);
  drawHead(view);
  drawMembers(view);
  drawRounds(view);
  drawFeeds(view);
  drawRetired(view);
}

function drawHead(view) {
  const n = view.members.length;
  setText($("lead"), n ? leadOf(view, n) : "Nobody is seated: the oracle has no committee at present, and nothing is reported until it gets one.");
  const rows = [
    ["Chain", String(view.chain_id), `final block ${view.final === null ? "not read yet" : group(view.final)}`],
    ["Oracle", brief(view.oracle, 8, 6), null, view.oracle],
    ["Configuration", view.config === null ? "none" : brief(view.config, 8, 6), view.since_block === null ? null : `in force since block ${group(view.since_block)}`, view.config],
    n ? ["Quorum", `${view.quorum} of ${n}`, view.faults ? `${view.faults} may lie or be away` : "all have to agree"] : null,
    view.staking ? ["Era", group(view.staking.era), eraEnd(view.staking.era_ends)] : ["Seats", "the owner's choice", "no staking contract decides here"],
    view.staking ? ["Candidates", group(view.staking.candidates), `for ${count(view.staking.seats, "seat")}, bond from ${amount(view.staking.minimum, view.staking.decimals)} ${view.staking.symbol}`] : null,
    view.overlap_until ? ["Overlap", `ends ${until(view.overlap_until, by)}`, "reports of the committee before still land"] : null,
  ];
  const key = JSON.stringify(rows);
  if ($("plate").dataset.key === key) return;
  $("plate").dataset.key = key;
  $("plate").replaceChildren(
    ...rows.filter(Boolean).map(([name, value, small, title]) => h("div", {}, h("dt", {}, name), h("dd", { title }, value, small && h("small", {}, small)))),
  );
}

const eraEnd = (ends) => (over(ends, by) ? "over: whoever comes first ends it" : `ends ${until(ends, by)}, ${dateOf(ends)}`);

function leadOf(view, n) {
  const many = view.quorum === n ? `all ${n} have to sign` : `${view.quorum} of them have to sign`;
  return `${n === 1 ? "One node measures" : `${n} nodes measure`}, render and sign on their own. For a report to count, ${n === 1 ? "its signature is needed" : many} the very same bytes.`;
}

function drawMembers(view) {
  $("committee").hidden = view.members.length === 0;
  const of = view.members[0]?.of ?? 0;
  setText($("committee-note"), of ? `${of === 1 ? "Of the one report" : `Of the last ${count(of, "report")}`} under this configuration. Seats are numbered as in the marks below.` : "No report has landed under this configuration yet.");
  $("members").replaceChildren(...view.members.map((member) => card(member, view.staking)));
}

function card(member, staking) {
  const facts = [
    part("Observed", member.observed, member.of),
    part("Signed", member.signed, member.of, "A report carries a quorum's signatures and no more"),
    fact("Sent", member.of ? count(member.sent, "report") : "none yet"),
    fact("Last heard here", member.heard_at === null ? "not yet" : ago(member.heard_at)),
  ];
  if (staking && member.bond !== null) {
    facts.push(fact("Bond", `${amount(member.bond, staking.decimals)} ${staking.symbol}`), fact("Strikes", group(member.strikes)));
    facts.push(eras(member.eras));
  }
  const state = member.state && member.state !== "seated" ? h("span", { class: "tag", "data-tone": member.state === "slashed" ? "bad" : "warn" }, member.state) : null;
  return h(
    "li",
    { class: "member" },
    h(
      "div",
      { class: "member-head" },
      h("span", { class: "member-seat", title: `Seat ${member.seat + 1}` }, h("span", { class: "unseen" }, "Seat "), String(member.seat + 1)),
      h("span", { class: "member-who" }, h("span", { class: "mono", title: member.address }, brief(member.address, 10, 6)), member.node === null ? null : h("span", { class: "soft" }, ` · node ${member.node}`)),
      state,
    ),
    h("dl", { class: "member-facts" }, ...facts),
  );
}

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

function part(name, done, of, title = null) {
  const share = of ? (100 * done) / of : 0;
  return h("div", { title }, h("dt", {}, name), h("dd", {}, of ? `${done} of ${of}` : "none yet", h("span", { class: "share", "aria-hidden": "true" }, h("span", { style: { "--share": `${share}%` } }))));
}

function eras(eras) {
  const text = (era, index) => {
    const name = index === 0 ? "this era" : `era ${era.era}`;
    return era.due ? `${name}: ${era.attended} of ${era.due}${era.lost && era.lost !== "0" ? ", pay lost" : ""}` : `${name}: ${index === 0 ? "nothing settled yet" : "nothing due"}`;
  };
  return h("div", { class: "whole" }, h("dt", {}, "Attendance, as the staking contract has it"), h("dd", {}, eras.length ? eras.map(text).join(" · ") : "nothing yet"));
}

function drawRounds(view) {
  $("rounds").hidden = false;
  $("rounds-none").hidden = view.rounds.length > 0;
  $("legend").hidden = view.rounds.length === 0;
  if (!$("legend").children.length) $("legend").replaceChildren(...legend());
  const drawn = new Map([...$("round-list").children].map((item) => [item.dataset.key, item]));
  const bands = new Map(view.feeds.map((feed) => [feed.id, feed.bands]));
  const items = view.rounds.map((round) => {
    const key = JSON.stringify(round);
    return drawn.get(key) ?? item(round, key, bands.get(round.feed) ?? 2, isOpen(drawn, round));
  });
  const same = items.length === $("round-list").children.length && items.every((each, index) => $("round-list").children[index] === each);
  if (!same) $("round-list").replaceChildren(...items);
  const landed = view.rounds.filter((round) => round.block !== null).map(name);
  const fresh = seen === null ? [] : landed.filter((key) => !seen.has(key));
  for (const each of items) if (fresh.includes(each.dataset.round)) each.dataset.fresh = "";
  if (fresh.length) announce(view.rounds.find((round) => name(round) === fresh[0]));
  seen = new Set([...(seen ?? []), ...landed]);
}

const name = (round) => `${round.feed} ${round.checkpoint}`;
const isOpen = (drawn, round) => [...drawn.values()].some((each) => each.dataset.round === name(round) && each.querySelector("details")?.open);

function announce(round) {
  setText($("announcer"), `Feed ${round.feed}, checkpoint ${round.checkpoint} landed: ${outcome(round).join("")}`);
}

const PHASES = {
  observing: "gathering observations",
  proposing: "waiting for the proposal",
  rendering: "rendering",
  comparing: "comparing artworks",
  preparing: "preparing",
  committing: "committing",
  attesting: "signing",
  transmitting: "on its way to the chain",
};

function outcome(round) {
  if (round.state === "open") return [PHASES[round.phase] ?? round.phase];
  if (round.state === "abandoned") return ["Given up"];
  if (round.band === round.previous_band) return [`Stays in band ${round.band + 1}`];
  return [`Band ${round.previous_band + 1} → `, `${round.band + 1}`];
}

function item(round, key, bands, open) {
  const [first, last] = outcome(round);
  const colour = round.band === null ? null : bandColour(round.band, bands);
  return h(
    "li",
    { "data-key": key, "data-round": name(round), style: colour ? { "--band": colour } : {} },
    h(
      "div",
      { class: "round" },
      h("div", { class: "round-when" }, `Checkpoint ${group(round.checkpoint)}`, h("small", {}, `feed ${round.feed}${round.reason ? ` · ${round.reason}` : ""}`)),
      h("div", { class: "round-what" }, h("span", { class: round.state === "open" || round.state === "abandoned" ? "soft" : null }, first), last ? h("span", { class: "round-band" }, last) : null, h("small", {}, answerOf(round))),
      h("div", { class: "round-seats" }, marks(round)),
      h("div", { class: "round-end" }, ...endOf(round)),
    ),
    round.block === null ? null : h("details", open ? { open: true } : {}, h("summary", {}, "All of it"), details(round)),
  );
}

const answerOf = (round) => (round.answer === null ? "" : `${round.state === "open" || round.state === "abandoned" ? "measured here: " : "answer "}${percent(round.answer)}${round.painted ? " · repainted" : ""}`);

function endOf(round) {
  if (round.state === "open") return [h("span", { class: "tag", "data-tone": "good" }, "under way"), h("small", {}, `view ${round.view}`)];
  if (round.state === "abandoned") return [h("span", { class: "tag" }, "not reported")];
  const words = round.road === "votes" ? "by votes" : round.road === "relayed" ? "relayed" : "";
  return [
    round.time ? h("time", { datetime: new Date(round.time * 1000).toISOString(), title: dateOf(round.time) }, ago(round.time, by)) : `block ${group(round.block)}`,
    h("small", {}, [round.state === "seen" ? "not final yet" : words, round.gas === null ? "" : `${group(round.gas)} gas`].filter(Boolean).join(" · ")),
  ];
}

function details(round) {
  return h(
    "dl",
    { class: "facts" },
    ...term("Landed in", `block ${group(round.block)}${round.time ? `, ${dateOf(round.time)}` : ""}`),
    ...term("Transaction", h("span", { class: "mono" }, round.tx)),
    ...term("Who", inWords(round)),
    ...(round.view === null ? [] : term("View", `${round.view}${round.view ? `: ${count(round.view, "leader")} before this one stayed silent` : ""}`)),
    ...(round.transmitter ? term("Sent by", h("span", { class: "mono" }, round.transmitter)) : []),
    ...term("Configuration", h("span", { class: "mono" }, round.config)),
    ...term("Check it", h("code", {}, `patina report ${round.feed} ${round.checkpoint} --json`)),
  );
}

function drawFeeds(view) {
  $("feeds").hidden = view.feeds.length === 0;
  $("feed-list").replaceChildren(...view.feeds.map((feed) => feedItem(feed, view)));
}

function feedItem(feed, view) {
  const left = view.head === null ? null : feed.next_checkpoint - view.head;
  return h(
    "li",
    { class: "feed", style: { "--band": bandColour(feed.band, feed.bands) } },
    h("h3", {}, `Feed ${feed.id}`, h("span", { class: "feed-band" }, `band ${feed.band + 1} of ${feed.bands}`)),
    h("div", { class: "ladder", "aria-hidden": "true" }, ...Array.from({ length: feed.bands }, (_, band) => h("span", { class: band === feed.band ? "here" : null, style: { "--step": bandColour(band, feed.bands) } }))),
    h(
      "dl",
      { class: "facts" },
      ...term("Answer", feed.answer === null ? "never reported" : percent(feed.answer)),
      ...term("Reported at", feed.checkpoint ? `checkpoint ${group(feed.checkpoint)}` : "no checkpoint yet"),
      ...term("Next look", `block ${group(feed.next_checkpoint)}${left === null ? "" : left > 0 ? `, in ${count(left, "block")}` : ", waits for finality"}`),
      ...term("Rhythm", `every ${count(feed.cadence, "block")}${feed.heartbeat ? `, reported at least every ${group(feed.heartbeat)}` : ""}`),
      ...term("Vault", h("span", { class: "mono", title: feed.vault }, brief(feed.vault, 10, 6))),
      ...(feed.collection ? term("Paints", h("a", { href: `/#edition-${feed.collection.toLowerCase()}-${feed.edition}` }, `edition ${feed.edition}`)) : term("Paints", "nothing")),
    ),
  );
}

function drawRetired(view) {
  $("retired").hidden = view.retired.length === 0;
  const key = JSON.stringify(view.retired);
  if ($("retired-list").dataset.key === key) return;
  $("retired-list").dataset.key = key;
  $("retired-list").replaceChildren(
    ...view.retired.map((each) =>
      h(
        "li",
        {},
        h("div", { class: "retired-head" }, h("span", { class: "mono", title: each.config }, each.n ? brief(each.config, 10, 6) : "nobody seated"), h("span", { class: "soft" }, `blocks ${group(each.first_block)} to ${group(each.last_block)}`), each.n ? h("span", { class: "soft" }, `quorum ${each.quorum} of ${each.n}`) : null),
        each.members.length ? h("details", {}, h("summary", {}, "Who sat in it"), h("ul", {}, ...each.members.map((member) => h("li", { class: "mono" }, member)))) : null,
      ),
    ),
  );
}

follow({ event: "network", refresh: async () => draw(await read("/api/network")), state: showPulse });

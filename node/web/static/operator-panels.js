// What each panel of the operator's page says, from the node's figures.

import { h } from "./dom.js";
import { brief, count, group, percent } from "./format.js";
import { ago, amount, apart, bytes, over, span, term, until } from "./words.js";

const tag = (text, tone = null) => h("span", { class: "tag", "data-tone": tone }, text);
const TONE = { critical: "bad", error: "bad", warning: "warn", info: "plain" };
const gwei = (wei) => `${amount(wei, 9, 3)} gwei`;
const ether = (wei) => `${amount(wei, 18, 5)} ETH`;

/** Every panel by the id of its place, with its children. */
export function* all(view) {
  yield ["tags", tags(view)];
  yield ["reasons", reasons(view)];
  yield ["plate", plate(view)];
  yield ["work", work(view)];
  yield ["stake", stake(view)];
  yield ["endpoints", endpoints(view)];
  yield ["brokers", brokers(view)];
  yield ["peers", peers(view)];
  yield ["transactions", transactions(view)];
  yield ["storage", storage(view)];
  yield ["publishing", publishing(view)];
  yield ["notice-targets", targets(view)];
  yield ["alerts", alerts(view)];
}

function tags(view) {
  const serious = (view.reasons ?? []).some((each) => each.urgency === "critical");
  const state = !view.reasons?.length ? ["ready", "good"] : serious ? ["needs you", "bad"] : ["not ready", "warn"];
  return [tag(...state), tag(view.state === "seated" ? `seat ${view.member + 1} of ${view.committee}` : "standby")];
}

function reasons(view) {
  const evidence = (view.staking?.evidence ?? []).map((each) =>
    reason(each.own ? "bad" : "plain", each.own ? "own key" : "evidence", `${each.own ? "Your key" : each.signer} signed two reports: feed ${each.feed}, checkpoint ${each.checkpoint}, view ${each.view}.`, `${each.state}${each.note ? `: ${each.note}` : ""}`),
  );
  if (!view.reasons?.length) return [reason("good", null, "Nothing keeps this node from its work.", ""), ...evidence];
  return [...view.reasons.map((each) => reason(TONE[each.urgency] ?? "warn", each.code, each.meaning, each.remedy)), ...evidence];
}

const reason = (tone, code, what, todo) =>
  h("li", { class: "reason", "data-tone": tone }, code ? tag(code, tone) : null, h("p", { class: "what" }, what), todo ? h("p", { class: "todo" }, todo) : null);

function plate(view) {
  const { chain, brokers: links, sender, disk, visitors } = view;
  const rows = [
    ["Chain", chain.final === null ? "not read yet" : group(chain.final), `final of chain ${chain.id}; head ${chain.head === null ? "unknown" : group(chain.head)}`],
    ["Brokers", `${links.connected} of ${links.configured}`, links.connected ? "connected" : links.silent_s ? `none for ${span(links.silent_s)}` : "none needed"],
    ["Account", sender.balance === null ? "not read yet" : ether(sender.balance), sender.low_balance ? "nearly empty" : brief(sender.address, 8, 4)],
    ["On the way", count(Object.values(sender.waiting).reduce((sum, each) => sum + each, 0), "transaction"), view.fees?.enabled === false ? "sending is switched off" : null],
    ["Pictures", group(view.images_rendered), "drawn since the start"],
    ["Disk", disk ? bytes(disk.free_bytes) : "unknown", disk ? `free of ${bytes(disk.size_bytes)}` : null],
    ["Up for", span(view.up_s), `version ${view.version}`],
    ["Visitors", group(visitors?.open ?? 0), "connections open now"],
  ];
  return rows.map(([name, value, small]) => h("div", {}, h("dt", {}, name), h("dd", {}, value, small && h("small", {}, small))));
}

function work(view) {
  const found = [];
  if (view.standby) found.push(h("p", { class: "note" }, `On standby: ${view.standby}.`));
  if (view.chain.error) found.push(h("p", { class: "note" }, `Chain: ${view.chain.error}`));
  const jobs = view.rendering?.jobs ?? [];
  for (const job of jobs) {
    const text = `Drawing ${job.done} of ${job.of} pictures, ${job.per_second} a second`;
    found.push(h("div", { class: "job" }, text, h("progress", { max: job.of, value: job.done, "aria-label": text })));
  }
  const rounds = view.rounds.map((each) =>
    h("li", {}, h("span", {}, `Feed ${each.feed}, checkpoint ${group(each.checkpoint)}`), tag(each.phase, "good"), h("small", {}, `view ${each.view}, led by seat ${each.leader + 1} · ${count(each.observations, "observation")} · ${count(each.attestations, "signature")}`)),
  );
  const workers = (view.rendering?.workers ?? []).map((each) => h("li", {}, h("span", {}, each.place), h("small", {}, `${each.state}${each.process ? ` · process ${each.process}` : ""}`)));
  const feeds = (view.feeds ?? []).map((feed) => h("li", {}, h("span", {}, `Feed ${feed.id}`), tag(`band ${feed.band + 1} of ${feed.bands}`), h("small", {}, standing(feed))));
  if (!rounds.length && !jobs.length) found.push(h("p", { class: "note" }, "No round is under way, and nothing waits to be drawn."));
  const voting = view.voting?.silent_s > 10 && view.rounds.length ? h("p", { class: "note" }, `Too few members were heard for ${span(view.voting.silent_s)} while a round is open; after ${span(view.voting.after_s)} this node votes on chain.`) : null;
  const missing = view.artworks_missing ? h("p", { class: "note" }, `${count(view.artworks_missing, "artwork")} that landed are still to be fetched.`) : null;
  return [...found, voting, missing, h("ul", { class: "ends" }, ...rounds, ...feeds, ...workers)];
}

function standing(feed) {
  const said = [feed.answer === null ? `${count(feed.missing, "sample")} short of an answer` : `stands at ${percent(feed.answer)}`];
  const near = [...(feed.nearest ?? [])].sort((a, b) => (BigInt(a.distance) < BigInt(b.distance) ? -1 : 1))[0];
  if (near) said.push(`${percent(near.distance, 2, false)} from band ${near.band + 1}`);
  return [...said, `next look at block ${group(feed.next_checkpoint)}`].join(" · ");
}

function stake(view) {
  const own = view.staking?.own;
  if (!own) return [h("p", { class: "note" }, view.staking?.contract ? "The staking contract has not been read yet." : "No staking contract decides here: the oracle's owner chose the committee.")];
  const { symbol, decimals } = own.token;
  const by = apart(view.chain.final_time);
  const rows = [term("State", own.node === undefined ? own.state : `node ${own.node}, ${own.state}`)];
  if (own.bond !== undefined) {
    rows.push(
      term("Bond", `${amount(own.bond, decimals)} ${symbol}${own.unbonding !== "0" ? `, ${amount(own.unbonding, decimals)} on its way out` : ""}`),
      term("Rewards", `${ether(own.claimable)} to be claimed, ${ether(own.pending)} when the era ends`),
      term("Attendance", own.reports_due ? `${own.reports_attended} of ${count(own.reports_due, "report")} in this era` : "nothing settled in this era yet"),
      term("Strikes", group(own.strikes)),
    );
  }
  if (own.owed !== "0" || own.owed_stake !== "0") rows.push(term("Owed to you", `${ether(own.owed)}, ${amount(own.owed_stake, decimals)} ${symbol}`));
  rows.push(term("Era", `${group(own.era)}, ${over(own.era_ends, by) ? "over: whoever comes first ends it" : `ends ${until(own.era_ends, by)}`}`), term("Least bond", `${amount(own.minimum, decimals)} ${symbol}`), term("Contract", h("span", { class: "mono" }, brief(view.staking.contract ?? "", 10, 6))));
  return [h("dl", { class: "facts" }, ...rows.flat())];
}

const end = (name, tone, word, ...lines) => h("li", {}, h("span", { class: "mono" }, name), tag(word, tone), ...lines.filter(Boolean).map((each) => h("small", {}, each)));
const fault = (text) => h("span", { class: "fault" }, text);

function endpoints(view) {
  const one = (each) =>
    end(each.name, each.fault ? (each.circuit === "closed" ? "warn" : "bad") : "good", each.fault ? (each.circuit === "closed" ? "in doubt" : "left alone") : "in use",
      `${each.head === null ? "" : `head ${group(each.head)} · `}${count(each.requests, "request")}${each.failures ? ` · ${count(each.failures, "failure")}` : ""}${each.limited ? ` · ${group(each.limited)} over its limit` : ""}${each.pruned ? ` · ${group(each.pruned)} pruned` : ""}`,
      each.fault ? fault(each.fault) : null);
  const sockets = view.chain.websockets ?? {};
  const heads = sockets.configured ? [end("New heads by WebSocket", sockets.connected ? "good" : "warn", `${sockets.connected} of ${sockets.configured}`)] : [];
  return [...view.chain.endpoints.map(one), ...heads];
}

function brokers(view) {
  const each = view.brokers.each ?? [];
  if (!each.length) return [h("li", {}, h("span", { class: "soft" }, "Without a seat this node keeps no connection to brokers."))];
  return each.map((one) => {
    const told = Object.entries(one.messages).map(([name, number]) => `${group(number)} ${name}`).join(" · ");
    return end(one.broker, one.connected ? "good" : "bad", one.connected ? "connected" : "away", told, one.connected ? null : fault(one.error ?? "not connected yet"));
  });
}

function peers(view) {
  const others = (view.peers ?? []).filter((each) => !each.own);
  const tone = (heard) => (heard === null ? null : heard < 600 ? "good" : "warn");
  return others.map((each) => end(`Seat ${each.member + 1} ${brief(each.address, 8, 4)}`, tone(each.heard_s), each.heard_s === null ? "not heard yet" : each.heard_s < 15 ? "heard just now" : `heard ${span(each.heard_s)} ago`));
}

function transactions(view) {
  const rows = view.transactions ?? [];
  if (!rows.length) return [h("p", { class: "note" }, "This node has sent nothing yet.")];
  const head = ["What for", "State", "Cost", "Transaction"].map((name) => h("th", { scope: "col" }, name));
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows.map(transaction)));
  return [h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "What was sent, newest first" }, table)];
}

function transaction(row) {
  const failed = row.succeeded === false;
  const tone = row.overtaken ? null : failed ? "bad" : row.stuck ? "warn" : row.state === "final" || row.state === "mined" ? "good" : null;
  const word = row.overtaken ? (row.state === "cancelled" ? "not needed" : `${row.state}, came second`) : failed ? `${row.state}, failed` : row.stuck ? `${row.state}, stuck` : row.state;
  const since = row.age_s === null ? null : `${span(row.age_s)} old`;
  const where = row.block === null ? null : `block ${group(row.block)}`;
  const second = row.overtaken ? "another node's landed first" : null;
  const small = [second, row.waits_for, where, since].filter(Boolean).join(" · ");
  return h(
    "tr",
    {},
    h("th", { scope: "row", title: row.key }, row.for, row.note && !row.overtaken ? h("small", {}, row.note) : null),
    h("td", {}, tag(word, tone), small ? h("small", {}, small) : null),
    h("td", {}, ...paid(row), row.attempts > 1 ? h("small", {}, `raised ${count(row.attempts - 1, "time")}`) : null),
    h("td", {}, row.hash === null ? "none yet" : h("span", { class: "mono", title: row.hash }, brief(row.hash, 10, 6)), row.nonce === null ? null : h("small", {}, `nonce ${row.nonce}`)),
  );
}

function paid(row) {
  if (row.paid !== null) return [ether(row.paid)];
  return row.max_fee === null ? ["not signed yet"] : [`at most ${ether(row.most)}`, h("small", {}, `up to ${gwei(row.max_fee)} a gas`)];
}

function storage(view) {
  const { journal, disk } = view;
  const rows = [];
  if (journal) {
    rows.push(term("Journal", h("span", { class: "mono" }, journal.path)), term("Writes", journal.error ? fault(journal.error) : "taken"), term("Open rounds", group(journal.open_rounds)));
    if (journal.doubts) rows.push(term("Doubts", `${count(journal.doubts, "landed report")} names this key and is not known here: nothing is signed`));
  }
  if (disk) rows.push(term("Journal's size", bytes(disk.journal_bytes)), term("Content", `${bytes(disk.content_bytes)}${disk.content_files === null ? "" : ` in ${count(disk.content_files, "file")}`}`), term("Disk", `${bytes(disk.free_bytes)} free of ${bytes(disk.size_bytes)}`));
  const share = disk?.size_bytes ? 100 - (100 * disk.free_bytes) / disk.size_bytes : null;
  const bar = share === null ? null : h("span", { class: "share", "data-tone": share > 95 ? "bad" : share > 85 ? "warn" : "good", "aria-hidden": "true" }, h("span", { style: { "--share": `${share.toFixed(1)}%` } }));
  return [h("dl", { class: "facts" }, ...rows.flat()), bar];
}

function publishing(view) {
  const found = view.publishing?.targets ?? [];
  if (!found.length) return [h("li", {}, h("span", { class: "soft" }, "Artworks are published nowhere but on this node's own gateway."))];
  return found.map((each) =>
    end(each.name, each.reachable ? "good" : "bad", each.reachable ? (each.sending ? "sending" : "reached") : "away", `${group(each.published)} published · ${group(each.waiting)} waiting${each.failures ? ` · ${count(each.failures, "failure")} in a row` : ""}`, each.error ? fault(each.error) : null),
  );
}

function targets(view) {
  return (view.notices?.targets ?? []).map((each) =>
    end(each.name, each.error ? "bad" : "good", each.error ? "fails" : "reached", `${count(each.waiting, "notice")} waiting${each.taken_at ? `, last taken ${ago(Date.parse(each.taken_at) / 1000)}` : ""}`, each.error ? fault(each.error) : null),
  );
}

function alerts(view) {
  const found = view.alerts ?? [];
  if (!found.length) return [h("li", {}, h("span", { class: "soft" }, "nothing yet"), h("p", { class: "soft" }, "What happens is listed here: crossings that landed, troubles that begin and end."))];
  return found.map((each) =>
    h("li", {}, h("time", { datetime: each.at }, String(each.at).replace("T", " ").replace("Z", "")), h("p", {}, h("strong", {}, each.title), " ", tag(each.code, TONE[each.level] ?? null), h("br"), h("span", { class: "soft" }, each.text), each.waiting?.length ? h("small", { class: "soft" }, ` Not delivered yet to ${each.waiting.join(", ")}.`) : null)),
  );
}

/** The settings, section by section. */
export function configuration(view) {
  const one = ([section, table]) => h("section", {}, h("h3", {}, `[${section}]`), h("dl", { class: "facts" }, ...Object.entries(table).flatMap(([name, value]) => term(name, h("span", { class: "mono" }, setting(value))))));
  return [h("p", { class: "mono" }, view.path), h("div", { class: "settings" }, ...Object.entries(view.settings).map(one))];
}

const setting = (value) => (value === null ? "not set" : typeof value === "string" ? value : JSON.stringify(value));

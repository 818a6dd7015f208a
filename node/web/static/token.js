// One token's life: its picture first, why it looks as it does, every repaint, and the vault behind it.

import { Compare } from "./compare.js";
import { contentPath, h, setCommand, setText, smallPicture } from "./dom.js";
import { bandColour, bandName, brief, count, group, percent, tokenPage, when } from "./format.js";
import { follow, read, showPulse } from "./live.js";
import { Plot } from "./plot.js";
import { drawTimeline } from "./timeline.js";
import { Why } from "./why.js";

const main = document.getElementById("main");
const bare = document.getElementById("bare");
const announcer = document.getElementById("announcer");
const [, collection, token] = /^\/token\/(0x[0-9a-f]{40})\/(\d+)$/i.exec(location.pathname) ?? [];
const edition = String(BigInt(token) / 1_000_000n);
const path = `/api/editions/${collection}/${edition}/tokens/${token}`;

let life = null; // what the interface says
let at = null; // the repaint that is looked at; null: as it is now

const compare = new Compare();
const given = document.querySelector("#first .canvas img");
if (given) compare.picture.adopt(given);
const why = new Why((repaint, words) => compare.describe(repaint, words));
const plot = new Plot({ choose: (index) => look(index, true) }, "h2");
const eyebrow = h("p", { class: "eyebrow" });
const title = h("h1", { tabindex: "-1" });
const mood = h("p", { class: "mood-line" });
const back = h("button", { class: "button quiet", type: "button", hidden: true, on: { click: () => look(null) } }, "Back to now");
const film = h("div", { class: "film", role: "group", "aria-label": "Its life, oldest first" });
const facts = h("dl", { class: "facts" });
const links = h("p", { class: "links" });
const command = h("code", { class: "command", tabindex: "0", role: "textbox", "aria-readonly": "true", "aria-label": "Command" });
const copy = h("button", { class: "link", type: "button", on: { click: () => copyText(copy, command) } }, "Copy");
const share = h("button", { class: "link", type: "button", on: { click: () => copyText(share, null) } }, "Copy the link");
const previous = h("a", { class: "turn", rel: "prev", "aria-label": "Previous work" }, "‹");
const next = h("a", { class: "turn", rel: "next", "aria-label": "Next work" }, "›");
const timeline = h("ol", { class: "timeline" });
const chronicle = h("section", { class: "chronicle", "aria-labelledby": "life-title" }, h("h2", { id: "life-title" }, "Its life"), timeline);

const article = h(
  "article",
  { class: "token" },
  h("div", { class: "stage" }, previous, compare.stage, next),
  h(
    "div",
    { class: "story" },
    eyebrow,
    title,
    mood,
    back,
    why.element,
    film,
    compare.controls,
    facts,
    links,
    h(
      "div",
      { class: "proof" },
      h("a", { class: "button", href: `/verify/${collection}/${token}` }, "Verify in this browser"),
      h("p", {}, "Or on your machine, where it is painted again as well:"),
      h("p", { class: "prompt" }, command, copy),
    ),
  ),
);

async function refresh() {
  const found = await read(path);
  const before = life;
  life = found;
  if (!article.isConnected) {
    document.getElementById("first")?.remove();
    bare.hidden = true;
    main.prepend(article, h("div", { class: "below" }, plot.element, chronicle));
    at = momentOfAddress();
  }
  draw();
  const { history } = life.edition;
  if (before && history.length > before.edition.history.length) announce(history[history.length - 1]);
}

function momentOfAddress() {
  const wanted = /^#at-(\d+)$/.exec(location.hash)?.[1];
  const index = life.edition.history.findIndex((repaint) => String(repaint.checkpoint) === wanted);
  return index < 0 || index === life.edition.history.length - 1 ? null : index;
}

function draw() {
  const view = life.edition;
  const [shown] = view.tokens;
  const last = view.history.length - 1;
  const index = at === null ? last : Math.min(at, last);
  const repaint = view.history[index] ?? null;
  const now = index === last;
  document.title = `${shown.name} · Patina`;
  const home = `/#edition-${view.collection.toLowerCase()}-${view.edition}`;
  eyebrow.replaceChildren(h("a", { href: home }, view.name), ` · ${group(life.place)} of ${group(life.total)}`);
  setText(title, shown.name);
  setText(mood, moodText(view, repaint, now));
  main.style.setProperty("--band", bandColour(repaint ? repaint.band : view.band, view.bands));
  back.hidden = now;
  compare.update(view, shown, index);
  why.update(life, repaint, now);
  drawFilm(view, index);
  drawFacts(view, shown, repaint);
  drawLinks(view, shown, repaint, now);
  turn(previous, life.previous);
  turn(next, life.next);
  plot.update(view);
  plot.mark(now ? null : index);
  chronicle.hidden = view.history.length === 0;
  drawTimeline(timeline, view, index, (chosen) => look(chosen, true));
}

/** Look at the token as a repaint left it; `rise`: bring the picture back into sight. */
function look(index, rise = false) {
  const last = life.edition.history.length - 1;
  at = index === null || index === last ? null : index;
  const repaint = at === null ? null : life.edition.history[at];
  history.replaceState(null, "", repaint ? `#at-${repaint.checkpoint}` : location.pathname);
  draw();
  setText(announcer, mood.textContent);
  if (rise && compare.stage.getBoundingClientRect().top < 0) article.scrollIntoView();
}

function moodText(view, repaint, now) {
  if (!repaint) return "Not painted yet: it waits for the reveal and the first report";
  const band = `${bandName(view, repaint.band)} · band ${repaint.band + 1} of ${view.bands}`;
  return now ? band : `As it was ${when(repaint)} · ${band}`;
}

function drawFilm(view, shown) {
  const focused = film.contains(document.activeElement);
  film.hidden = view.history.length < 2;
  film.replaceChildren(
    ...view.history.map((repaint, index) =>
      h(
        "button",
        {
          class: "leaf",
          type: "button",
          "aria-pressed": String(index === shown),
          "aria-label": `${when(repaint)}: ${bandName(view, repaint.band)}`,
          style: { "--band": bandColour(repaint.band, view.bands) },
          on: { click: () => look(index) },
        },
        h("img", { ...smallPicture(repaint.images[0], "5rem"), alt: "", loading: "lazy", decoding: "async" }),
      ),
    ),
  );
  if (focused) film.children[shown]?.focus({ preventScroll: true });
  const leaf = film.children[shown];
  if (leaf) film.scrollLeft = leaf.offsetLeft - film.offsetLeft - film.clientWidth / 2;
}

function drawFacts(view, shown, repaint) {
  const rows = [];
  if (repaint) {
    rows.push(["Painted", when(repaint)]);
    if (repaint.answer !== null) rows.push(["Answer", `${percent(repaint.answer)} against the basis`]);
    rows.push(["Signed by", count(repaint.signers.length, "node")], ["Landed in", `block ${group(repaint.block)}`]);
  }
  if (shown.owner) rows.push(["Owner", brief(shown.owner)]);
  rows.push(["Token", `${shown.id} of ${brief(view.collection)}`], ["Vault", brief(view.feed.vault)]);
  facts.replaceChildren(...rows.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]));
}

function drawLinks(view, shown, repaint, now) {
  const files = [
    ["Picture", now ? shown.image : repaint.images[0]],
    ["Metadata", now ? shown.metadata : repaint.metadata[0]],
    ["Content root", `/ipfs/${repaint ? repaint.root : view.root}`],
  ];
  links.replaceChildren(
    ...files.filter(([, file]) => contentPath(file)).map(([text, file]) => h("a", { href: contentPath(file), target: "_blank", rel: "noopener" }, text)),
    share,
  );
  setCommand(command, ["patina", "verify", view.collection, shown.id, "--rpc", "YOUR_ENDPOINT", "--content", location.origin]);
}

function turn(link, id) {
  link.classList.toggle("none", !id);
  if (id) link.setAttribute("href", tokenPage(life.edition, id));
  else link.removeAttribute("href");
}

function announce(repaint) {
  const answer = repaint.answer === null ? "" : ` at ${percent(repaint.answer)}`;
  setText(announcer, `${life.edition.tokens[0].name} was repainted: ${bandName(life.edition, repaint.band)}${answer}`);
}

async function copyText(button, source) {
  const before = button.dataset.says ?? button.textContent;
  button.dataset.says = before;
  try {
    await navigator.clipboard.writeText(source ? source.textContent : location.href);
    setText(button, "Copied");
  } catch {
    if (source) getSelection().selectAllChildren(source);
    setText(button, source ? "Selected" : "The address bar has it");
  }
  setTimeout(() => setText(button, before), 2000);
}

function say(text) {
  bare.hidden = false;
  setText(bare, text);
}

window.addEventListener("hashchange", () => {
  if (!life) return;
  at = momentOfAddress();
  draw();
});
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, .wide, .film")) return;
  const link = { ArrowLeft: previous, ArrowRight: next }[event.key];
  if (link?.hasAttribute("href")) link.click();
});
follow({
  refresh: async () => {
    try {
      await refresh();
    } catch (error) {
      if (error.status !== 404) throw error;
      document.getElementById("first")?.remove();
      say("No edition of this node has such a token. It may not be minted yet, or belong to another node's feeds.");
    }
  },
  state: (state, text) => {
    showPulse(state, text);
    if (state === "lost" && !life && !given) say("This node does not answer just now. The page tries again by itself.");
  },
});

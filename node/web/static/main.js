// Opens the gallery, keeps every room up to date, filters them, and says when something was repainted.

import { setText } from "./dom.js";
import { Filters } from "./filters.js";
import { bandName, percent } from "./format.js";
import { follow, read, showPulse } from "./live.js";
import { Room } from "./room.js";

const walls = document.getElementById("rooms");
const bare = document.getElementById("bare");
const announcer = document.getElementById("announcer");

const rooms = new Map(); // key -> {room, entry, version, view}
const filters = new Filters(document.getElementById("filters"), arrange);
const near = new IntersectionObserver(approach, { rootMargin: "900px 0px" });

const keyOf = (entry) => `${entry.collection.toLowerCase()}/${entry.edition}`;
const anchorOf = (entry) => `edition-${entry.collection.toLowerCase()}-${entry.edition}`;

let listed = [];

/** The images of the editions that the page came with, by their anchors: rooms take them over, and nothing is fetched twice. */
const given = new Map(
  [...walls.querySelectorAll(".room")].map((room) => [room.id, new Map([...room.querySelectorAll("[data-token]")].map((work) => [work.dataset.token, work.querySelector("img")]).filter(([, image]) => image))]),
);

async function refresh() {
  const { editions } = await read("/api/editions");
  if (!rooms.size) walls.replaceChildren();
  listed = editions;
  const present = new Set(editions.map(keyOf));
  for (const [key, held] of rooms) {
    if (present.has(key)) continue;
    near.unobserve(held.room.element);
    held.room.element.remove();
    rooms.delete(key);
  }
  for (const entry of editions) prepare(entry);
  arrange();
  await Promise.all([...rooms.values()].filter((held) => held.wanted && held.version !== held.entry.version).map(fill));
}

function prepare(entry) {
  const key = keyOf(entry);
  let held = rooms.get(key);
  if (!held) {
    held = { room: new Room(anchorOf(entry), given.get(anchorOf(entry)) ?? new Map()), version: null, view: null, wanted: false, entry };
    rooms.set(key, held);
    held.room.element.dataset.key = key;
  }
  held.entry = entry;
  if (!held.view) held.room.expect(entry);
}

async function fill(held) {
  const { entry } = held;
  const view = await read(`${entry.href}/wall`);
  const rest = await held.room.rest(entry.href, view);
  const before = held.view;
  [held.view, held.version] = [view, entry.version];
  held.room.update(view, rest, entry.href);
  if (before && view.history.length > before.history.length) announce(view);
  if (aim) toAim();
}

/** Rooms are filled when a visitor comes near: a house of many editions opens as fast as one of two. */
function approach(entries) {
  for (const { target, isIntersecting } of entries) {
    const held = rooms.get(target.dataset.key);
    if (!isIntersecting || !held) continue;
    held.wanted = true;
    near.unobserve(target);
    if (held.version !== held.entry.version) fill(held).catch(() => near.observe(target));
  }
}

/** Put the rooms that pass the filters in their order; the others out of sight. */
function arrange() {
  filters.update(listed);
  const shown = listed.filter((entry) => filters.passes(entry));
  let place = 0;
  for (const entry of listed) {
    const held = rooms.get(keyOf(entry));
    const { element } = held.room;
    element.hidden = !shown.includes(entry);
    if (walls.children[place] !== element) walls.insertBefore(element, walls.children[place] ?? null);
    place += 1;
    if (!held.wanted && !element.hidden) near.observe(element);
  }
  filters.tell(shown);
  bare.hidden = shown.length > 0;
  if (shown.length) return;
  setText(
    bare,
    listed.length
      ? "Nothing here is in that mood and state just now."
      : "The walls are still bare. An edition will hang here once it is opened on a feed that this node serves.",
  );
}

function announce(view) {
  const last = view.history[view.history.length - 1];
  const answer = last.answer === null ? "" : ` at ${percent(last.answer)}`;
  const change =
    last.band === last.previous_band
      ? `painted anew, ${bandName(view, last.band)}${answer}`
      : `repainted: from ${bandName(view, last.previous_band)} to ${bandName(view, last.band)}${answer}`;
  setText(announcer, `${view.name} ${change}`);
}

/** Follow an address to an edition once it is there, and one of older days to its token's page. */
function openFromAddress() {
  const token = /^#token-(0x[0-9a-f]{40})\/\d+-(\d+)$/i.exec(location.hash);
  if (token) location.replace(`/token/${token[1]}/${token[2]}`);
  else if (/^#edition-[\w-]+$/.test(location.hash)) {
    aim = location.hash.slice(1);
    toAim();
  }
}

// Where an address leads to, held in sight while rooms above it fill, until the visitor takes over.
let aim = "";
const toAim = () => document.getElementById(aim)?.scrollIntoView({ behavior: "instant" });
for (const event of ["wheel", "touchstart", "keydown", "pointerdown"]) {
  window.addEventListener(event, () => (aim = ""), { passive: true });
}

let opened = false;
follow({
  refresh: async () => {
    await refresh();
    if (!opened) openFromAddress();
    opened = true;
  },
  state: (state, text) => {
    showPulse(state, text);
    if (state !== "lost" || opened || walls.children.length) return;
    bare.hidden = false;
    setText(bare, "This node does not answer just now. The page tries again by itself.");
  },
});
window.addEventListener("hashchange", openFromAddress);

// Opens the gallery, keeps every room up to date, and says when something was repainted.

import { h, setText } from "./dom.js";
import { bandName, percent } from "./format.js";
import { Lightbox } from "./lightbox.js";
import { follow } from "./live.js";
import { Room } from "./room.js";

const main = document.getElementById("rooms");
const bare = document.getElementById("bare");
const doors = document.getElementById("doors");
const announcer = document.getElementById("announcer");
const pulse = document.getElementById("pulse");
const pulseText = document.getElementById("pulse-text");

const rooms = new Map(); // key -> {room, version, view}
const lightbox = new Lightbox();

const keyOf = (entry) => `${entry.collection.toLowerCase()}/${entry.edition}`;
const anchorOf = (entry) => `edition-${entry.collection.toLowerCase()}-${entry.edition}`;

async function read(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

async function refresh() {
  const { editions } = await read("/api/editions");
  const present = new Set(editions.map(keyOf));
  for (const [key, held] of rooms) {
    if (present.has(key)) continue;
    held.room.element.remove();
    rooms.delete(key);
  }
  const stale = editions.filter((entry) => rooms.get(keyOf(entry))?.version !== entry.version);
  const views = await Promise.all(stale.map((entry) => read(entry.href)));
  views.forEach((view, index) => place(view, stale[index]));
  editions.forEach((entry, index) => {
    const element = rooms.get(keyOf(entry)).room.element;
    if (main.children[index] !== element) main.insertBefore(element, main.children[index] ?? null);
  });
  bare.hidden = editions.length > 0;
  if (bare.hidden) bare.remove();
  else {
    main.append(bare);
    setText(bare, "The walls are still bare. An edition will hang here once it is opened on a feed that this node serves.");
  }
  drawDoors(editions);
}

function place(view, entry) {
  const key = keyOf(entry);
  const held = rooms.get(key);
  const before = held?.view;
  const room = held?.room ?? new Room(anchorOf(entry), (token, at) => openToken(key, token, at));
  rooms.set(key, { room, view, version: entry.version });
  room.update(view);
  if (before && view.history.length > before.history.length) announce(view);
  lightbox.refresh(key, view);
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

function openToken(key, token, at = null) {
  const held = rooms.get(key);
  if (held) lightbox.open(key, held.view, token, at);
}

function drawDoors(editions) {
  const names = editions.map((entry) => `${anchorOf(entry)} ${entry.name}`).join("\n");
  if (doors.dataset.names === names) return;
  doors.dataset.names = names;
  doors.hidden = editions.length < 2;
  doors.replaceChildren(...editions.map((entry) => h("a", { href: `#${anchorOf(entry)}` }, entry.name)));
}

function openFromAddress() {
  const match = /^#token-(0x[0-9a-f]{40}\/\d+)-(\d+)$/i.exec(location.hash);
  if (match) openToken(match[1].toLowerCase(), match[2]);
}

let opened = false;
follow({
  refresh: async () => {
    await refresh();
    if (!opened) {
      opened = true;
      openFromAddress();
    }
  },
  state: (state, text) => {
    pulse.dataset.state = state;
    setText(pulseText, text);
  },
});
window.addEventListener("hashchange", openFromAddress);

// One edition as a room: its wall label, its artworks, the feed's plot, and how it changed.

import { h, setText } from "./dom.js";
import { bandColour, bandName, brief, count, percent } from "./format.js";
import { drawLife } from "./life.js";
import { Picture } from "./picture.js";
import { Plot } from "./plot.js";

const PER_PAGE = 60;
const STATES = { selling: "On sale", closed: "Sold, to be revealed", revealed: "" };

/** `open(tokenId, repaintIndex | null)` is called when a visitor picks an artwork. */
export class Room {
  #works = new Map(); // token id -> {item, picture, name, note}
  #shown = PER_PAGE;

  constructor(anchor, open) {
    this.open = open;
    this.eyebrow = h("p", { class: "eyebrow" });
    this.title = h("h2", { id: `${anchor}-title` });
    this.artist = h("p", { class: "artist" });
    this.description = h("p", { class: "description" });
    this.moodName = h("span", { class: "mood-name" });
    this.scale = h("span", { class: "scale", role: "img" });
    this.standing = h("p", { class: "standing" });
    this.list = h("ul", { class: "works" });
    this.more = h("button", { class: "more", type: "button", hidden: true, on: { click: () => this.#showMore() } });
    this.plot = new Plot((index) => this.#openFirst(index));
    this.life = h("ol", { class: "life" });
    this.lifeTitle = h("h3", {}, "How it changed");
    this.element = h(
      "section",
      { class: "room", id: anchor, "aria-labelledby": `${anchor}-title` },
      h(
        "div",
        { class: "wall" },
        h(
          "header",
          { class: "label" },
          this.eyebrow,
          this.title,
          this.artist,
          this.description,
          h("p", { class: "mood" }, this.moodName, this.scale),
          this.standing,
        ),
        h("div", { class: "hanging" }, this.list, this.more),
      ),
      this.plot.element,
      h("div", { class: "chronicle" }, this.lifeTitle, this.life),
    );
  }

  update(view) {
    this.view = view;
    const state = STATES[view.state];
    const works = count(view.tokens.length, "work");
    setText(this.eyebrow, `Edition ${view.edition} · ${works}${state ? ` · ${state}` : ""}`);
    setText(this.title, view.name);
    setText(this.artist, /^0x[0-9a-f]{40}$/i.test(view.artist) ? brief(view.artist) : view.artist);
    this.artist.title = view.artist;
    setText(this.description, view.description ?? "");
    this.#updateMood(view);
    this.#updateWorks(view);
    this.plot.update(view);
    drawLife(this.life, view, (token, index) => this.open(token, index));
    this.lifeTitle.parentElement.hidden = view.history.length === 0;
  }

  #updateMood(view) {
    this.element.style.setProperty("--band", bandColour(view.band, view.bands));
    setText(this.moodName, bandName(view, view.band));
    this.scale.setAttribute("aria-label", `band ${view.band + 1} of ${view.bands}`);
    this.scale.replaceChildren(
      ...Array.from({ length: view.bands }, (_, band) =>
        h("span", { class: band === view.band ? "step here" : "step", style: { "--step": bandColour(band, view.bands) } }),
      ),
    );
    const { answer } = view.feed;
    setText(
      this.standing,
      answer === null ? "The vault has not been measured long enough yet." : `The vault stands at ${percent(answer)} against its basis.`,
    );
  }

  #updateWorks(view) {
    const tokens = view.tokens.slice(0, this.#shown);
    const present = new Set(tokens.map((token) => token.id));
    for (const [id, work] of this.#works) {
      if (present.has(id)) continue;
      work.item.remove();
      this.#works.delete(id);
    }
    let repainted = false;
    tokens.forEach((token, index) => {
      const work = this.#works.get(token.id) ?? this.#hang(token);
      setText(work.name, token.name);
      const alt = view.history.length ? `${token.name}, ${bandName(view, view.band)}` : `${token.name}, not painted yet`;
      repainted = work.picture.show(token.image, alt) || repainted;
      if (this.list.children[index] !== work.item) this.list.insertBefore(work.item, this.list.children[index] ?? null);
    });
    this.list.dataset.count = String(Math.min(tokens.length, 7));
    const rest = view.tokens.length - tokens.length;
    this.more.hidden = rest <= 0;
    setText(this.more, `Show ${Math.min(rest, PER_PAGE)} more of ${count(view.tokens.length, "work")}`);
    if (repainted) this.#glow();
  }

  #hang(token) {
    const picture = new Picture();
    const name = h("span", { class: "work-name" });
    const item = h(
      "li",
      {},
      h(
        "button",
        { class: "work", type: "button", "data-token": token.id, on: { click: () => this.open(token.id, null) } },
        h("span", { class: "frame" }, picture.element),
        name,
      ),
    );
    const work = { item, picture, name };
    this.#works.set(token.id, work);
    return work;
  }

  #showMore() {
    this.#shown += PER_PAGE;
    this.#updateWorks(this.view);
  }

  #openFirst(index) {
    const [token] = this.view.tokens;
    if (token) this.open(token.id, index);
  }

  #glow() {
    this.element.classList.remove("repainted");
    void this.element.offsetWidth; // restarts the animation
    this.element.classList.add("repainted");
  }
}

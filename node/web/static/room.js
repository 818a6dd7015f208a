// One edition as a room: its wall label, its artworks, the feed's plot, and how it changed.

import { h, setText } from "./dom.js";
import { bandColour, bandName, bandScene, brief, count, percent, tokenPage } from "./format.js";
import { drawLife } from "./life.js";
import { read } from "./live.js";
import { Picture } from "./picture.js";
import { Plot } from "./plot.js";

const PER_PAGE = 60;
const STATES = { selling: "On sale", closed: "Sold, to be revealed", revealed: "" };

export class Room {
  #works = new Map(); // token id -> {item, picture, name}
  #rest = []; // tokens behind the first page that are shown
  #tokens = [];
  #href = "";

  #given; // images that the page came with: token id -> image

  constructor(anchor, given) {
    this.#given = given;
    this.eyebrow = h("p", { class: "eyebrow" });
    this.title = h("h2", { id: `${anchor}-title` });
    this.artist = h("p", { class: "artist" });
    this.description = h("p", { class: "description" });
    this.moodName = h("span", { class: "mood-name" });
    this.scale = h("span", { class: "scale", role: "img" });
    this.standing = h("p", { class: "standing" });
    this.list = h("ul", { class: "works" });
    this.more = h("button", { class: "button more", type: "button", hidden: true, on: { click: () => this.#showMore() } }, "Show more");
    this.plot = new Plot({ link: (index) => tokenPage(this.view, this.#tokens[0].id, this.view.history[index]) });
    this.finder = this.#makeFinder();
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
        h("div", { class: "hanging" }, this.list, h("div", { class: "after" }, this.more, this.finder)),
      ),
      this.plot.element,
      h("div", { class: "chronicle" }, this.lifeTitle, this.life),
    );
  }

  /** Take the place of an edition that is not read yet: its frames hang already, so that nothing moves later. */
  expect(entry) {
    this.#label(entry, entry.tokens);
    const first = BigInt(entry.edition) * 1_000_000n + 1n;
    const length = Math.min(entry.tokens, PER_PAGE);
    const tokens = Array.from({ length }, (_, at) => {
      const id = String(first + BigInt(at));
      return { id, name: `${entry.name} #${at + 1}`, image: this.#given.get(id)?.getAttribute("src") ?? null };
    });
    this.#hangAll(entry, tokens, entry.repaints ? entry.mood || bandName(entry, entry.band) : "not painted yet");
    this.element.classList.add("to-come");
    this.element.style.setProperty("--repaints", entry.repaints);
    this.lifeTitle.parentElement.hidden = entry.repaints === 0;
  }

  /** The tokens behind the first page, as many as are shown of the edition at `href`. */
  async rest(href, view) {
    const found = [];
    while (found.length < this.#rest.length && PER_PAGE + found.length < view.total) {
      const page = await read(`${href}/tokens?from=${PER_PAGE + found.length}`);
      if (page.tokens.length === 0) break;
      found.push(...page.tokens);
    }
    return found;
  }

  update(view, rest, href) {
    this.element.classList.remove("to-come");
    this.view = view;
    this.#rest = rest;
    this.#href = href;
    this.#label(view, view.total);
    setText(this.artist, /^0x[0-9a-f]{40}$/i.test(view.artist) ? brief(view.artist) : view.artist);
    this.artist.title = view.artist;
    setText(this.description, view.description ?? "");
    this.#updateWorks();
    if (view.tokens.length) this.plot.update(view);
    drawLife(this.life, view);
    this.lifeTitle.parentElement.hidden = view.history.length === 0;
  }

  #label(shown, total) {
    const state = STATES[shown.state];
    setText(this.eyebrow, `Edition ${shown.edition} · ${count(total, "work")}${state ? ` · ${state}` : ""}`);
    setText(this.title, shown.name);
    this.#updateMood(shown);
  }

  #updateMood(view) {
    this.element.style.setProperty("--band", bandColour(view.band, view.bands));
    setText(this.moodName, view.mood || bandName(view, view.band));
    this.scale.setAttribute("aria-label", `band ${view.band + 1} of ${view.bands}`);
    this.scale.replaceChildren(
      ...Array.from({ length: view.bands }, (_, band) =>
        h("span", { class: band === view.band ? "step here" : "step", style: { "--step": bandColour(band, view.bands) } }),
      ),
    );
    if (!view.feed) return;
    const { answer } = view.feed;
    setText(
      this.standing,
      answer === null ? "The vault has not been measured long enough yet." : `The vault stands at ${percent(answer)} against its basis.`,
    );
  }

  #updateWorks() {
    const { view } = this;
    const painted = view.history.length ? bandScene(view, view.band) : "not painted yet";
    this.#tokens = [...view.tokens, ...this.#rest];
    if (this.#hangAll(view, this.#tokens, painted)) this.#glow();
    const rest = view.total - this.#tokens.length;
    this.more.hidden = rest <= 0;
    setText(this.more, `Show ${Math.min(rest, PER_PAGE)} more of ${count(view.total, "work")}`);
    this.finder.hidden = view.total <= PER_PAGE;
    this.finder.elements.number.max = String(view.total);
  }

  #hangAll(edition, tokens, painted) {
    const present = new Set(tokens.map((token) => token.id));
    for (const [id, work] of this.#works) {
      if (present.has(id)) continue;
      work.item.remove();
      this.#works.delete(id);
    }
    let repainted = false;
    tokens.forEach((token, index) => {
      const work = this.#works.get(token.id) ?? this.#hang(edition, token);
      setText(work.name, token.name);
      repainted = work.picture.show(token.image, painted) || repainted;
      if (this.list.children[index] !== work.item) this.list.insertBefore(work.item, this.list.children[index] ?? null);
    });
    this.list.dataset.count = String(Math.min(tokens.length, 7));
    return repainted;
  }

  #hang(edition, token) {
    const picture = new Picture();
    if (this.#given.has(token.id)) picture.adopt(this.#given.get(token.id));
    const name = h("span", { class: "work-name" });
    const link = h(
      "a",
      { class: "work", href: tokenPage(edition, token.id), "data-token": token.id },
      h("span", { class: "frame" }, picture.element),
      name,
    );
    const work = { item: h("li", {}, link), picture, name };
    this.#works.set(token.id, work);
    return work;
  }

  async #showMore() {
    const place = this.#tokens.length;
    this.more.disabled = true;
    try {
      const page = await read(`${this.#href}/tokens?from=${place}`);
      this.#rest = [...this.#rest, ...page.tokens];
      this.#updateWorks();
      this.list.children[place]?.firstElementChild.focus({ preventScroll: true });
    } catch {
      setText(this.more, "That did not come through: try again");
    } finally {
      this.more.disabled = false;
    }
  }

  /** For editions of many: a way to one by its number. */
  #makeFinder() {
    const field = h("input", { class: "field", name: "number", type: "number", min: "1", inputmode: "numeric", required: true });
    const go = (event) => {
      event.preventDefault();
      location.assign(tokenPage(this.view, String(BigInt(this.view.edition) * 1_000_000n + BigInt(field.value))));
    };
    return h(
      "form",
      { class: "finder", hidden: true, on: { submit: go } },
      h("label", {}, h("span", {}, "Work no."), field),
      h("button", { class: "button", type: "submit" }, "Go"),
    );
  }

  #glow() {
    this.element.classList.remove("repainted");
    void this.element.offsetWidth; // restarts the animation
    this.element.classList.add("repainted");
  }
}

// One artwork at full size with its story: why it looks as it does, its life, and how to check it.

import { contentPath, h, setText } from "./dom.js";
import { bandColour, bandName, brief, count, group, percent, when } from "./format.js";
import { Picture } from "./picture.js";

/** A modal dialog; `open(key, view, tokenId, repaintIndex | null)`, null being the artwork as it is now. */
export class Lightbox {
  #key = null;
  #view = null;
  #token = 0;
  #at = null;

  constructor() {
    this.picture = new Picture(false);
    this.title = h("h2", { id: "lightbox-title", tabindex: "-1" });
    this.mood = h("p", { class: "mood-line" });
    this.story = h("dl", { class: "facts" });
    this.life = h("div", { class: "film", role: "group", "aria-label": "Its life, oldest first" });
    this.links = h("p", { class: "links" });
    this.command = h("code", { class: "command" });
    this.copy = h("button", { class: "quiet", type: "button", on: { click: () => this.#copyCommand() } }, "Copy");
    const step = (by, label, sign) =>
      h("button", { class: "turn", type: "button", "aria-label": label, on: { click: () => this.#step(by) } }, sign);
    this.previous = step(-1, "Previous artwork", "‹");
    this.next = step(1, "Next artwork", "›");
    this.element = h(
      "dialog",
      { class: "lightbox", "aria-labelledby": "lightbox-title" },
      h("div", { class: "stage" }, this.previous, h("div", { class: "hung" }, this.picture.element), this.next),
      h(
        "div",
        { class: "story" },
        this.title,
        this.mood,
        this.story,
        this.life,
        this.links,
        h("div", { class: "verify" }, h("p", {}, "Check the signatures from the chain alone:"), h("p", { class: "prompt" }, this.command, this.copy)),
      ),
      h("button", { class: "close", type: "button", "aria-label": "Close", on: { click: () => this.element.close() } }, "×"),
    );
    this.element.addEventListener("close", () => this.#closed());
    this.element.addEventListener("click", (event) => event.target === this.element && this.element.close());
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") this.#step(-1);
      if (event.key === "ArrowRight") this.#step(1);
    });
    this.copy.hidden = !navigator.clipboard;
    document.body.append(this.element);
  }

  open(key, view, tokenId, at = null) {
    const index = view.tokens.findIndex((token) => token.id === tokenId);
    if (index < 0) return;
    [this.#key, this.#view, this.#token, this.#at] = [key, view, index, at];
    this.#draw();
    if (!this.element.open) this.element.showModal();
    this.#scrollLife();
    this.title.focus({ preventScroll: true });
  }

  /** Show newer facts of the edition that is open; a past moment that a visitor looks at stays. */
  refresh(key, view) {
    if (key !== this.#key || !this.element.open) return;
    this.#view = view;
    this.#draw();
  }

  #closed() {
    this.#key = null;
    this.picture.show(null, "");
    history.replaceState(null, "", location.pathname + location.search);
  }

  #step(by) {
    const { length } = this.#view.tokens;
    this.#token = (this.#token + by + length) % length;
    this.#draw();
  }

  #draw() {
    const view = this.#view;
    const token = view.tokens[this.#token];
    const last = view.history.length - 1;
    const index = this.#at === null ? last : Math.min(this.#at, last);
    const repaint = view.history[index] ?? null;
    const now = this.#at === null || index === last;
    setText(this.title, token.name);
    this.picture.show(now ? token.image : repaint.images[this.#token], token.name);
    this.element.style.setProperty("--band", bandColour(repaint ? repaint.band : view.band, view.bands));
    setText(this.mood, this.#moodText(repaint, now));
    this.#drawStory(token, repaint);
    this.#drawLife(index);
    this.#drawLinks(token, repaint, now);
    this.previous.hidden = this.next.hidden = view.tokens.length < 2;
    history.replaceState(null, "", `#token-${this.#key}-${token.id}`);
  }

  #moodText(repaint, now) {
    const view = this.#view;
    if (!repaint) return "Not painted yet: it waits for the reveal and the first report";
    const band = `${bandName(view, repaint.band)} · band ${repaint.band + 1} of ${view.bands}`;
    return now ? band : `As it was ${when(repaint)} · ${band}`;
  }

  #drawStory(token, repaint) {
    const view = this.#view;
    const rows = [];
    if (repaint) {
      const moved =
        repaint.band === repaint.previous_band
          ? "its first painting, or its feed's heartbeat"
          : `the vault crossed from ${bandName(view, repaint.previous_band)} to ${bandName(view, repaint.band)}`;
      rows.push(["Changed", when(repaint)], ["Because", moved]);
      if (repaint.answer !== null) rows.push(["Answer", `${percent(repaint.answer)} against the basis`]);
      rows.push(
        ["Signed by", count(repaint.signers.length, "node")],
        ["Landed in", `block ${group(repaint.block)} · ${brief(repaint.tx)}`],
      );
    }
    if (token.owner) rows.push(["Owner", brief(token.owner)]);
    rows.push(["Token", `${token.id} of ${brief(view.collection)}`]);
    this.story.replaceChildren(...rows.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]));
  }

  #drawLife(shown) {
    const { history: repaints } = this.#view;
    const focused = this.life.contains(document.activeElement);
    this.life.hidden = repaints.length < 2;
    this.life.replaceChildren(
      ...repaints.map((repaint, index) =>
        h(
          "button",
          {
            class: "leaf",
            type: "button",
            "aria-pressed": String(index === shown),
            "aria-label": `${when(repaint)}: ${bandName(this.#view, repaint.band)}`,
            style: { "--band": bandColour(repaint.band, this.#view.bands) },
            on: { click: () => this.#look(index) },
          },
          h("img", { src: contentPath(repaint.images[this.#token]), alt: "", decoding: "async" }),
        ),
      ),
    );
    if (focused) this.life.children[shown]?.focus({ preventScroll: true });
    this.#scrollLife();
  }

  #scrollLife() {
    const leaf = this.life.querySelector('[aria-pressed="true"]');
    if (leaf) this.life.scrollLeft = leaf.offsetLeft - this.life.offsetLeft - this.life.clientWidth / 2;
  }

  #look(index) {
    this.#at = index === this.#view.history.length - 1 ? null : index;
    this.#draw();
  }

  #drawLinks(token, repaint, now) {
    const metadata = now ? token.metadata : repaint.metadata?.[this.#token];
    const image = now ? token.image : repaint.images[this.#token];
    const links = [
      ["Metadata", metadata],
      ["Image file", image],
      ["Content root", repaint ? `/ipfs/${repaint.root}` : `/ipfs/${this.#view.root}`],
    ];
    this.links.replaceChildren(
      ...links
        .filter(([, path]) => contentPath(path))
        .map(([text, path]) => h("a", { href: contentPath(path), target: "_blank", rel: "noopener" }, text)),
    );
    this.command.closest(".verify").hidden = !repaint;
    if (repaint) setText(this.command, `patina report ${this.#view.feed.id} ${repaint.checkpoint} --json`);
  }

  async #copyCommand() {
    try {
      await navigator.clipboard.writeText(this.command.textContent);
      setText(this.copy, "Copied");
    } catch {
      getSelection().selectAllChildren(this.command);
      setText(this.copy, "Selected");
    }
    setTimeout(() => setText(this.copy, "Copy"), 2000);
  }
}

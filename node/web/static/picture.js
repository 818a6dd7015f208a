// A picture on the wall that dissolves into the next when it is repainted.

import { contentPath, h } from "./dom.js";

const DISSOLVE_MS = 1800;
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

/** A frame that holds one picture: `show(path, alt)` hangs it, dissolving from the one before. */
export class Picture {
  constructor(lazy = true) {
    this.element = h("span", { class: "canvas" });
    this.path = null;
    this.lazy = lazy;
  }

  show(path, alt) {
    const safe = contentPath(path);
    if (safe === this.path) {
      if (this.element.lastElementChild) this.element.lastElementChild.alt = alt;
      return false;
    }
    const first = this.path === null;
    this.path = safe;
    if (safe === null) {
      this.element.replaceChildren();
      return false;
    }
    const lazy = first && this.lazy ? "lazy" : "eager";
    const image = h("img", { alt, decoding: "async", loading: lazy, draggable: "false", src: safe });
    if (first) this.element.replaceChildren(image);
    else this.#dissolve(image);
    return !first;
  }

  async #dissolve(image) {
    try {
      await image.decode();
    } catch {
      // Not there yet, or not a picture: hang it all the same, the browser says what is wrong.
    }
    if (image.getAttribute("src") !== this.path) return; // overtaken by a newer one
    const before = [...this.element.children];
    this.element.append(image);
    if (!still.matches) {
      const fade = image.animate([{ opacity: 0 }, { opacity: 1 }], { duration: DISSOLVE_MS, easing: "ease-in-out" });
      await fade.finished.catch(() => undefined);
    }
    for (const old of before) old.remove();
  }
}

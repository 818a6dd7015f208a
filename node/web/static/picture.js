// A picture on the wall that dissolves into the next when it is repainted.

import { contentPath, h } from "./dom.js";

const DISSOLVE_MS = 1800;
const AGAIN_MS = [2000, 5000, 15_000, 60_000]; // content may come to a node after the news of it
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
    const image = this.#image(alt, first && this.lazy ? "lazy" : "eager", 0);
    image.src = safe;
    if (first) this.element.replaceChildren(image);
    else this.#dissolve(image);
    return !first;
  }

  #image(alt, loading, tried) {
    const image = h("img", { alt, decoding: "async", loading, draggable: "false" });
    const path = this.path;
    image.addEventListener("load", () => this.element.classList.remove("absent"), { once: true });
    image.addEventListener("error", () => {
      if (this.path !== path) return;
      this.element.classList.add("absent");
      if (tried >= AGAIN_MS.length) return;
      setTimeout(() => {
        if (this.path !== path || !this.element.isConnected) return;
        const again = this.#image(image.alt, "eager", tried + 1);
        again.src = path;
        this.element.replaceChildren(again);
      }, AGAIN_MS[tried]);
    });
    return image;
  }

  async #dissolve(image) {
    try {
      await image.decode();
    } catch {
      // Not there yet, or not a picture: hang it all the same, the frame says that it is missing.
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

// A picture on the wall that dissolves into the next when it is repainted.

import { contentPath, h, smallPath } from "./dom.js";

const DISSOLVE_MS = 1800;
const AGAIN_MS = [2000, 5000, 15_000, 60_000]; // content may come to a node after the news of it
// On a phone half the size is said: a quarter of the bytes, and no eye sees it at that size (node/web/firsts.py).
const SIZES = "(max-width: 36rem) 85px, 270px";
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

/** A frame that holds one picture: `show(path, alt)` hangs it, dissolving from the one before. */
export class Picture {
  /** `wall`: one of many on a wall, fetched when it comes near and no larger than it hangs. */
  constructor(wall = true) {
    this.element = h("span", { class: "canvas" });
    this.path = null;
    this.wall = wall;
    this.given = null;
  }

  /** Take over the image that the page came with, so that it is neither fetched nor drawn again. */
  adopt(image) {
    this.given = image;
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
    const image = this.#image(alt, first && this.wall ? "lazy" : "eager", 0);
    if (first) this.element.replaceChildren(image);
    else this.#dissolve(image);
    return !first;
  }

  #image(alt, loading, tried) {
    const path = this.path;
    const held = this.given?.getAttribute("src") === path ? this.given : null;
    this.given = null;
    const image = held ?? h("img", { decoding: "async", loading, draggable: "false" });
    image.alt = alt;
    image.addEventListener("load", () => this.element.classList.remove("absent"), { once: true });
    image.addEventListener("error", () => {
      if (this.path !== path) return;
      this.element.classList.add("absent");
      if (tried >= AGAIN_MS.length) return;
      setTimeout(() => {
        if (this.path !== path || !this.element.isConnected) return;
        const again = this.#image(image.alt, "eager", tried + 1);
        this.element.replaceChildren(again);
      }, AGAIN_MS[tried]);
    });
    if (held?.complete && held.naturalWidth === 0) held.dispatchEvent(new Event("error")); // failed before it was ours
    else if (!held) this.#fetch(image, path);
    return image;
  }

  #fetch(image, path) {
    const small = smallPath(path, 256);
    if (this.wall && small !== path) Object.assign(image, { sizes: SIZES, srcset: `${small} 256w, ${path} 512w` });
    image.src = path;
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

// Builds elements from plain values: text stays text, and no string ever becomes markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "style") {
      for (const [property, setting] of Object.entries(value)) element.style.setProperty(property, setting);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** An HTML element: `h("p", {class: "x", on: {click}}, "text", child)`. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element, in the same way. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** A path for `src` or `href`, or null unless it is one of this server's own content paths. */
export function contentPath(path) {
  return typeof path === "string" && /^\/ipfs\/[a-z2-7]+(\/[^?#]*)?$/.test(path) ? path : null;
}

/** A content path's picture with at least `width` pixels a side, 128 or 256; null as above. */
export function smallPath(path, width) {
  const safe = contentPath(path);
  return safe?.endsWith(".png") ? safe.replace("/ipfs/", `/small/${width}/`) : safe;
}

/** `src` and what goes with it for a picture that is shown small, `sizes` saying how wide. */
export function smallPicture(path, sizes) {
  const safe = contentPath(path);
  const [least, less] = [smallPath(path, 128), smallPath(path, 256)];
  return least === safe ? { src: safe } : { sizes, srcset: `${least} 128w, ${less} 256w`, src: less };
}

/** Set text only where it differs, so that screen readers and selections are left in peace. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Write a command into an element, its short words unbroken at the ends of lines. */
export function setCommand(element, words) {
  const text = words.join(" ");
  if (element.textContent === text) return;
  const parts = words.map((word) => (word.length < 24 ? h("span", { class: "arg" }, word) : word));
  element.replaceChildren(...parts.flatMap((part, index) => (index ? [" ", part] : [part])));
}

// SPDX-License-Identifier: Apache-2.0
// Build elements, and bring what is shown up to date. Whatever comes from outside becomes text or an attribute, never
// markup.

/** Make an element: `h("a.quiet", { href }, "text", child)`; a property that is a function becomes a listener. */
export function h(what, properties = {}, ...children) {
  const [name, ...classes] = what.split(".");
  const element = document.createElement(name);
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") {
      element.addEventListener(key, value);
    } else if (value === true) {
      element.setAttribute(key, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Make an element of a drawing, `drawing("rect", { width: 3 })`; its size comes from the style sheet. */
export function drawing(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/**
 * Make an element's children be these, changing only what differs: focus, selection and a playing video stay.
 * An element with the attribute `data-keep` is left as it is while the attribute is the same.
 */
export function show(element, ...children) {
  patchChildren(element, h("div", {}, ...children));
}

function patchChildren(element, wanted) {
  const old = [...element.childNodes];
  const next = [...wanted.childNodes];
  next.forEach((node, position) => (position < old.length ? patch(old[position], node) : element.append(node)));
  old.slice(next.length).forEach((node) => node.remove());
}

function patch(old, next) {
  if (old.nodeName !== next.nodeName || old.dataset?.keep !== next.dataset?.keep) {
    old.replaceWith(next);
  } else if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== next.data) {
      old.data = next.data;
    }
  } else if (!old.dataset.keep) {
    patchAttributes(old, next);
    patchChildren(old, next);
  }
}

function patchAttributes(old, next) {
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name)) {
      old.removeAttribute(name);
    }
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }
}

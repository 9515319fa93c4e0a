// SPDX-License-Identifier: Apache-2.0
// Small pictures of what was made. They are loaded when they come into view, and few at a time: each costs a request to
// Airflow, which may have to sign an address, and the beginning of a video.
import { h } from "./dom.js";

const AT_ONCE = 2;
const LONGEST_WAIT = 15_000; // milliseconds; a server that hangs must not keep the others waiting

const waiting = [];
let loading = 0;

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) {
      seen.unobserve(target);
      waiting.push(target);
    }
  }
  next();
});

/** The place of a picture, for `loadThumbnails`. */
export function thumbnail(kind, address) {
  return h("span.thumbnail", { "data-keep": `${kind} ${address}`, "data-kind": kind, "data-address": address, "aria-hidden": "true" });
}

/** Load the pictures within an element that have not been, when they come into view. */
export function loadThumbnails(root) {
  for (const place of root.querySelectorAll(".thumbnail:not(.known)")) {
    place.classList.add("known");
    seen.observe(place);
  }
}

function next() {
  while (loading < AT_ONCE && waiting.length) {
    const place = waiting.shift();
    if (place.isConnected) {
      loading += 1;
      load(place).finally(() => {
        loading -= 1;
        next();
      });
    }
  }
}

function load(place) {
  const { kind, address } = place.dataset;
  return new Promise((done) => {
    const ended = (ready) => () => {
      clearTimeout(timer);
      if (!ready) {
        media.removeAttribute("src");
        place.replaceChildren();
      }
      done();
    };
    const timer = setTimeout(() => ended(false)(), LONGEST_WAIT);
    const common = { src: address, error: () => ended(false)() };
    const media =
      kind === "image"
        ? h("img", { ...common, alt: "", load: () => ended(true)() })
        : h("video", { ...common, preload: "metadata", playsinline: true, tabindex: "-1" });
    if (kind !== "image") {
      media.muted = true;
      media.addEventListener("loadedmetadata", () => (media.currentTime = media.duration / 2 || 0));
      media.addEventListener("seeked", ended(true));
    }
    place.replaceChildren(media);
  });
}

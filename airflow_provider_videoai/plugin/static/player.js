// SPDX-License-Identifier: Apache-2.0
// What a job works on and what it made, as media in frames; playback.js has the controls, below the pictures.
import { h } from "./dom.js";
import { duration } from "./labels.js";
import { outlines } from "./regions.js";
import { retries } from "./retries.js";

/** Frame -> what makes its player: a player loads media as soon as it is made, so only one that is shown may be. */
const empty = new WeakMap();

/** Make the players of the frames that have come to be shown. */
export function fill(root) {
  for (const frame of root.querySelectorAll("div.frame")) {
    empty.get(frame)?.();
    empty.delete(frame);
  }
}

function sentence(text) {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/**
 * The frame of a player, for `fill`. `again(1)` is the address of the first try to get the media again when its address
 * was refused, as those of media expire; without it there is only a button. `regions` are drawn over the picture.
 * `kept` says that the page lists a copy.
 */
export function player({ kind, address, again = null, track = null, label, regions = [], kept = false }) {
  const frame = h("div.frame", { "data-keep": `${kind} ${address}` });
  const words = h("p.unplayable", { role: "status", tabindex: -1 });
  let media = null;
  let next = null;
  let marked = false;

  function report(why, seconds) {
    const when = seconds ? `The next try is in ${duration(Math.ceil(seconds))}.` : "Requesting it again …";
    words.textContent = `${sentence(why)} ${when}`;
  }

  async function failed() {
    const { address: other, why } = await next();
    if (other) {
      load(other);
    } else if (why) {
      giveUp(why);
    }
  }

  function load(from) {
    media.removeAttribute("src"); // the same address again is a change only then
    media.src = from;
  }

  function giveUp(why) {
    words.textContent = `This cannot be played. ${sentence(why)}${kept ? " A copy of it is listed below." : ""}`;
    marked = false;
    const retry = { type: "button", click: restart, "aria-label": `Try again: ${label}` };
    frame.classList.remove("sound");
    frame.replaceChildren(words, h("button", retry, "Try again"));
    frame.dispatchEvent(new Event("emptied")); // to the controls: media that is taken out of a page says nothing there
  }

  function restart() {
    next = retries(frame, again, report);
    words.textContent = "Requesting it again …";
    frame.replaceChildren(media, words);
    words.focus(); // the button that had the focus is gone
    if (again) {
      failed();
    } else {
      load(address);
    }
  }

  function loaded() {
    words.textContent = "";
    if (kind !== "image" && !marked) {
      marked = true;
      mark();
    }
  }

  // A file's name does not always say that it holds sound only.
  function mark() {
    if (!media.videoWidth) {
      const length = Number.isFinite(media.duration) ? `, ${duration(media.duration)}` : "";
      frame.classList.add("sound");
      frame.append(h("p.muted", {}, `Sound${length}`));
    } else if (regions.length) {
      frame.append(outlines(regions, { width: media.videoWidth, height: media.videoHeight }));
    }
  }

  empty.set(frame, () => {
    next = retries(frame, again, report);
    const subtitles = track && h("track", { kind: "subtitles", label: "Subtitles", src: track, default: true });
    const common = { src: address, error: failed };
    const timed = { preload: "metadata", playsinline: true, "aria-label": label, loadedmetadata: loaded };
    media = kind === "image" ? h("img", { ...common, alt: label, load: loaded }) : h(kind, { ...common, ...timed }, subtitles);
    frame.append(media, words);
  });
  return frame;
}

/** A frame with text instead of media. */
export function textFrame(text, kind = "words") {
  return h("div.frame", {}, h(`p.${kind}`, {}, text));
}

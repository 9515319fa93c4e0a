// SPDX-License-Identifier: Apache-2.0
// Players of what a job works on and of what it made.
import { h } from "./dom.js";

const FIRST_FRAME = "#t=0.1"; // a player without a poster shows the frame at this time instead

function tell(frame, text) {
  frame.replaceChildren(h("p.unplayable", {}, text));
}

/** Why media cannot be had, in the server's words where it gives any. */
async function reason(address) {
  try {
    const response = await fetch(address, { redirect: "manual" });
    return response.type === "opaqueredirect" ? null : (await response.json()).detail;
  } catch {
    return null;
  }
}

/**
 * A player in a frame. `again` is an address that asks for the media anew; it is tried once when the first fails, for
 * addresses of media expire.
 */
export function player({ kind, address, again = null, track = null, label }) {
  const frame = h("div.frame", { "data-keep": `${kind} ${address}` });
  let tried = false;

  async function failed() {
    if (again && !tried) {
      tried = true;
      media.src = again + (kind === "video" ? FIRST_FRAME : "");
      return;
    }
    const why = await reason(address);
    tell(frame, why ?? "This cannot be played: its address has expired, or the browser does not know its form.");
  }

  const subtitles = track && h("track", { kind: "subtitles", label: "Subtitles", src: track, default: true });
  const src = address + (kind === "video" ? FIRST_FRAME : "");
  const media =
    kind === "image"
      ? h("img", { src, alt: label, error: failed })
      : h(kind, { src, controls: true, preload: "metadata", playsinline: true, "aria-label": label, error: failed }, subtitles);
  frame.append(media);
  return frame;
}

/** A frame with words instead of media. */
export function words(text, kind = "words") {
  return h("div.frame", {}, h(`p.${kind}`, {}, text));
}


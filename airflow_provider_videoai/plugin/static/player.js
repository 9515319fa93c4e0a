// SPDX-License-Identifier: Apache-2.0
// Players of what a job works on and of what it made.
import { h } from "./dom.js";

const FIRST_FRAME = "#t=0.1"; // a player without a poster shows the frame at this time instead

/** Frame -> what makes its player: a player loads media as soon as it is made, so only one that is shown may be. */
const empty = new WeakMap();

/** Make the players of the frames that have come to be shown. */
export function fill(root) {
  for (const frame of root.querySelectorAll("div.frame")) {
    empty.get(frame)?.();
    empty.delete(frame);
  }
}

function explain(frame, text) {
  frame.replaceChildren(h("p.unplayable", {}, text));
}

/** Why media cannot be had, in the server's words if it gives any. */
async function reason(address) {
  try {
    // A redirect means that this page's API did its part; the media itself is elsewhere and need not be fetched again.
    const response = await fetch(address, { redirect: "manual" });
    return response.type === "opaqueredirect" ? null : (await response.json()).detail;
  } catch {
    return null;
  }
}

/**
 * The frame of a player, for `fill`. `again` is an address that requests the media again; it is tried once when the
 * first fails, for addresses of media expire.
 */
export function player({ kind, address, again = null, track = null, label }) {
  const frame = h("div.frame", { "data-keep": `${kind} ${address}` });
  const firstFrame = kind === "video" ? FIRST_FRAME : "";
  let tried = false;

  async function failed({ target: media }) {
    if (again && !tried) {
      tried = true;
      media.src = again + firstFrame;
      return;
    }
    const why = await reason(address);
    explain(frame, why ?? "This cannot be played: its address has expired, or the browser does not support its format.");
  }

  empty.set(frame, () => {
    const subtitles = track && h("track", { kind: "subtitles", label: "Subtitles", src: track, default: true });
    const common = { src: address + firstFrame, error: failed };
    const controls = { controls: true, preload: "metadata", playsinline: true, "aria-label": label };
    frame.append(
      kind === "image" ? h("img", { ...common, alt: label }) : h(kind, { ...common, ...controls }, subtitles),
    );
  });
  return frame;
}

/** A frame with text instead of media. */
export function textFrame(text, kind = "words") {
  return h("div.frame", {}, h(`p.${kind}`, {}, text));
}


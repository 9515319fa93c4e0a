// SPDX-License-Identifier: Apache-2.0
// What a job works on and what it made, as media in frames; playback.js has the controls, below the pictures.
import { h } from "./dom.js";
import { duration } from "./labels.js";
import { outlines } from "./regions.js";

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
 * first fails, for addresses of media expire. `regions` are drawn over the picture.
 */
export function player({ kind, address, again = null, track = null, label, regions = [] }) {
  const frame = h("div.frame", { "data-keep": `${kind} ${address}` });
  let tried = false;

  async function failed({ target: media }) {
    if (again && !tried) {
      tried = true;
      media.src = again;
      return;
    }
    const why = await reason(address);
    explain(frame, why ?? "This cannot be played: its address has expired, or the browser does not support its format.");
  }

  // A file's name does not always say that it holds sound only.
  function mark({ target: media }) {
    if (frame.childElementCount > 1) {
      return; // the media was requested again
    }
    if (!media.videoWidth) {
      const length = Number.isFinite(media.duration) ? `, ${duration(media.duration)}` : "";
      frame.classList.add("sound");
      frame.append(h("p.muted", {}, `Sound${length}`));
    } else if (regions.length) {
      frame.append(outlines(regions, { width: media.videoWidth, height: media.videoHeight }));
    }
  }

  empty.set(frame, () => {
    const subtitles = track && h("track", { kind: "subtitles", label: "Subtitles", src: track, default: true });
    const common = { src: address, error: failed };
    const media = { preload: "metadata", playsinline: true, "aria-label": label, loadedmetadata: mark };
    frame.append(kind === "image" ? h("img", { ...common, alt: label }) : h(kind, { ...common, ...media }, subtitles));
  });
  return frame;
}

/** A frame with text instead of media. */
export function textFrame(text, kind = "words") {
  return h("div.frame", {}, h(`p.${kind}`, {}, text));
}

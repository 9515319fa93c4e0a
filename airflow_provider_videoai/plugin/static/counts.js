// SPDX-License-Identifier: Apache-2.0
// How many items of a batch are in each state: a bar, and the same in words.
import { drawing } from "./dom.js";
import { STATES } from "./labels.js";

const WIDTH = 100;
const PARTS = ["succeeded", "skipped", "failed", "running", "queued"];

/** The states of a batch's items with their counts, in the order of the bar; without those that have none. */
export function parts(counts) {
  return PARTS.filter((state) => counts[state]).map((state) => [state, counts[state]]);
}

/** `9,988 of 10,000 done, 2 failed`. */
export function countsText(counts) {
  const said = (count) => count.toLocaleString("en");
  const done = counts.succeeded + counts.skipped;
  const others = ["failed", "running"].filter((state) => counts[state]);
  return [`${said(done)} of ${said(counts.items)} done`, ...others.map((state) => `${said(counts[state])} ${state}`)].join(", ");
}

/** The bar. What is there at all is at least so wide that it can be seen. */
export function countsBar(counts) {
  const present = parts(counts).map(([state, count]) => [state, Math.max(count / counts.items, 0.015)]);
  const sum = present.reduce((total, [, share]) => total + share, 0);
  let from = 0;
  const shapes = present.map(([state, share]) => {
    const width = (share / sum) * WIDTH;
    from += width;
    return drawing("rect", { class: state, x: from - width, width, height: 6 });
  });
  const label = parts(counts).map(([state, count]) => `${count.toLocaleString("en")} ${STATES[state].toLowerCase()}`);
  const look = { class: "shares", viewBox: `0 0 ${WIDTH} 6`, preserveAspectRatio: "none", role: "img" };
  return drawing("svg", { ...look, "aria-label": `Items: ${label.join(", ")}` }, ...shapes);
}

// SPDX-License-Identifier: Apache-2.0
// Lay the result over the input, and move the edge between them.
import { h } from "./dom.js";

const MIDDLE = 50; // per cent of the width

/** The choice of a section with two pictures: `element`, and `offer`, which shows or hides it. */
export function wipe(section, bar) {
  const on = h("input", { type: "checkbox", change: apply });
  const edge = h("input", { type: "range", min: 0, max: 100, step: 0.5, value: MIDDLE, "aria-label": "Edge", input: apply });
  const element = h("div.wipe", { hidden: true }, h("label", {}, on, "Wipe"), edge);

  function apply() {
    const wipes = on.checked && !element.hidden;
    bar.classList.toggle("wipes", wipes);
    edge.hidden = !wipes;
    edge.setAttribute("aria-valuetext", `input ${Math.round(edge.value)} %, result ${Math.round(100 - edge.value)} %`);
    // On the frames: the page's refreshes leave them as they are.
    for (const frame of section.querySelectorAll("div.frame")) {
      frame.style.setProperty("--edge-at", `${edge.value}%`);
    }
  }

  function offer(two) {
    if (element.hidden === two) {
      element.hidden = !two;
      apply(); // it stays chosen while one of them cannot be played, whose frame then says why
    }
  }

  apply();
  return { element, offer };
}

// SPDX-License-Identifier: Apache-2.0
// What a job was to do, as its page shows it.
import { drawing, h } from "./dom.js";
import { duration, operation, position } from "./labels.js";

const WIDTH = 100;
const AFTER = 1.25; // how long an input is is not known to the page: it is drawn a little longer than what is kept

/** Where a cut begins and ends in its input. */
function cutOut([start, end]) {
  const scale = WIDTH / (end * AFTER);
  const bar = (kind, from, to) => drawing("rect", { class: kind, x: from * scale, width: (to - from) * scale, height: 8 });
  const words = `${position(start)} to ${position(end)}, ${duration(end - start)}`;
  return h(
    "div.cut",
    {},
    drawing(
      "svg",
      { viewBox: `0 0 ${WIDTH} 8`, preserveAspectRatio: "none", "aria-hidden": "true" },
      bar("all", 0, end * AFTER),
      bar("kept", start, end),
    ),
    h("span", {}, words),
  );
}

/** The request as rows of a table: name and content. */
export function requestRows({ rows, cut }) {
  const fields = rows.map(([name, text]) => [operation(name), text]);
  return cut ? [["Kept of the input", cutOut(cut)], ...fields] : fields;
}

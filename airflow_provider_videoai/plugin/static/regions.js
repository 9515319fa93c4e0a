// SPDX-License-Identifier: Apache-2.0
// The regions of a request, drawn over its input.
import { drawing } from "./dom.js";
import { operation, position } from "./labels.js";

/** A region in words: its corners as given, and when it applies. */
function words({ field, box, seconds }) {
  const time = seconds ? `, ${position(seconds[0])} to ${position(seconds[1])}` : "";
  return `${operation(field)}: ${box.join(", ")}${time}`;
}

/** A drawing of the regions, to lie over a picture of this size; it scales as the picture does. */
export function outlines(regions, { width, height }) {
  const shapes = regions.map((region) => {
    const [x1, y1, x2, y2] = region.relative ? region.box.map((side, at) => side * (at % 2 ? height : width)) : region.box;
    const corners = { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
    return drawing("rect", { ...corners, "vector-effect": "non-scaling-stroke", class: region.field });
  });
  const label = `Regions of the request. ${regions.map(words).join(". ")}`;
  return drawing("svg", { class: "regions", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...shapes);
}

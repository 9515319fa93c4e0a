// SPDX-License-Identifier: Apache-2.0
// Tables of name and value, and values to copy.
import { h } from "./dom.js";
import { leadAirflow } from "./frame.js";

/** A button that copies a text; `what` names it for those who do not see the text beside it. */
export function copy(text, what) {
  async function click({ target }) {
    target.textContent = (await write(text)) ? "Copied" : "Not copied";
    setTimeout(() => (target.textContent = "Copy"), 1500);
  }
  return h("button.copy", { type: "button", click, "data-keep": text, "aria-label": `Copy ${what}` }, "Copy");
}

/** Copy a text; return whether the browser did it. */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without HTTPS, or in a frame that may not, there is still the old way.
    const field = h("textarea.aside", {}, text);
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}

/** A link to media, and a button that copies it: the address leads through this page, holds no secret, and stays. */
export function mediaLink(address) {
  const { href } = new URL(address, location.href);
  const opened = { href, target: "_blank", rel: "noopener noreferrer", "data-keep": href };
  const open = h("a", opened, "Open in a new tab");
  leadAirflow(open);
  return [open, copy(href, "link")];
}

/** A table of rows `[name, value]`; none without rows. */
export function table(caption, rows) {
  if (!rows.length) {
    return null;
  }
  const lines = rows.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)));
  return h("table.facts", {}, h("caption", {}, caption), h("tbody", {}, ...lines));
}

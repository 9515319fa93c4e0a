// SPDX-License-Identifier: Apache-2.0
// The theme's buttons that unfold a part of the navigation have no name of their own for a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("summary:has(> .toctree-toggle)")) {
    button.setAttribute("aria-label", `Pages of ${button.closest("li").querySelector("a").textContent}`);
  }
});

// SPDX-License-Identifier: Apache-2.0
// Look as Airflow looks: its colour scheme, and the colours and fonts of its theme, also if a user changed them.
// A plain script and not a module: it has to run before the first paint.
(() => {
  const TOKENS = [
    "fonts-body",
    "fonts-heading",
    "fonts-mono",
    ...["bg", "bg-subtle", "bg-muted", "bg-emphasized", "bg-panel", "fg", "fg-muted", "fg-subtle", "border"],
    ...["border-emphasized", "brand-solid", "brand-contrast", "brand-fg", "brand-focusRing"],
    ...["success-solid", "failed-solid", "running-solid", "queued-solid", "deferred-solid", "none-solid"],
  ].map((name) => (name.startsWith("fonts-") ? name : `colors-${name}`));

  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const airflow = frame();

  function frame() {
    try {
      return window.parent === window ? null : window.parent.document.documentElement;
    } catch {
      return null; // framed by a stranger: the Content-Security-Policy forbids it, so this is not reached in practice
    }
  }

  function isDark() {
    if (airflow) {
      return airflow.classList.contains("dark");
    }
    const chosen = localStorage.getItem("theme");
    return chosen === "dark" || (chosen !== "light" && system.matches);
  }

  function follow() {
    root.dataset.theme = isDark() ? "dark" : "light";
    const style = airflow && window.parent.getComputedStyle(airflow);
    for (const token of TOKENS) {
      const value = style ? style.getPropertyValue(`--chakra-${token}`).trim() : "";
      if (value) {
        root.style.setProperty(`--airflow-${token}`, value);
      } else {
        root.style.removeProperty(`--airflow-${token}`);
      }
    }
  }

  follow();
  system.addEventListener("change", follow);
  if (airflow) {
    const filter = { attributeFilter: ["class", "data-theme", "style"] };
    new MutationObserver(follow).observe(airflow, filter);
  }
})();

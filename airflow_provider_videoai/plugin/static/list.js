// SPDX-License-Identifier: Apache-2.0
// What both lists have, of jobs and of a batch's items: filters, counts of states, pages.
import { h, show } from "./dom.js";
import { STATES } from "./labels.js";

const TYPING = 300; // milliseconds after the last key, before a search begins

export function number(count) {
  return count.toLocaleString("en");
}

/** Fill a select; a value that is chosen and not among the entries is one of them all the same. */
export function options(select, label, entries, value) {
  const known = value && !entries.some(([key]) => key === value) ? [[value, value]] : [];
  const all = [["", label], ...known, ...entries];
  show(select, ...all.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  select.value = value;
}

/** A button that makes a choice; what it chooses is in its data. */
export function choice(changes, properties, ...children) {
  return h("button", { type: "button", "data-choice": JSON.stringify(changes), ...properties }, ...children);
}

/** A button for each state that there is, with how many are in it. */
export function stateButtons(counts, now) {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const present = Object.keys(STATES).filter((state) => counts[state] || state === now);
  return [["", "All", all], ...present.map((state) => [state, STATES[state], counts[state] ?? 0])].map(([state, label, count]) =>
    choice({ state }, { class: `state ${state}`, "aria-pressed": String(state === now) }, label, h("b", {}, number(count))),
  );
}

/** Which rows are shown, the way to the others, and a remark. */
export function pager({ page, pages: count, total, limit }, shown, remark) {
  const first = (page - 1) * limit;
  const said = total ? `${number(first + 1)} to ${number(first + shown)} of ${number(total)}` : "";
  const turn = (to, label) => choice({ page: to > 1 ? String(to) : "" }, { disabled: to < 1 || to > count }, label);
  return [
    h("span", { role: "status" }, said),
    ...(count > 1 ? [turn(page - 1, "Previous"), turn(page + 1, "Next")] : []),
    h("span.muted", {}, remark),
  ];
}

/** A text without what is secret in its URLs: what is chosen is part of addresses, and addresses are logged. */
function unsigned(text) {
  return text.replace(/(https?:\/\/)(?:[^\s/?#]*@)?([^\s?#]*)(?:[?#]\S*)?/gi, "$1$2");
}

/** Make the choices of a page's filters and buttons, then run `now`. */
export function followChoices({ main, filters, chosen, choose, now }) {
  let typing = null;

  function changed({ target }) {
    clearTimeout(typing);
    const value = unsigned(target.value);
    if ((chosen.get(target.name) ?? "") !== value) {
      choose({ [target.name]: value });
      now();
    }
  }

  filters.search.value = chosen.get("search") ?? "";
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("change", changed);
  filters.addEventListener("input", (event) => {
    if (event.target === filters.search) {
      clearTimeout(typing);
      typing = setTimeout(() => changed(event), TYPING);
    }
  });
  main.addEventListener("click", (event) => {
    const maker = event.target.closest("[data-choice]");
    if (maker && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      choose(JSON.parse(maker.dataset.choice));
      filters.search.value = chosen.get("search") ?? "";
      now();
    }
  });
}

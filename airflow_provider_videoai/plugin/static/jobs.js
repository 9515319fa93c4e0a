// SPDX-License-Identifier: Apache-2.0
// The list of all video jobs: what is chosen, how many there are, one page of them.
import { choose, chosen } from "./choice.js";
import { fetchJson, whileVisible } from "./polling.js";
import { h, show } from "./dom.js";
import { leadAirflowFrom } from "./frame.js";
import { STATES, run } from "./labels.js";
import { notice } from "./parts.js";
import { table } from "./jobs-table.js";

const EVERY = 3; // seconds; a poll reads what Airflow stored, and never reaches a vendor
const TYPING = 300; // milliseconds after the last key, before a search begins
const SORTS = { oldest: "Oldest first", failed: "Failed first", task: "By task" };
const NARROWED = { run_id: (id) => `Run ${run(id)}`, task_id: (id) => `Task ${id}` };

const [main, filters, narrowed, states, jobs, pages] = ["main", "filters", "narrowed", "states", "jobs", "pages"].map(
  (id) => document.getElementById(id),
);

function options(select, label, entries) {
  const value = chosen.get(select.name) ?? "";
  const known = value && !entries.some(([key]) => key === value) ? [[value, value]] : [];
  const all = [["", label], ...known, ...entries];
  show(select, ...all.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  select.value = value;
}

function number(count) {
  return count.toLocaleString("en");
}

/** A button that makes a choice; what it chooses is in its data. */
function choice(changes, properties, ...children) {
  return h("button", { type: "button", "data-choice": JSON.stringify(changes), ...properties }, ...children);
}

/** What only an address can choose, each with a button that takes it back. */
function chips() {
  const names = Object.keys(NARROWED).filter((name) => chosen.has(name));
  return names.map((name) =>
    choice({ [name]: "" }, { "aria-label": `${NARROWED[name](chosen.get(name))}: show all` }, NARROWED[name](chosen.get(name)), h("span", {}, " ×")),
  );
}

function stateButtons(counts) {
  const now = chosen.get("state") ?? "";
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const present = Object.keys(STATES).filter((state) => counts[state] || state === now);
  return [["", "All", all], ...present.map((state) => [state, STATES[state], counts[state] ?? 0])].map(([state, label, count]) =>
    choice({ state }, { class: `state ${state}`, "aria-pressed": String(state === now) }, label, h("b", {}, number(count))),
  );
}

function pager({ page, pages: count, total, jobs: shown, more }, size) {
  const first = (page - 1) * size;
  const said = total ? `${number(first + 1)} to ${number(first + shown.length)} of ${number(total)}` : "";
  const older = more ? "These are the newest; older ones appear if you choose a DAG, or a run in the address." : "";
  const turn = (to, label) => choice({ page: to > 1 ? String(to) : "" }, { disabled: to < 1 || to > count }, label);
  return [
    h("span", { role: "status" }, said),
    ...(count > 1 ? [turn(page - 1, "Previous"), turn(page + 1, "Next")] : []),
    h("span.muted", {}, older),
  ];
}

function none({ known }) {
  if (!known) {
    return notice("No such DAG", `There is no DAG “${chosen.get("dag_id")}”, or you may not read it.`);
  }
  return [...chosen].length
    ? notice("No job matches", "Change or clear the filters above.")
    : notice("No video jobs yet", "Run a DAG with an operator of this provider: its jobs appear here.");
}

function display(answer) {
  options(filters.dag_id, "All DAGs", answer.dag_ids.map((id) => [id, id]));
  options(filters.vendor, "All vendors", Object.entries(answer.vendors));
  options(filters.sort, "Newest first", Object.entries(SORTS));
  filters.classList.add("ready");
  show(narrowed, ...chips());
  show(states, ...stateButtons(answer.states));
  show(jobs, answer.jobs.length ? table(answer.jobs) : none(answer));
  show(pages, ...pager(answer, answer.limit));
}

async function refresh() {
  const query = String(chosen);
  try {
    const answer = await fetchJson(`api/jobs?${query}`);
    // Else another choice was made meanwhile, and its response may be here already.
    if (query === String(chosen)) {
      display(answer);
    }
  } catch (refusal) {
    if (refusal.passes && jobs.childElementCount) {
      return true;
    }
    filters.classList.remove("ready");
    [narrowed, states, pages].forEach((part) => show(part));
    show(jobs, notice(refusal.status === 403 ? "No access" : "Nothing to show", refusal.message));
    return refusal.passes;
  }
  return true;
}

filters.search.value = chosen.get("search") ?? "";
const now = whileVisible(EVERY, refresh);
let typing = null;

function changed({ target }) {
  clearTimeout(typing);
  if ((chosen.get(target.name) ?? "") !== target.value) {
    choose({ [target.name]: target.value });
    now();
  }
}

filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("change", changed);
filters.addEventListener("input", (event) => {
  if (event.target === filters.search) {
    clearTimeout(typing);
    typing = setTimeout(() => changed(event), TYPING);
  }
});

leadAirflowFrom(main);
main.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-choice]");
  if (button) {
    choose(JSON.parse(button.dataset.choice));
    now();
    return;
  }
  // A whole row is a link, but not for someone who marks text in it to copy it.
  if (!target.closest("a") && !getSelection().toString()) {
    target.closest("tbody tr")?.querySelector(".task a").click();
  }
});

// SPDX-License-Identifier: Apache-2.0
// The list of all video jobs: what is chosen, how many there are, one page of them.
import { LIST, choices } from "./choice.js";
import { fetchJson, whileVisible } from "./polling.js";
import { h, show } from "./dom.js";
import { leadAirflowFrom } from "./frame.js";
import { run } from "./labels.js";
import { choice, followChoices, number, options, pager, stateButtons } from "./list.js";
import { notice } from "./parts.js";
import { table } from "./jobs-table.js";

const EVERY = 3; // seconds; a poll reads what Airflow stored, and never reaches a vendor
const SORTS = { oldest: "Oldest first", failed: "Failed first", task: "By task" };
const NARROWED = { run_id: (id) => `Run ${run(id)}`, task_id: (id) => `Task ${id}` };
const NOTHING_CHOSEN = Object.fromEntries(LIST.map((name) => [name, ""]));

const { chosen, choose } = choices(LIST);
const [main, filters, narrowed, states, jobs, pages] = ["main", "filters", "narrowed", "states", "jobs", "pages"].map(
  (id) => document.getElementById(id),
);

/** What only an address can choose, each with a button that takes it back. */
function chips() {
  const names = Object.keys(NARROWED).filter((name) => chosen.has(name));
  return names.map((name) => {
    const what = NARROWED[name](chosen.get(name));
    return choice({ [name]: "" }, { "aria-label": `${what}: show all`, title: what }, h("span.what", {}, what), h("span", {}, "×"));
  });
}

function more(count) {
  return count && `These are the newest ${number(count)} tasks; older ones appear if you choose a DAG, or a run in the address.`;
}

function none({ known }) {
  if (!known) {
    return notice("No such DAG", `There is no DAG “${chosen.get("dag_id")}”, or you may not read it.`);
  }
  return [...chosen].length
    ? notice("No job matches", "Change or clear the filters above.")
    : notice("No video jobs yet", "Run a DAG with an operator of this provider: its jobs appear here.");
}

function offer(select, label, entries) {
  options(select, label, entries, chosen.get(select.name) ?? "");
}

function display(answer) {
  offer(filters.dag_id, "All DAGs", answer.dag_ids.map((id) => [id, id]));
  offer(filters.vendor, "All vendors", Object.entries(answer.vendors));
  offer(filters.sort, "Newest first", Object.entries(SORTS));
  filters.classList.add("ready");
  show(narrowed, ...chips());
  show(states, ...stateButtons(answer.states, chosen.get("state") ?? ""));
  show(jobs, answer.jobs.length ? table(answer.jobs) : none(answer));
  show(pages, ...pager(answer, answer.jobs.length, more(answer.more) ?? ""));
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
    // What is wrong with a choice can be put right by another one.
    const wrong = refusal.status === 422;
    if (!wrong) {
      filters.classList.remove("ready");
    }
    [narrowed, states, pages].forEach((part) => show(part));
    const all = wrong && choice(NOTHING_CHOSEN, {}, "Show all jobs");
    show(jobs, notice(refusal.status === 403 ? "No access" : "Nothing to show", refusal.message, all));
    return refusal.passes;
  }
  return true;
}

const now = whileVisible(EVERY, refresh);
followChoices({ main, filters, chosen, choose, now });
leadAirflowFrom(main);
main.addEventListener("click", ({ target }) => {
  // A whole row is a link, but not for someone who marks text in it to copy it.
  if (!target.closest("a, button") && !getSelection().toString()) {
    target.closest("tbody tr")?.querySelector(".task a").click();
  }
});

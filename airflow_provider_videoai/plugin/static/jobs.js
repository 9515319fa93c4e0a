// SPDX-License-Identifier: Apache-2.0
// The list of all video jobs.
import { fetchJson, whileVisible } from "./polling.js";
import { h, show } from "./dom.js";
import { jobAddress } from "./frame.js";
import { badge, notice, progress, time } from "./parts.js";
import { STATES, operation, run } from "./labels.js";

const EVERY = 3; // seconds; a poll reads what Airflow stored, and never reaches a vendor
const PAGE = 50;
const MOST = 500; // the API refuses more

const main = document.getElementById("main");
const filters = document.getElementById("filters");
const chosen = new URLSearchParams(location.search);
let limit = PAGE;

function cell(name, ...children) {
  return h(`td.${name}`, { "data-name": name }, ...children);
}

function line(job) {
  const mapped = job.map_index >= 0 ? h("span.index", { title: "map index" }, `[${job.map_index}]`) : null;
  const many = job.jobs > 1 ? h("span.index", {}, `${job.jobs} jobs`) : null;
  return h(
    "tr",
    {},
    cell("state", badge(job.state)),
    cell("task", h("a", { href: jobAddress(job) }, job.task_id), mapped, many),
    cell("dag", job.dag_id),
    cell("run", h("span", { title: job.run_id }, run(job.run_id))),
    cell("vendor", job.vendor_name),
    cell("operation", operation(job.operation)),
    cell("progress", progress(job)),
    cell("age", time(job.submitted_at)),
  );
}

function table(answer) {
  const names = ["State", "Task", "DAG", "Run", "Vendor", "Operation", "Progress", "Age"];
  return h(
    "table.jobs",
    {},
    h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...answer.jobs.map(line)),
  );
}

function more(answer) {
  if (!answer.more) {
    return null;
  }
  return limit < MOST
    ? h("button.more", { type: "button" }, "Show more")
    : h("p.muted", {}, `These are the newest ${MOST}. Filter to see others.`);
}

function options(select, label, entries) {
  const value = chosen.get(select.name) ?? "";
  const known = value && !entries.some(([key]) => key === value) ? [[value, value]] : [];
  const all = [["", label], ...known, ...entries];
  show(select, ...all.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  select.value = value;
}

function none() {
  return [...chosen].length
    ? notice("No job matches", "Change or clear the filters above.")
    : notice("No video jobs yet", "Run a DAG with an operator of this provider: its jobs appear here.");
}

async function refresh() {
  try {
    const answer = await fetchJson(`api/jobs?${new URLSearchParams([...chosen, ["limit", limit]])}`);
    options(filters.dag_id, "All DAGs", answer.dag_ids.map((id) => [id, id]));
    options(filters.vendor, "All vendors", Object.entries(answer.vendors));
    options(filters.state, "All states", Object.entries(STATES));
    filters.classList.add("ready");
    show(main, answer.jobs.length ? table(answer) : none(), more(answer));
  } catch (refusal) {
    if (refusal.passes && main.childElementCount) {
      return true;
    }
    filters.classList.remove("ready");
    show(main, notice(refusal.status === 403 ? "No access" : "Nothing to show", refusal.message));
    return refusal.passes;
  }
  return true;
}

const now = whileVisible(EVERY, refresh);

filters.addEventListener("change", ({ target }) => {
  if (target.value) {
    chosen.set(target.name, target.value);
  } else {
    chosen.delete(target.name);
  }
  limit = PAGE;
  // A reload, or the way back from a job, keeps the filters.
  history.replaceState(null, "", `?${chosen}`);
  now();
});

main.addEventListener("click", ({ target }) => {
  if (target.closest("button.more")) {
    limit = Math.min(limit + PAGE, MOST);
    now();
    return;
  }
  // A whole row is a link, but not for someone who marks text in it to copy it.
  if (!target.closest("a") && !getSelection().toString()) {
    target.closest("tbody tr")?.querySelector("a").click();
  }
});

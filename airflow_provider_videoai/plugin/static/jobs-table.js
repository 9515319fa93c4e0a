// SPDX-License-Identifier: Apache-2.0
// The table of jobs; a batch of them is one row.
import { h } from "./dom.js";
import { countsBar, countsText } from "./counts.js";
import { batchAddress, jobAddress, runAddress } from "./frame.js";
import { badge, progress, time } from "./parts.js";
import { operation, run } from "./labels.js";

const COLUMNS = ["State", "Task", "DAG", "Run", "Vendor", "Operation", "Progress", "Age"];

function cell(name, ...children) {
  return h(`td.${name}`, { "data-name": name }, ...children);
}

function task(job) {
  const label = job.map_label !== null ? h("span.index", { title: `map index ${job.map_index}` }, `[${job.map_label}]`) : null;
  const many = job.jobs > 1 ? h("span.index", {}, `${job.jobs.toLocaleString("en")} ${job.batch ? "items" : "jobs"}`) : null;
  const sensor = job.watched_by && h("a.watcher", { href: jobAddress(job.watched_by) }, `seen by ${job.watched_by.task_id}`);
  return cell("task", h("a", { href: job.batch ? batchAddress(job) : jobAddress(job) }, job.task_id), label, many, sensor);
}

function course(job) {
  if (job.batch?.items) {
    return h("div.counts", {}, countsBar(job.batch), h("span.muted", {}, countsText(job.batch)));
  }
  return job.reason ? h("span.reason", { title: job.reason }, job.reason) : progress(job);
}

function line(job) {
  return h(
    "tr",
    {},
    cell("state", badge(job.state)),
    task(job),
    cell("dag", h("a.airflow", { href: runAddress({ dag_id: job.dag_id }) }, job.dag_id)),
    cell("run", h("a.airflow", { href: runAddress(job), title: job.run_id }, run(job.run_id))),
    cell("vendor", job.vendor_name),
    cell("operation", operation(job.operation)),
    cell("progress", course(job)),
    cell("age", time(job.submitted_at)),
  );
}

/** The table of these jobs. */
export function table(jobs) {
  return h(
    "table.jobs",
    {},
    h("thead", {}, h("tr", {}, ...COLUMNS.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...jobs.map(line)),
  );
}

// SPDX-License-Identifier: Apache-2.0
// The top of a page of one task: where it is, what it is, and the way back to Airflow.
import { h } from "./dom.js";
import { leadAirflow, taskAddress } from "./frame.js";
import { operation, run } from "./labels.js";
import { badge } from "./parts.js";

export function crumbs(key) {
  const mapped = Number(key.map_index) >= 0 ? ` [${key.map_index}]` : "";
  return h(
    "nav.crumbs",
    { "aria-label": "Where this is" },
    h("a", { href: "jobs" }, "Video jobs"),
    h("span", {}, key.dag_id),
    h("span", { title: key.run_id }, run(key.run_id)),
    h("span", {}, key.task_id + mapped),
  );
}

export function heading(job, kind) {
  const link = h("a.button", { href: taskAddress(job), "data-keep": "task" }, "Open task");
  leadAirflow(link);
  return h(
    "header.title",
    {},
    h("h1", {}, operation(job.operation) || kind, h("small", {}, job.vendor_name)),
    badge(job.state),
    link,
  );
}

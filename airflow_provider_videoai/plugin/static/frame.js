// SPDX-License-Identifier: Apache-2.0
// Airflow's window around this page: read its address, and lead it elsewhere. Airflow itself keeps its address up to
// date with what the frame shows.

const framed = window.parent !== window;
const names = ["dag_id", "run_id", "task_id", "map_index"];

/** The root of Airflow's UI, without a slash at its end. */
export const airflowRoot = location.pathname.replace(/\/video-jobs\/[^/]*$/, "");

/** The query of Airflow's window: links to this page carry the job there. */
export function airflowQuery() {
  return new URLSearchParams((framed ? window.parent : window).location.search);
}

/** The task that a query names, or null. */
export function jobKey(query) {
  if (!query.get("dag_id") || !query.get("run_id") || !query.get("task_id")) {
    return null;
  }
  const key = Object.fromEntries(names.map((name) => [name, query.get(name)]));
  // A tab on a task that is not mapped gets no index from Airflow, but its own placeholder for one.
  const region = query.get("region_id");
  return { ...key, ...(region && { region_id: region }), map_index: /^\d+$/.test(key.map_index) ? key.map_index : "-1" };
}

function jobQuery(key) {
  const given = [...names, "region_id"].filter((name) => key[name] !== undefined);
  return new URLSearchParams(given.map((name) => [name, key[name]])).toString();
}

/** The address of a job's page, from within this page. */
export function jobAddress(key) {
  return `job?${jobQuery(key)}`;
}

/** The address of a batch's page, from within this page; of one of its items as well. */
export function batchAddress(key, more = {}) {
  return `batch?${new URLSearchParams([...new URLSearchParams(jobQuery(key)), ...Object.entries(more)])}`;
}

/** The address of a job in this page's API, or of what belongs to it: `jobApi(key, "/result", { job: 0 })`. */
export function jobApi(key, what = "", query = {}) {
  return taskApi("jobs", key, what, query);
}

/** The same of a batch. */
export function batchApi(key, what = "", query = {}) {
  return taskApi("batches", key, what, query);
}

function taskApi(kind, key, what, query) {
  const path = names.map((name) => encodeURIComponent(key[name])).join("/");
  const region = key.region_id ? { region_id: key.region_id } : {};
  const search = new URLSearchParams({ ...query, ...region }).toString();
  return `api/${kind}/${path}${what}${search && "?"}${search}`;
}

/** The address of a task in Airflow's own UI. */
export function taskAddress(key) {
  const [dag, run, task, index] = names.map((name) => encodeURIComponent(key[name]));
  const mapped = Number(index) >= 0 ? `/mapped/${index}` : "";
  return `${airflowRoot}/dags/${dag}/runs/${run}/tasks/${task}${mapped}`;
}

/** The address of a run, or without one of a DAG, in Airflow's own UI. */
export function runAddress({ dag_id, run_id }) {
  const run = run_id === undefined ? "" : `/runs/${encodeURIComponent(run_id)}`;
  return `${airflowRoot}/dags/${encodeURIComponent(dag_id)}${run}`;
}

/** Make a query part of this page's address, and of that of Airflow's window, which notices only a page that loads. */
export function keepQuery(query) {
  for (const { history, location } of framed ? [window, window.parent] : [window]) {
    const search = String(query) && `?${query}`;
    history.replaceState(history.state, "", location.pathname + search);
  }
}

/** Let a link lead Airflow's whole window: the frame's sandbox forbids that to a link inside it. */
export function leadAirflow(link) {
  link.addEventListener("click", (event) => leadThere(event, link));
}

/** The same for all links of the class `airflow` within an element, also for those that it gets later. */
export function leadAirflowFrom(element) {
  element.addEventListener("click", (event) => {
    const link = event.target.closest("a.airflow");
    if (link) {
      leadThere(event, link);
    }
  });
}

function leadThere(event, link) {
  if (!framed || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  event.preventDefault();
  const outside = window.parent.document.createElement("a");
  Object.assign(outside, { href: link.href, target: link.target, rel: link.rel });
  window.parent.document.body.append(outside);
  outside.click();
  outside.remove();
}

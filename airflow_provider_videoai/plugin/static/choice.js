// SPDX-License-Identifier: Apache-2.0
// What is chosen in the list. It is kept in the page's own address and in that of Airflow's window, so that it survives
// a reload, and the address can be shared.
import { keepQuery } from "./frame.js";

const NAMES = ["dag_id", "run_id", "task_id", "vendor", "state", "search", "sort", "page"];

/** What a query chooses, as a query without anything else. */
export function chosenIn(query) {
  return new URLSearchParams(NAMES.filter((name) => query.get(name)).map((name) => [name, query.get(name)]));
}

export const chosen = chosenIn(new URLSearchParams(location.search));

/** Choose: `choose({ vendor: "aidge" })`; an empty value takes a choice back. Another choice begins at its first page. */
export function choose(changes) {
  for (const [name, value] of Object.entries({ page: "", ...changes })) {
    if (value) {
      chosen.set(name, value);
    } else {
      chosen.delete(name);
    }
  }
  keepQuery(chosen);
}

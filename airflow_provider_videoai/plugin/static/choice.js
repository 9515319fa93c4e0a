// SPDX-License-Identifier: Apache-2.0
// What is chosen on a page. It is kept in the page's own address and in that of Airflow's window, so that it survives
// a reload, and the address can be shared.
import { keepQuery } from "./frame.js";

/** What an address of the list, or of a batch's page, can choose. */
export const LIST = ["dag_id", "run_id", "task_id", "vendor", "state", "search", "sort", "page"];
export const BATCH = ["dag_id", "run_id", "task_id", "map_index", "region_id", "state", "search", "sort", "page", "item"];

/** What a query chooses, as a query without anything else. */
export function chosenIn(query, names = LIST) {
  return new URLSearchParams(names.filter((name) => query.get(name)).map((name) => [name, query.get(name)]));
}

/**
 * The choices of this page: `chosen`, a query; and `choose({ vendor: "aidge" })`, where an empty value takes a choice
 * back. Another choice begins at its first page.
 */
export function choices(names) {
  const chosen = chosenIn(new URLSearchParams(location.search), names);

  function choose(changes) {
    for (const [name, value] of Object.entries({ page: "", ...changes })) {
      if (value) {
        chosen.set(name, value);
      } else {
        chosen.delete(name);
      }
    }
    keepQuery(chosen);
  }

  return { chosen, choose };
}

// SPDX-License-Identifier: Apache-2.0
// Where the frame enters: on to the job that the address of Airflow's window names, or to the list.
import { airflowQuery, jobAddress, jobKey } from "./frame.js";
import { chosenIn } from "./choice.js";

const query = airflowQuery();
// Without a map index the address names a task, but none of its jobs: they are listed.
const key = query.has("map_index") && jobKey(query);
location.replace(key ? jobAddress(key) : `jobs?${chosenIn(query)}`);

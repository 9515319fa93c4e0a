// SPDX-License-Identifier: Apache-2.0
// Where the frame enters: on to the job that the address of Airflow's window names, or to the list.
import { airflowQuery, jobAddress, jobKey } from "./frame.js";

const key = jobKey(airflowQuery());
location.replace(key ? jobAddress(key) : "jobs");

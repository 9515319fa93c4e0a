// SPDX-License-Identifier: Apache-2.0
// Ask this page's API, over and over while somebody looks.

/** What went wrong, in words for the user. */
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
    /** Whether it is worth to try again by oneself: Airflow is away, or has too much to do. */
    this.passes = status === 0 || status === 503;
  }
}

const WORDS = {
  401: "You are not logged in any more. Reload Airflow's page to log in.",
  403: "You may not read the tasks of this DAG.",
};

/** Return the JSON at an address; throw a Refusal. */
export async function ask(address) {
  const response = await fetch(address).catch(() => {
    throw new Refusal(0, "Airflow cannot be reached. Trying again …");
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    const detail = typeof body.detail === "string" ? body.detail : `Airflow answered ${response.status}.`;
    throw new Refusal(response.status, WORDS[response.status] ?? detail);
  }
  return body;
}

/**
 * Run `work` now and then every so many seconds, as long as it does not return false; only while the page is visible.
 * Returns a function that runs it at once.
 */
export function whileVisible(seconds, work) {
  let timer = null;
  let turn = 0;

  async function run() {
    const mine = ++turn;
    clearTimeout(timer);
    const goOn = await work();
    if (mine === turn && goOn !== false && !document.hidden) {
      timer = setTimeout(run, seconds * 1000);
    }
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(timer);
    } else {
      run();
    }
  });
  run();
  return run;
}

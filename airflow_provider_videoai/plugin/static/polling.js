// SPDX-License-Identifier: Apache-2.0
// Poll this page's API while the page is visible.

/** What went wrong, in words for the user. */
export class Refusal extends Error {
  constructor(status, detail, retryAfter = 0) {
    super(detail);
    this.status = status;
    /** Seconds after which a retry may succeed; 0 if nobody said so. */
    this.retryAfter = retryAfter;
    /** Whether what was shown last says more: Airflow cannot be reached, or is overloaded, or a proxy misses it. */
    this.passes = status === 0 || status === 429 || status >= 500;
    /** Whether the page retries by itself: also for a task that has no job yet, or none again after it was cleared. */
    this.goesOn = this.passes || status === 404;
  }
}

const TEXTS = {
  401: "You are not logged in any more. Reload Airflow's page to log in.",
  403: "You may not read the tasks of this DAG.",
};

async function request(address, options) {
  const response = await fetch(address, options).catch(() => {
    throw new Refusal(0, "Airflow cannot be reached. Trying again …");
  });
  if (!response.ok && response.type !== "opaqueredirect") {
    // A proxy before Airflow may return an error as HTML.
    const body = await response.json().catch(() => null);
    const detail = typeof body?.detail === "string" ? body.detail : `Airflow returned ${response.status}.`;
    const retryAfter = Number(response.headers.get("Retry-After")) || 0;
    throw new Refusal(response.status, TEXTS[response.status] ?? detail, retryAfter);
  }
  return response;
}

/** Return the JSON object at an address; throw a Refusal. */
export async function fetchJson(address) {
  const response = await request(address);
  const body = await response.json().catch(() => null);
  if (body === null || typeof body !== "object") {
    throw new Refusal(0, "This is no answer of Airflow's. If a proxy before it wants a login, reload the page.");
  }
  return body;
}

/** Return the Refusal of an address that should lead to media; null if it does: the media itself is not fetched. */
export function refusalOf(address) {
  return request(address, { redirect: "manual" }).then(
    () => null,
    (refusal) => refusal,
  );
}

/**
 * Run `work` at once, then every `seconds` seconds until it returns false; only while the page is visible.
 * Returns a function that runs it at once.
 */
export function whileVisible(seconds, work) {
  let timer = null;
  let latest = 0;

  async function run() {
    // A run that was overtaken by another (a filter changed, the page came back) must not start a second series.
    const mine = ++latest;
    clearTimeout(timer);
    const goOn = await work();
    if (mine === latest && goOn !== false && !document.hidden) {
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

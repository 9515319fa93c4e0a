// SPDX-License-Identifier: Apache-2.0
// Request media again whose address was refused: a few times, after pauses that grow.
import { refusalOf } from "./polling.js";

const PAUSES = [0, 4, 8, 16, 32]; // seconds before each try
const LONGEST = 300; // seconds; a proxy may name any pause
const OVER = 60_000; // milliseconds; what fails later than that after a try is a failure of its own
const UNKNOWN = "Its address has expired or was refused, or the browser does not support its format.";

/**
 * A series of tries for one frame. `again(1)` is the address of the first try, and so on. The function that is returned
 * waits for the next try, and returns `{ address }` if that leads to media, or `{ why }` if all has been tried, or the
 * media is gone; neither if the frame was closed. Before each wait it calls `report(why, seconds)`.
 */
export function retries(frame, again, report) {
  let tries = 0;
  let triedAt = 0;

  return async function next() {
    if (performance.now() - triedAt > OVER) {
      tries = 0;
    }
    let [why, least] = [UNKNOWN, 0];
    while (again && tries < PAUSES.length) {
      // Spread, so that the players of many jobs do not all try in the same second.
      const pause = Math.max(PAUSES[tries] * (1 + Math.random() / 2), Math.min(least, LONGEST));
      report(why, pause);
      await passed(pause);
      if (!frame.isConnected) {
        break;
      }
      tries += 1;
      triedAt = performance.now();
      const address = again(tries);
      const refusal = await refusalOf(address);
      if (!refusal) {
        return frame.isConnected ? { address } : {};
      }
      why = refusal.status ? refusal.message : "Airflow cannot be reached.";
      if (!refusal.passes) {
        break;
      }
      least = refusal.retryAfter;
    }
    return frame.isConnected ? { why } : {};
  };
}

async function passed(seconds) {
  await new Promise((done) => setTimeout(done, seconds * 1000));
  // A page in the background must not use up what may be queried of the account.
  if (document.hidden) {
    await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
  }
}

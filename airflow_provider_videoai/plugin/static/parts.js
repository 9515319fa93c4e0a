// SPDX-License-Identifier: Apache-2.0
// What both pages show: a state, a progress bar, a time, a notice.
import { h } from "./dom.js";
import { STATES, ago, moment } from "./labels.js";

/** A state as a coloured label. */
export function badge(state) {
  return h(`span.badge.${state}`, {}, h("i"), STATES[state] ?? state);
}

/** The progress of a job; a vendor that gives none gets a bar that moves. */
export function progress(job) {
  const known = job.progress !== null;
  const live = job.state === "queued" || job.state === "running";
  if (!known && !live) {
    return h("span.muted", {}, "–");
  }
  const said = known ? `${job.progress} %` : job.queue_position ? `${job.queue_position} ahead` : "";
  const bar = h("progress", { max: 100, value: known ? job.progress : null, "aria-label": `Progress ${said}` });
  return h(`span.progress.${job.state}`, {}, bar, h("span.percent", {}, said));
}

/** A time as "5 min ago", with the whole of it under the pointer. */
export function time(iso) {
  return h("time", { datetime: iso, title: moment(iso) }, ago(iso));
}

/** A sentence in place of what cannot be shown, and a way out if there is one. */
export function notice(title, text, wayOut = null) {
  return h("section.notice", {}, h("strong", {}, title), h("p", {}, text), wayOut);
}

// SPDX-License-Identifier: Apache-2.0
// The page of one task with its jobs.
import { fetchJson, whileVisible } from "./polling.js";
import { h, show } from "./dom.js";
import { BATCH, chosenIn } from "./choice.js";
import { copy, mediaLink, table } from "./facts.js";
import { airflowQuery, jobAddress, jobApi, jobKey, leadAirflow } from "./frame.js";
import { notice, progress, time } from "./parts.js";
import { crumbs, heading } from "./title.js";
import { fill, player, textFrame } from "./player.js";
import { connect, controls } from "./playback.js";
import { requestRows } from "./request.js";
import { STATES, between, clock, duration, moment, operation, said, size } from "./labels.js";

const EVERY = 3; // seconds; a poll reads what Airflow stored, and never reaches a vendor
const STEPS = ["submitted", "queued", "running", "ended"];
const TASK_ENDS = ["success", "failed", "skipped", "upstream_failed", "removed"];
const HINTS = {
  unwatched: "The task waits no more and has not seen the end of the job, which may still go on.",
  unreadable: "What this task stored of its job cannot be read: another version or another program wrote it.",
};
// An id is no text for people: of one alone a reader could not say what it is.
const VENDORS_ID = /^[\w-]{16,}$/;
const NO_SOURCE = "This task waits for a job that another task submitted.";
const NO_RESULT = {
  queued: "It appears here when the job is done.",
  running: "It appears here when the job is done.",
  unwatched: "The task has not seen one.",
};

const main = document.getElementById("main");
const key = jobKey(new URLSearchParams(location.search));

function reached(job) {
  const last = { queued: 1, running: 2, unwatched: job.timeline.running ? 2 : 1, unreadable: 0 };
  return last[job.state] ?? 3;
}

function step(job, name, position) {
  const at = job.timeline[name];
  const current = reached(job);
  const end = name === "ended" ? job.state : null;
  const title = end && current === 3 ? STATES[end] : { ended: "Done" }[name] ?? operation(name);
  const mark = position < current || current === 3 ? "past" : position === current ? "now" : "to-come";
  const before = STEPS.slice(0, position).findLast((each) => job.timeline[each]);
  const took = at && before ? `after ${duration(between(job.timeline[before], at))}` : "";
  return h(
    `li.${mark}${current === 3 && end ? `.${end}` : ""}`,
    {},
    h("b", {}, title),
    at ? h("time", { datetime: at, title: moment(at) }, clock(at)) : h("span.muted", {}, "–"),
    h("span.muted", {}, took),
  );
}

function course(job) {
  const live = job.state === "queued" || job.state === "running";
  const hint = HINTS[job.state];
  return h(
    "section.card.course",
    {},
    job.reason ? h("p.reason", {}, job.reason) : h("ol.timeline", {}, ...STEPS.map((name, position) => step(job, name, position))),
    live ? progress(job) : null,
    hint ? h("p.muted", {}, hint) : null,
    job.watched_by ? h("p.muted", {}, "As last seen by ", h("a", { href: jobAddress(job.watched_by) }, job.watched_by.task_id), ", where its result appears.") : null,
  );
}

function source(job) {
  const { media, text } = job.source ?? {};
  const shown = media
    ? player({ kind: media, address: jobApi(key, "/source"), label: "Input", regions: job.request.regions })
    : textFrame(VENDORS_ID.test(text) ? `${job.vendor_name} has it as ${text}` : text ?? NO_SOURCE, text ? "words" : "muted");
  return h("figure", {}, h("figcaption", {}, "Input"), shown);
}

function outcome(job, result, number) {
  const address = jobApi(key, "/result", { job: number });
  const track = result.subtitles ? jobApi(key, "/subtitles", { job: number }) : null;
  const again = () => jobApi(key, "/result", { job: number, refused: true });
  const failed = result.error && `${STATES[result.state] ?? "Error"}: ${result.error}`;
  const shown = result.media
    ? player({ kind: result.media, address, again, track, label: "Result", kept: result.copies.length > 0 })
    : textFrame(failed ?? NO_RESULT[job.state] ?? "There is no media.", failed ? "error" : "muted");
  return h("figure", {}, h("figcaption", {}, "Result"), shown, job.results.length > 1 ? controls() : null);
}

/** An output besides the one that is played: a link to it, or its id if the vendor gives no URL. */
function other(output, number) {
  const kind = operation(output.kind);
  const name = output.label && output.label.toLowerCase() !== kind.toLowerCase() ? `${kind}: ${output.label}` : kind;
  const id = output.media_id && !output.media ? [" ", h("code", {}, output.media_id)] : [];
  if (!output.media) {
    return h("li", {}, name, ...id);
  }
  const address = jobApi(key, "/result", { job: number, output: output.number });
  const link = h("a", { href: address, "data-keep": `output ${address}` }, name);
  leadAirflow(link);
  return h("li", {}, link);
}

function others(outputs, number) {
  return outputs.length ? h("ul.outputs", {}, ...outputs.map((output) => other(output, number))) : null;
}

function copies(found) {
  const items = found.map(({ path, bytes, task_id: by }) =>
    h("li", {}, h("code", {}, path), copy(path, "path"), h("span.muted", {}, ` ${size(bytes)}by ${by}`)),
  );
  return items.length ? h("ul.outputs", {}, ...items) : null;
}

function facts(job, result, number) {
  const length = result.duration_ms === null ? null : duration(result.duration_ms / 1000);
  const { submitted, ended } = job.timeline;
  const took = submitted && ended ? duration(between(submitted, ended)) : null;
  const rows = [
    ["Job id", [h("code", {}, result.job_id), copy(result.job_id, "job id")]],
    ["State", result.state && STATES[result.state]],
    ["Error", result.error],
    ["Took", took],
    ["Length of the media", length],
    ["Media id", result.media_id && h("code", {}, result.media_id)],
    ["Other outputs", others(result.outputs, number)],
    ["Media", result.media && mediaLink(jobApi(key, "/result", { job: number }))],
    ["Kept copies", copies(result.copies)],
    ["Used", result.usage],
    ["Submitted", submitted && [`${moment(submitted)} (`, time(submitted), ")"]],
    ["Last seen", job.observed_at && [`${moment(job.observed_at)} (`, time(job.observed_at), ")"]],
    ["Task state", job.task_state],
    ["Connection", h("code", {}, job.conn_id)],
  ];
  return rows.filter(([, value]) => value);
}

function tables(job, result, number, caption) {
  return h(
    "section.card.tables",
    {},
    table(caption, facts(job, result, number)),
    job.request && table("Request", requestRows(job.request)),
    table(
      `What ${job.vendor_name} said`,
      result.details.map(([name, text]) => [name, said(text)]),
    ),
  );
}

/** One job: input and result side by side. Several: each result beside what is known of it, for only sensors have them. */
function results(job) {
  const count = job.results.length;
  if (job.reason) {
    return [h("section.media", {}, source(job))];
  }
  if (count === 1) {
    const [result] = job.results;
    return [h("section.media", {}, source(job), outcome(job, result, 0), controls()), tables(job, result, 0, "Job")];
  }
  return job.results.map((result, number) =>
    h("section.media", {}, outcome(job, result, number), tables(job, result, number, `Job ${number + 1} of ${count}`)),
  );
}

function onBatch() {
  const query = airflowQuery();
  return query.get("task_id") === key.task_id ? Object.fromEntries(query) : {};
}

/** Whether there may be something new: a task that has not ended may get another job in place of one that failed. */
function goesOn({ state, task_state: task }) {
  return state === "queued" || state === "running" || (state !== "succeeded" && !TASK_ENDS.includes(task));
}

async function refresh() {
  try {
    const job = await fetchJson(jobApi(key));
    if (job.batch) {
      // With what Airflow's address chooses there: it names the task, and its kind is known only now.
      location.replace(`batch?${chosenIn(new URLSearchParams({ ...key, ...onBatch() }), BATCH)}`);
      return false;
    }
    document.title = `${operation(job.operation) || "Video job"}: ${job.task_id}`;
    show(main, crumbs(key), heading(job, "Video job"), course(job), ...results(job));
    fill(main);
    connect(main);
    return goesOn(job);
  } catch (refusal) {
    // While Airflow is overloaded or restarts, what was shown last says more than an error.
    if (!refusal.passes || !main.childElementCount) {
      show(main, crumbs(key), notice(refusal.status === 403 ? "No access" : "Nothing to show", refusal.message));
    }
    return refusal.goesOn;
  }
}

if (key) {
  const now = whileVisible(EVERY, refresh);
  // The user chose another time zone in Airflow's UI.
  addEventListener("storage", ({ key: changed }) => changed === "timezone" && now());
} else {
  show(main, notice("Nothing to show", "The address names no task."));
}

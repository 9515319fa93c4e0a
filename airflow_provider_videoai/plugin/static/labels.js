// SPDX-License-Identifier: Apache-2.0
// Labels: states, names, times and durations as people read them.

export const STATES = {
  queued: "Queued",
  running: "Running",
  succeeded: "Succeeded",
  failed: "Failed",
  aborted: "Aborted",
  rejected: "Rejected",
  uncertain: "Uncertain",
  unwatched: "Not watched",
  unreadable: "Unreadable",
  skipped: "Skipped",
};

/** `text_removal` -> `Text removal`; `tts` is written out. */
export function operation(name) {
  const words = name.replaceAll("_", " ").replace(/\btts\b/, "text to speech");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A run's id; of one that Airflow made, its kind and time: `manual__2026-05-11T08:00:07.123456+00:00`, say. */
export function run(id) {
  return id.replace(/^([a-z_]+?)__(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\S*$/, "$1 $2 $3");
}

/** A length in seconds: `8 s`, `5.4 s`, `3 min 5 s`, `2 h 4 min`, `3 d 2 h`. */
export function duration(seconds) {
  if (seconds < 59.5) {
    return `${seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`;
  }
  const whole = Math.round(seconds);
  const units = [
    ["d", Math.floor(whole / 86400)],
    ["h", Math.floor(whole / 3600) % 24],
    ["min", Math.floor(whole / 60) % 60],
    ["s", whole % 60],
  ];
  const first = units.findIndex(([, count]) => count > 0);
  return units
    .slice(first, first + 2)
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count} ${unit}`)
    .join(" ");
}

/** A place in a video: `0:07.25`, `1:02:03.00`. */
export function position(seconds) {
  const rounded = Math.round(seconds * 100) / 100;
  const [hours, minutes] = [Math.floor(rounded / 3600), Math.floor(rounded / 60) % 60];
  const rest = (rounded % 60).toFixed(2).padStart(5, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** A number of bytes, `1.2 MB, `, to be followed by more; nothing for an unknown one. */
export function size(bytes) {
  if (bytes === null) {
    return "";
  }
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 4);
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${["B", "kB", "MB", "GB", "TB"][power]}, `;
}

/** How long ago an ISO time is: `just now`, `5 min ago`. */
export function ago(time) {
  const seconds = Math.round((Date.now() - Date.parse(time)) / 1000);
  if (seconds < 60) {
    return seconds < 5 ? "just now" : `${seconds} s ago`;
  }
  return `${duration(seconds).split(" ").slice(0, 2).join(" ")} ago`;
}

/** The seconds between two ISO times. */
export function between(start, end) {
  return Math.max(0, (Date.parse(end) - Date.parse(start)) / 1000);
}

/** The time zone that the user chose in Airflow's UI, which keeps it in the browser; else the browser's. */
function zone() {
  try {
    const chosen = JSON.parse(localStorage.getItem("timezone"));
    return new Intl.DateTimeFormat([], { timeZone: chosen ?? undefined }).resolvedOptions().timeZone;
  } catch {
    return undefined; // another program's value under that name, or a zone that this browser does not know
  }
}

function written(time, more) {
  // Swedish dates are those of Airflow's UI: 2026-05-11 08:00:07.
  const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return new Date(time).toLocaleString("sv-SE", { ...parts, ...more, timeZone: zone() });
}

/** An ISO time as Airflow's UI writes it, with the name of its zone. */
export function moment(time) {
  return written(time, { timeZoneName: "short" });
}

/** The same without the zone. */
export function clock(time) {
  return written(time);
}

/** A text of a vendor's: a time in ISO 8601 as a time, any other as it is. */
export function said(text) {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) ? moment(text) : text;
}

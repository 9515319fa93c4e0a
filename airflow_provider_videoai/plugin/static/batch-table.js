// SPDX-License-Identifier: Apache-2.0
// The table of a batch's items.
import { h } from "./dom.js";
import { batchAddress, batchApi } from "./frame.js";
import { duration } from "./labels.js";
import { badge, time } from "./parts.js";
import { thumbnail } from "./thumbnails.js";

const COLUMNS = ["State", "Item", "Input", "Job id", "Result", "Time"];

function cell(name, ...children) {
  return h(`td.${name}`, { "data-name": name }, ...children);
}

function name(key, chosen, item) {
  if (item.item_id === null) {
    return h("span", {}, item.label);
  }
  const more = { ...Object.fromEntries(chosen), item: item.item_id };
  const choice = JSON.stringify({ item: item.item_id, page: chosen.get("page") ?? "" });
  const current = chosen.get("item") === item.item_id ? "true" : null;
  return h("a", { href: batchAddress(key, more), "data-choice": choice, "aria-current": current }, item.label);
}

function picture(key, item) {
  const address = batchApi(key, "/media", { item_id: item.item_id, stored: true });
  return item.thumbnail && item.media !== "audio" ? thumbnail(item.media, address) : h("span.thumbnail.none");
}

function result(item) {
  if (item.place) {
    return h("span.reason", {}, `Cannot be read: ${item.place}`);
  }
  if (item.error) {
    return h("span.reason", { title: item.error }, item.error);
  }
  const length = item.duration_ms === null ? null : h("span.index", {}, duration(item.duration_ms / 1000));
  return [item.path ? h("code", { title: item.path }, item.path.split("/").at(-1)) : null, length];
}

function line(key, chosen, item) {
  const at = item.ended_at ?? item.submitted_at;
  return h(
    "tr",
    {},
    cell("state", badge(item.state)),
    cell("task", h("span.named", {}, picture(key, item), name(key, chosen, item))),
    cell("input", item.source && h("span", { title: item.source }, item.source)),
    cell("job", item.job_id && h("code", { title: item.job_id }, item.job_id)),
    cell("result", result(item)),
    cell("age", at && time(at)),
  );
}

/** The table of these items. */
export function table(key, chosen, items) {
  return h(
    "table.jobs.items",
    {},
    h("thead", {}, h("tr", {}, ...COLUMNS.map((column) => h("th", { scope: "col" }, column)))),
    h("tbody", {}, ...items.map((item) => line(key, chosen, item))),
  );
}

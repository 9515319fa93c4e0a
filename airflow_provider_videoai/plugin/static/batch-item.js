// SPDX-License-Identifier: Apache-2.0
// One item of a batch: its input and its result side by side, and what is known of it.
import { h } from "./dom.js";
import { copy, mediaLink, table } from "./facts.js";
import { batchApi } from "./frame.js";
import { STATES, duration, moment } from "./labels.js";
import { choice } from "./list.js";
import { badge, time } from "./parts.js";
import { controls } from "./playback.js";
import { player, textFrame } from "./player.js";
import { requestRows } from "./request.js";

const NO_RESULT = {
  queued: "It appears here when the job is done.",
  running: "It appears here when the job is done.",
};

function source(key, item) {
  const address = batchApi(key, "/source", { item_id: item.item_id });
  const words = item.source ?? "It is known from the manifest only, and not listed there.";
  const shown = item.source_media
    ? player({ kind: item.source_media, address, label: "Input", regions: item.request?.regions })
    : textFrame(words, item.source ? "words" : "muted");
  return h("figure", {}, h("figcaption", {}, "Input"), shown);
}

function outcome(key, item) {
  const address = batchApi(key, "/media", { item_id: item.item_id });
  // The copy's address is signed again first. If it is refused as well, the vendor may still have the media.
  const again = (tries) => batchApi(key, "/media", { item_id: item.item_id, refused: true, copy: tries % 2 === 1 });
  const words = item.error ?? NO_RESULT[item.state] ?? "There is no media.";
  const shown = item.media
    ? player({ kind: item.media, address, again, label: "Result", kept: item.path !== null })
    : textFrame(words, item.error ? "error" : "muted");
  return h("figure", {}, h("figcaption", {}, "Result"), shown);
}

function at(iso) {
  return iso && [`${moment(iso)} (`, time(iso), ")"];
}

function facts(key, item) {
  const rows = [
    ["Item id", [h("code", {}, item.item_id), copy(item.item_id, "item id")]],
    ["State", STATES[item.state]],
    ["Job id", item.job_id && [h("code", {}, item.job_id), copy(item.job_id, "job id")]],
    ["Error", item.error],
    ["Kept copy", item.path && [h("code", {}, item.path), copy(item.path, "path")]],
    ["Media", item.media && mediaLink(batchApi(key, "/media", { item_id: item.item_id }))],
    ["Used", item.usage],
    ["Length of the media", item.duration_ms === null ? null : duration(item.duration_ms / 1000)],
    ["Submitted", at(item.submitted_at)],
    ["Ended", at(item.ended_at)],
  ];
  return rows.filter(([, value]) => value);
}

/** The panel of an item. `page` is the one of the list that stays. */
export function itemPanel(key, item, page) {
  return h(
    "section.card.item",
    { "aria-label": `Item ${item.label}` },
    h(
      "header.title",
      {},
      h("h2", {}, item.label),
      badge(item.state),
      choice({ item: "", page }, { class: "close", "aria-label": "Close the item" }, "Close"),
    ),
    h("section.media", {}, source(key, item), outcome(key, item), controls()),
    h("div.tables", {}, table("Item", facts(key, item)), item.request && table("Request", requestRows(item.request))),
  );
}

// SPDX-License-Identifier: Apache-2.0
// The page of a batch: how far it is, and a list of its items.
import { BATCH, choices } from "./choice.js";
import { countsBar, parts } from "./counts.js";
import { fetchJson, whileVisible } from "./polling.js";
import { h, show } from "./dom.js";
import { copy, table as factsTable } from "./facts.js";
import { batchApi, jobKey } from "./frame.js";
import { STATES, moment, operation } from "./labels.js";
import { choice, followChoices, number, options, pager, stateButtons } from "./list.js";
import { notice, time } from "./parts.js";
import { connect } from "./playback.js";
import { fill } from "./player.js";
import { itemPanel } from "./batch-item.js";
import { table } from "./batch-table.js";
import { loadThumbnails } from "./thumbnails.js";
import { crumbs, heading } from "./title.js";

const EVERY = 3; // seconds; a poll reads what Airflow stored, and never reaches a vendor
const SORTS = { newest: "Newest first", item: "By item" };
const SHOWN = ["state", "search", "sort", "page"];
const NOTHING_CHOSEN = Object.fromEntries(SHOWN.map((name) => [name, ""]));

const { chosen, choose } = choices(BATCH);
const key = jobKey(chosen);
const ids = ["main", "top", "course", "item", "filters", "states", "jobs", "pages"];
const [main, top, course, panel, filters, states, items, pages] = ids.map((id) => document.getElementById(id));

// The first response is of the records alone: a manifest is read from the user's storage, which may take its time.
let manifest = false;

function overview(batch) {
  const { batch: counts } = batch;
  const legend = parts(counts).map(([state, count]) => h(`li.${state}`, {}, h("i"), h("b", {}, number(count)), ` ${STATES[state].toLowerCase()}`));
  const address = (text, what) => text && [h("code", {}, text), copy(text, what)];
  const rows = [
    ["Items", counts.items && number(counts.items)],
    ["In flight at most", batch.max_in_flight && number(batch.max_in_flight)],
    ["Manifest", address(batch.manifest, "path of the manifest")],
    ["Kept at", address(batch.destination, "destination")],
    ["Began", [`${moment(batch.submitted_at)} (`, time(batch.submitted_at), ")"]],
    ["Counted", counts.at && [`${moment(counts.at)} (`, time(counts.at), ")"]],
    ["Task state", batch.task_state],
    ["Connection", h("code", {}, batch.conn_id)],
  ];
  const known = rows.filter(([, value]) => value);
  return [
    batch.reason ? h("p.reason", {}, batch.reason) : null,
    counts.items ? h("div.counts", {}, countsBar(counts), h("ul", {}, ...legend)) : null,
    counts.items || batch.reason ? null : h("p.muted", {}, "No item has been counted yet."),
    batch.note ? h("p.muted", { role: "note" }, `Of the manifest nothing is shown. ${batch.note}`) : null,
    h("div.tables", {}, factsTable("Batch", known.slice(0, 4)), factsTable("Task", known.slice(4))),
  ];
}

/** Why the list has fewer items than the batch. */
function remark(batch) {
  const missing = (batch.batch.items ?? 0) - batch.known;
  if (missing <= 0 || chosen.get("state") || chosen.get("search")) {
    return "";
  }
  return `${number(missing)} more ${missing === 1 ? "is" : "are"} listed once submitted.`;
}

function missing(batch) {
  if (batch.reason) {
    return "The batch did not begin: its reason is above.";
  }
  return batch.task_state === "success" ? "Airflow keeps no record of them." : "They appear here as they are submitted.";
}

function none(batch) {
  return chosen.get("state") || chosen.get("search")
    ? notice("No item matches", "Change or clear the filters above.")
    : notice(batch.reason ? "No items" : "No items yet", missing(batch));
}

function display(batch) {
  document.title = `${operation(batch.operation)}: ${batch.task_id}`;
  show(top, crumbs(key), heading(batch, "Batch"));
  show(course, ...overview(batch));
  course.hidden = false;
  options(filters.sort, "Failed first", Object.entries(SORTS), chosen.get("sort") ?? "");
  filters.classList.add("ready");
  show(states, ...stateButtons(batch.states, chosen.get("state") ?? ""));
  show(items, batch.items.length ? table(key, chosen, batch.items) : none(batch));
  show(pages, ...pager(batch, batch.items.length, remark(batch)));
  loadThumbnails(items);
}

async function displayItem() {
  const id = chosen.get("item");
  if (!id) {
    show(panel);
    return;
  }
  const before = panel.dataset.item;
  const item = await fetchJson(batchApi(key, "/item", { item_id: id })).catch((refusal) => refusal);
  if (id !== chosen.get("item") || (item.passes && before === id)) {
    return; // another was chosen meanwhile; or Airflow is overloaded, and what was shown last says more
  }
  show(panel, item instanceof Error ? notice("No such item", item.message) : itemPanel(key, item, chosen.get("page") ?? ""));
  fill(panel);
  connect(panel);
  if (before !== id) {
    panel.scrollIntoView({ block: "nearest" });
  }
  panel.dataset.item = id;
}

async function refresh() {
  const query = String(chosen);
  const wanted = Object.fromEntries(SHOWN.filter((name) => chosen.has(name)).map((name) => [name, chosen.get(name)]));
  try {
    const batch = await fetchJson(batchApi(key, "", { ...wanted, manifest }));
    // Else another choice was made meanwhile, and its response may be here already.
    if (query === String(chosen)) {
      display(batch);
      const first = !manifest && batch.manifest_readable;
      manifest = batch.manifest_readable;
      await displayItem();
      return first ? refresh() : true;
    }
  } catch (refusal) {
    if (refusal.status === 422) {
      // What is wrong with a choice can be put right by another one.
      [states, pages].forEach((part) => show(part));
      show(items, notice("Nothing to show", refusal.message, choice(NOTHING_CHOSEN, {}, "Show all items")));
    } else if (!refusal.passes || !items.childElementCount) {
      filters.classList.remove("ready");
      course.hidden = true;
      [panel, states, pages].forEach((part) => show(part));
      show(top, crumbs(key));
      show(items, notice(refusal.status === 403 ? "No access" : "Nothing to show", refusal.message));
    }
    return refusal.goesOn === true;
  }
  return true;
}

if (key) {
  const now = whileVisible(EVERY, refresh);
  followChoices({ main, filters, chosen, choose, now });
  addEventListener("storage", ({ key: changed }) => changed === "timezone" && now());
} else {
  show(items, notice("Nothing to show", "The address names no task."));
}

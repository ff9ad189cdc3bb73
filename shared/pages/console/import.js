// Brings in many access IDs from a CSV: first what would change, then the change.

import { Refusal, call, mayWrite } from "./api.js";
import { value } from "./changes.js";
import { append, button, code, confirm, el, link, replace, say } from "./dom.js";
import { exporting } from "./export.js";
import { errorBox } from "./form.js";
import { COLUMNS, readAccessIds } from "./csv.js";
import { table } from "./table.js";
import { badge, field as named, plural } from "./words.js";

/** The API takes 1,000 records and 1 MiB. Fewer at a time show more often how far it is. */
const MOST_ROWS = 200;
const MOST_BYTES = 1_000_000;
/** How often rows are sent again for which the service had no time. */
const MOST_TRIES = 3;
/** How many rows of a result are shown at a time. */
const SHOWN = 200;

export async function show(place, query, signal) {
  if (mayWrite()) append(place, [importing(signal)]);
  append(place, [exporting(signal)]);
}

function importing(signal) {
  const file = el("input", { type: "file", accept: ".csv,text/csv,text/plain", id: "import-file" });
  const result = el("div", {});
  // The same file can be chosen again after it was corrected.
  file.addEventListener("click", () => { file.value = ""; });
  file.addEventListener("change", async () => {
    replace(result);
    const [chosen] = file.files;
    if (!chosen) return;
    let rows;
    try {
      rows = readAccessIds(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await chosen.arrayBuffer()));
    } catch (error) {
      const sentence = error instanceof TypeError ? "The file is not in UTF-8. Save it as CSV in UTF-8." : error.message;
      replace(result, el("div", { class: "error", role: "alert" }, el("p", {}, el("strong", {}, sentence))));
      return;
    }
    if (rows.length === 0) {
      replace(result, el("p", { class: "empty" }, "The file has a first line and no rows."));
      return;
    }
    await preview(rows, result, signal);
  });
  return el("section", { class: "card" }, el("h2", {}, "Import a CSV"),
    el("p", {}, "You see what would change before anything does. A tag that is known is changed, any other is registered; nothing is deleted."),
    el("details", {}, el("summary", {}, "What the file looks like"),
      el("p", {}, "The first line names the columns, in any order: ", COLUMNS.map((name) => [code(name), " "]), ". ", code("ocppIdTag"), ", ", code("name"), " and ", code("type"), " (RFID or Vehicle) are needed. ",
        "Cells are separated by commas or semicolons. An empty cell changes nothing."),
      el("pre", {}, "ocppIdTag,name,type,customer\n04:E1:A2:B3,Card of Ada,RFID,Electric Fleet\nVID:A453EE033156,Van 7,Vehicle,\n")),
    el("div", { class: "field" }, el("label", { for: "import-file" }, "CSV file"), file),
    result);
}

/** Cuts rows into requests. */
function chunks(rows) {
  const made = [];
  let chunk = [];
  let bytes = 0;
  for (const row of rows) {
    const size = new TextEncoder().encode(JSON.stringify(row.item)).length + 1;
    if (chunk.length > 0 && (chunk.length === MOST_ROWS || bytes + size > MOST_BYTES)) {
      made.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(row);
    bytes += size;
  }
  if (chunk.length > 0) made.push(chunk);
  return made;
}

/** Sends rows and notes at each what became of it. Resolves to an error that ended it early, or null. */
async function send(rows, { dryRun, stop, progress }) {
  let waiting = rows;
  for (let tries = 0; tries < MOST_TRIES && waiting.length > 0; tries += 1) {
    for (const chunk of chunks(waiting)) {
      if (stop.aborted) return null;
      try {
        const { results } = await call("PUT", "/api/access-ids/batch", { query: dryRun ? { dryRun: "true" } : {}, body: { accessIds: chunk.map(({ item }) => item) } });
        chunk.forEach((row, at) => { row.result = results[at]; });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return error;
      }
      progress(rows.filter(({ result }) => result).length);
    }
    waiting = waiting.filter(({ result }) => result.error?.code === "send_again");
  }
  return null;
}

/** Runs `send` with a bar and a button that stops it. */
async function withProgress(rows, place, what, dryRun, signal) {
  const stopper = new AbortController();
  signal.addEventListener("abort", () => stopper.abort());
  for (const row of rows) row.result = null;
  const bar = el("progress", { max: rows.length, value: 0, "aria-label": what });
  const count = el("span", { class: "muted" }, ` 0 of ${rows.length.toLocaleString()}`);
  replace(place, el("p", {}, `${what} … `, bar, count), button("Stop", () => stopper.abort()),
    el("p", { class: "hint" }, "Leaving this view stops it as well. What is done stays done, and sending the file again goes on."));
  const error = await send(rows, {
    dryRun, stop: stopper.signal,
    progress: (done) => {
      bar.value = done;
      count.textContent = ` ${done.toLocaleString()} of ${rows.length.toLocaleString()}`;
    },
  });
  return { error, wasStopped: stopper.signal.aborted };
}

async function preview(rows, place, signal) {
  const { error, wasStopped } = await withProgress(rows.filter(({ item }) => item), place, "Comparing with what is there", true, signal);
  if (signal.aborted) return;
  if (error || wasStopped) {
    replace(place, error ? errorBox(error, error.details, () => preview(rows, place, signal)) : el("p", { class: "empty" }, "You stopped. Nothing was changed."));
    return;
  }
  // Each request sees its own rows alone, so the same tag in two of them is noticed here.
  const lines = new Map();
  for (const row of rows) {
    if (row.problem) row.result = { ocppIdTag: null, outcome: "error", error: { error: row.problem } };
    const tag = row.result.ocppIdTag;
    if (tag === null || row.result.outcome === "error") continue;
    if (lines.has(tag)) row.result = { ocppIdTag: tag, outcome: "error", error: { error: `The tag is the same as in line ${lines.get(tag)}.` } };
    else lines.set(tag, row.line);
  }
  const wanted = rows.filter(({ result }) => ["created", "updated"].includes(result.outcome));
  const wrong = rows.filter(({ result }) => result.outcome === "error");
  const apply = wanted.length > 0 && button(`Apply ${plural(wanted.length, "change", "changes")}`, async () => {
    const isSure = await confirm("Apply the changes?", el("p", {}, `${plural(wanted.length, "access ID is", "access IDs are")} registered or changed.`,
      wrong.length > 0 && ` ${plural(wrong.length, "row has an error and is", "rows have errors and are")} left out.`), "Apply", false);
    if (isSure) await carryOut(wanted, place, signal, wrong);
  }, { class: "primary" });
  replace(place, el("h3", { tabindex: "-1", class: "count" }, "What would change"), summary(rows, true), el("div", { class: "actions" }, apply),
    wanted.length === 0 && el("p", { class: "muted" }, "There is nothing to apply."), shown(rows));
  place.querySelector("h3").focus();
}

/** `leftOut` are rows that were wrong before: they stay in sight, to be corrected. */
async function carryOut(rows, place, signal, leftOut = []) {
  const { error, wasStopped } = await withProgress(rows, place, "Applying", false, signal);
  const seen = [...leftOut, ...rows.filter(({ result }) => result)];
  const missing = rows.filter(({ result }) => !result).length;
  replace(place, el("h3", { tabindex: "-1", class: "count" }, "What was changed"), summary(seen, false),
    error && errorBox(error, error.details),
    missing > 0 && el("p", {}, `${plural(missing, "row was", "rows were")} not sent${wasStopped ? ", since you stopped" : ""}. `, button("Send the rest", () => carryOut(rows.filter(({ result }) => !result), place, signal, leftOut))),
    seen.some(({ result }) => result.outcome === "error") && el("p", { class: "muted" }, "Correct the rows with errors in the file and choose it again: what is done already stays as it is."),
    shown(seen));
  place.querySelector("h3").focus();
}

const WORDS = {
  created: ["New", "good", "new", "registered"],
  updated: ["Changed", "warn", "to be changed", "changed"],
  unchanged: ["Unchanged", "", "unchanged", "unchanged"],
  error: ["Error", "bad", "with errors", "with errors"],
};

function summary(rows, isDryRun) {
  const count = (outcome) => rows.filter(({ result }) => result.outcome === outcome).length;
  const parts = Object.entries(WORDS).filter(([outcome]) => count(outcome) > 0)
    .map(([outcome, [, kind, would, did]]) => badge(`${count(outcome).toLocaleString()} ${isDryRun ? would : did}`, kind));
  say(parts.map(({ textContent }) => textContent).join(", "));
  return el("p", { class: "summary" }, parts.map((part) => [part, " "]));
}

/** The rows, those with errors first, those that stay as they are last. */
function shown(rows) {
  const order = ["error", "updated", "created", "unchanged"];
  const sorted = rows.toSorted((left, right) => order.indexOf(left.result.outcome) - order.indexOf(right.result.outcome) || left.line - right.line);
  const element = table("Rows", [
    { title: "Line", cell: ({ line }) => line },
    { title: "Tag", cell: ({ tag, result }) => code(result.ocppIdTag ?? tag) },
    { title: "Outcome", cell: ({ result }) => badge(WORDS[result.outcome]?.[0] ?? result.outcome, WORDS[result.outcome]?.[1] ?? "") },
    { title: "Changes", kind: "wide", cell: ({ result }) => [
      result.changes?.length > 0 && el("ul", { class: "subjects" }, result.changes.map(({ field, from, to }) => el("li", {}, `${named(field)}: `, value(from), " → ", value(to)))),
      result.error && (result.error.details?.length > 0
        ? el("ul", { class: "subjects problem" }, result.error.details.map(({ field, message }) => el("li", {}, code(field.replace(/^accessIds\[\d+\]\.?/, "") || "row"), ` ${message}`)))
        : el("p", { class: "problem" }, result.error.error)),
      result.accessId && link("Open", "access-id", { id: result.accessId.id }),
    ] },
  ]);
  let at = 0;
  const more = button("Show more rows", () => next());
  const next = () => {
    element.add(sorted.slice(at, at + SHOWN));
    at += SHOWN;
    more.hidden = at >= sorted.length;
  };
  next();
  return [el("div", { class: "table result" }, element), el("div", { class: "below" }, more)];
}

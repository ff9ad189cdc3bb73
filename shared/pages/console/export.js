// All access IDs as a CSV, which an import takes again.

import { call, pages, patiently } from "./api.js";
import { button, el, freshId, replace, tell } from "./dom.js";
import { COLUMNS, write } from "./csv.js";
import { errorBox } from "./form.js";
import { plural } from "./words.js";

/** How many single records are read at the same time. */
const AT_ONCE = 3;

export function exporting(signal) {
  const id = freshId("customers");
  const customers = el("input", { type: "checkbox", id });
  const place = el("div", {});
  const start = button("Export", async () => {
    const stopper = new AbortController();
    signal.addEventListener("abort", () => stopper.abort());
    const count = el("span", {}, "0");
    replace(place, el("p", {}, "Reading … ", count, " "), button("Stop", () => stopper.abort()));
    start.disabled = true;
    try {
      const rows = await read(customers.checked, stopper.signal, (done) => { count.textContent = done.toLocaleString(); });
      download(rows, customers.checked);
      replace(place, el("p", { class: "done", role: "status" }, `${plural(rows.length, "access ID is", "access IDs are")} in the file.`));
      tell("The file is ready");
    } catch (error) {
      if (error.name === "AbortError") replace(place, el("p", { class: "muted" }, "You stopped."));
      else replace(place, errorBox(error, error.details));
    } finally {
      start.disabled = false;
    }
  });
  return el("section", { class: "card" }, el("h2", {}, "Export as CSV"),
    el("p", {}, "All access IDs in a file for a spreadsheet. Correct it there and import it again: what you did not touch stays as it is."),
    el("p", { class: "check" }, customers, el("label", { for: id }, " With customers (slower: each access ID is read by itself)")),
    el("div", { class: "actions" }, start), place);
}

async function read(withCustomers, signal, progress) {
  const rows = [];
  for await (const page of pages("/api/access-ids", {}, signal, patiently)) {
    if (!withCustomers) rows.push(...page);
    for (let at = 0; withCustomers && at < page.length; at += AT_ONCE) {
      const some = page.slice(at, at + AT_ONCE).map(({ id }) => record(id, signal));
      rows.push(...(await Promise.all(some)).filter((accessId) => accessId !== null));
      progress(rows.length);
    }
    progress(rows.length);
  }
  return rows;
}

/** The access ID; null if it was deleted since it was listed. */
async function record(id, signal) {
  try {
    return (await patiently(() => call("GET", `/api/access-ids/${id}`, { signal }), signal)).accessId;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

function download(rows, withCustomers) {
  const columns = COLUMNS.filter((name) => name !== "vehicleId" && (withCustomers || name !== "customer"));
  const cells = rows.map((row) => columns.map((name) => {
    if (name === "customer") return row.customer?.name;
    return name.split(".").reduce((value, part) => value?.[part], row);
  }));
  // With the mark, spreadsheets know that it is UTF-8.
  const blob = new Blob(["\uFEFF", write([columns, ...cells])], { type: "text/csv;charset=utf-8" });
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: "access-ids.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

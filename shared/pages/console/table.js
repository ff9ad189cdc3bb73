// Lists of the API as tables, a page after the other.

import { call } from "./api.js";
import { button, el, replace, say } from "./dom.js";
import { errorBox } from "./form.js";
import { before, note } from "./visits.js";
import { plural } from "./words.js";

/** How many pages without a match are looked at before somebody is asked. */
const EMPTY_PAGES = 5;

/**
 * A table of records that are here already. Columns have a title and a function that makes the cell's content. On narrow
 * screens each row is a card, which is why the roles are written out and the cells carry their titles.
 */
export function table(caption, columns, records = []) {
  const body = el("tbody", { role: "rowgroup" });
  const element = el("table", { role: "table" },
    el("caption", { class: "hidden" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
      columns.map(({ title, kind }) => el("th", { role: "columnheader", scope: "col", class: kind }, title || el("span", { class: "hidden" }, "Actions"))))),
    body);
  element.add = (more) => {
    for (const record of more) {
      body.append(el("tr", { role: "row" }, columns.map(({ title, cell, kind }) => {
        const content = [cell(record)].flat(Infinity).filter((part) => part !== null && part !== undefined && part !== false && part !== "");
        return el("td", { role: "cell", class: content.length > 0 ? kind : `${kind ?? ""} none`, "data-title": title }, el("div", {}, content));
      })));
    }
  };
  element.add(records);
  return element;
}

/**
 * A list of the API. `words` are one and many of its records, `empty` is what is said when there are none. Resolves when the
 * first page is shown. `source` gives a page for a cursor; without one, the API at `path` does.
 */
export async function list({ place, path, query, columns, caption, words: [one, many], empty, signal, form, source = (cursor) => call("GET", path, { query: { limit: 50, ...query, nextPageCursor: cursor }, signal }) }) {
  const count = el("p", { class: "count muted", tabindex: "-1" }, "Loading …");
  const rows = table(caption, columns);
  const wrapped = el("div", { class: "table", hidden: true }, rows);
  const below = el("div", { class: "below" });
  replace(place, count, wrapped, below);
  let shown = 0;
  let cursor = null;
  let busy = false;

  async function next() {
    if (busy) return;
    busy = true;
    const before = shown;
    try {
      for (let pages = 0; pages < EMPTY_PAGES && shown === before && (pages === 0 || cursor !== null); pages += 1) {
        const page = await source(cursor);
        rows.add(page.data);
        shown += page.data.length;
        cursor = page.pagination.nextPageCursor;
        note(shown);
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      // A later page failed: what is shown stays.
      replace(below, errorBox(error, form ? form.mark(error) : error.details, next));
      if (shown === 0) count.textContent = "";
      return;
    } finally {
      busy = false;
    }
    const more = cursor !== null;
    const text = shown === 0 ? (more ? "Nothing found so far" : "Nothing found") : `${plural(shown, one, many)}${more ? " so far" : ""}`;
    count.textContent = text;
    say(text);
    wrapped.hidden = shown === 0;
    const loadMore = more && button(shown === before ? "Search on" : "Load more", async () => {
      const old = shown;
      await next();
      rows.tBodies[0].rows[old]?.querySelector("a, button")?.focus();
    });
    replace(below, shown === 0 && !more && el("div", { class: "empty" }, empty), loadMore);
  }
  await next();
  // Who comes back finds as much as was there before.
  while (cursor !== null && shown < before() && shown > 0 && below.querySelector(".error") === null) await next();
}

/** Names and values of a record. */
export function facts(pairs) {
  return el("dl", { class: "facts" }, pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

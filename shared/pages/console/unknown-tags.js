// Tags that nobody has: from refused to registered.

import { call, mayWrite, pages } from "./api.js";
import { append, code, el, link, time } from "./dom.js";
import { field, filters } from "./form.js";
import { nearMisses } from "./link.js";
import { registration } from "./register.js";
import { facts, list } from "./table.js";
import { plural } from "./words.js";

/** The API lists them by tag. So many are read, to show first what was seen last. */
const MOST = 1_000;
const ROWS = 50;

const kindOf = (type) => (type === "Vehicle" ? "A vehicle" : "A card");

export async function show(place, query, signal) {
  const form = filters("unknown-tags", [
    field({ name: "tag", field: "ocppIdTag", label: "Tag", value: query.tag, hint: "The tag of a card that was refused, in any spelling." }),
  ]);
  append(place, [el("p", { class: "lead" }, "Cards and vehicles that were refused because nobody has registered them, kept for 30 days."), form]);
  if (query.tag) await one(place, query.tag, form, signal);
  else await all(place, form, signal);
}

/** Gives the newest first: a page for a cursor, which is a place among all. Calls `cut` if there may be more than it has read. */
function newestFirst(signal, cut) {
  let all = null;
  return async (cursor) => {
    if (all === null) {
      const read = [];
      for await (const page of pages("/api/unknown-tags", {}, signal)) {
        read.push(...page);
        if (read.length >= MOST) break;
      }
      if (read.length >= MOST) cut();
      all = read.sort((left, right) => right.lastSeenAt.localeCompare(left.lastSeenAt));
    }
    const end = (cursor ?? 0) + ROWS;
    return { data: all.slice(cursor ?? 0, end), pagination: { nextPageCursor: end < all.length ? end : null } };
  };
}

async function all(place, form, signal) {
  const found = el("section", { "aria-label": "Unknown tags" });
  place.append(found);
  const cut = () => found.before(el("p", { class: "muted" }, `Only ${MOST.toLocaleString()} of them are shown. Find any other by its tag.`));
  await list({
    place: found, source: newestFirst(signal, cut), signal, form, caption: "Unknown tags", words: ["unknown tag", "unknown tags"],
    columns: [
      { title: "Last seen", cell: (record) => time(record.lastSeenAt) },
      { title: "Tag", cell: (record) => code(record.ocppIdTag) },
      { title: "As received", cell: (record) => code(record.receivedId) },
      { title: "Charge box", cell: (record) => code(record.chargeBox) },
      { title: "Looks like", cell: (record) => kindOf(record.looksLike) },
      { title: "Registered since", cell: (record) => record.accessId && link(record.accessId.name, "access-id", { id: record.accessId.id }) },
      { title: "", kind: "acts", cell: (record) => !record.accessId && link(mayWrite() ? "Register" : "Look", "unknown-tags", { tag: record.ocppIdTag }) },
    ],
    empty: [
      el("p", {}, el("strong", {}, "No unknown card was shown.")),
      el("p", {}, "When somebody holds a card to a charge box that is not registered, or plugs in a vehicle, its tag appears here and can be registered in one step."),
    ],
  });
}

async function one(place, tag, form, signal) {
  let found;
  try {
    found = await call("GET", "/api/unknown-tags", { query: { ocppIdTag: tag }, signal });
  } catch (error) {
    if (error.name !== "AbortError") form.mark(error);
    throw error;
  }
  const [record] = found.data;
  if (!record) {
    append(place, [el("div", { class: "empty" },
      el("p", {}, el("strong", {}, "This tag was not refused as unknown in the last 30 days.")),
      el("p", {}, link("Check it", "check", { ocppIdTag: tag }), " to see what a charge box would be told."),
      mayWrite() && el("p", {}, "It can be registered all the same:")),
    mayWrite() && el("section", { class: "card" }, registration({ ocppIdTag: tag }, signal))]);
    return;
  }
  append(place, [
    el("section", { class: "card" },
      el("h2", {}, "Tag ", code(record.ocppIdTag)),
      facts([
        ["As received", code(record.receivedId)],
        ["Looks like", kindOf(record.looksLike)],
        ["Refused", `${plural(record.seen, "time", "times")}${record.seen === 5000 ? " or more" : ""}`],
        ["First", time(record.firstSeenAt)],
        ["Last", [time(record.lastSeenAt), " at ", code(record.chargeBox)]],
        ["Registered", record.accessId ? link(record.accessId.name, "access-id", { id: record.accessId.id }) : "Not yet"],
      ]),
      record.nearMisses.length > 0 && [el("h3", {}, "May be the same card as"), nearMisses(record.nearMisses),
        el("p", { class: "muted" }, "Readers write a card's number in different ways. If one of these is the card in the driver's hand, register the tag as well; one card may have several.")],
      record.pairedWith && [el("h3", {}, "May belong to"), el("p", {}, link(record.pairedWith.name, "access-id", { id: record.pairedWith.id }),
        " was authorized at the same charge box within a minute after. If this is the vehicle of that driver, it can charge without the card from now on.")]),
    !record.accessId && mayWrite() && el("section", { class: "card" },
      el("h2", {}, "Register it"), registration({ ocppIdTag: record.ocppIdTag, type: record.looksLike }, signal)),
  ]);
}

// Who did what.

import { append, code, el, link, time } from "./dom.js";
import { field, filters, timeField } from "./form.js";
import { list } from "./table.js";
import { field as named, operation } from "./words.js";

export async function show(place, query, signal) {
  const form = filters("changes", [
    field({ name: "accessId", label: "Access ID's number", value: query.accessId, inputmode: "numeric" }),
    field({ name: "vehicleId", label: "Vehicle's number", value: query.vehicleId, inputmode: "numeric" }),
    timeField({ name: "changedAfter", label: "From", value: query.changedAfter }),
  ]);
  const found = el("section", { "aria-label": "Changes" });
  append(place, [el("p", { class: "lead" }, "What was created, changed and deleted, when, and with which credential, newest first. Kept for 400 days, unless the service is set up otherwise."), form, found]);
  await list({
    place: found, path: "/api/changes", query: { accessId: query.accessId, vehicleId: query.vehicleId, changedAfter: query.changedAfter }, signal, form,
    caption: "Changes", words: ["change", "changes"],
    columns: [
      { title: "Time", cell: (record) => time(record.changedAt) },
      { title: "What", cell: (record) => operation(record.operation) },
      { title: "Changed", kind: "wide", cell: (record) => el("ul", { class: "subjects" }, record.subjects.map((subject) => el("li", {}, who(subject), fields(subject.fields)))) },
      { title: "Credential", kind: "narrow", cell: (record) => code(record.credentialId) },
    ],
    empty: [
      el("p", {}, el("strong", {}, "No change fits.")),
      el("p", {}, "Every creation, change and deletion through the API or this console appears here."),
    ],
  });
}

function who({ kind, id }) {
  return kind === "vehicle" ? link(`Vehicle ${id}`, "vehicle", { id }) : link(`Access ID ${id}`, "access-id", { id });
}

/** The fields that changed, each with its value before and after. What is new had none before. */
function fields(changed) {
  const isNew = Object.values(changed).every(([from]) => from === null);
  return el("ul", {}, Object.entries(changed).map(([name, [from, to]]) => el("li", {}, `${named(name)}: `, !isNew && [value(from), " → "], value(to))));
}

export function value(given) {
  if (given === null || given === undefined) return el("span", { class: "muted" }, "none");
  if (Array.isArray(given) && given.length === 0) return el("span", { class: "muted" }, "none");
  return el("span", { class: "value", dir: "auto" }, typeof given === "object" ? JSON.stringify(given) : String(given));
}

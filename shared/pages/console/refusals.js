// Why was a card refused? The decision journal, and a chart of it.

import { mayWrite } from "./api.js";
import { chart } from "./chart.js";
import { append, code, el, link, replace, time } from "./dom.js";
import { field, filters } from "./form.js";
import { list } from "./table.js";
import { whenFields } from "./when.js";
import { REASONS, decision, explained } from "./words.js";

export async function show(place, query, signal) {
  const all = query.show === "all";
  const form = filters("refusals", [
    field({ name: "tag", field: "ocppIdTag", label: "Tag", value: query.tag, placeholder: "04:E1:A2:B3" }),
    field({ name: "chargeBox", label: "Charge box", value: query.chargeBox }),
    whenFields({ after: query.after, before: query.before, fields: ["decidedAfter", "decidedBefore"] }),
    field({ name: "reason", label: "Reason", value: query.reason ?? "", options: [["", "Any"], ...Object.entries(REASONS)] }),
    field({ name: "show", field: "authorized", label: "Decisions", value: query.show ?? "", options: [["", "Refused"], ["all", "All"]] }),
  ], { kept: { accessId: query.accessId } });
  const figure = el("section", { class: "card chart-card", "aria-label": "Chart" }, el("p", { class: "muted" }, "Loading the chart …"));
  const found = el("section", { "aria-label": "Decisions" });
  append(place, [
    el("p", { class: "lead" }, all ? "What was asked at the charge boxes and what was decided, newest first." : "Who was refused at the charge boxes, where and why, newest first."),
    query.accessId && el("p", {}, "Of access ID ", link(query.accessId, "access-id", { id: query.accessId }), ". ", link("Show those of all", "refusals", { ...query, accessId: null })),
    form, figure, found]);
  const wanted = {
    ocppIdTag: query.tag, accessId: query.accessId, chargeBox: query.chargeBox, reason: query.reason,
    authorized: all ? null : "false", decidedAfter: query.after, decidedBefore: query.before,
  };
  const drawn = chart(wanted, signal, figure, query).then((content) => replace(figure, content), () => figure.remove());
  await list({
    place: found, path: "/api/decisions", query: wanted, signal, form, caption: "Decisions", words: ["decision", "decisions"],
    columns: [
      { title: "Time", cell: (record) => time(record.decidedAt) },
      { title: "Decision", cell: (record) => [decision(record.authorized, record.reason), !record.authorized && el("span", { class: "note" }, explained(record.reason))] },
      { title: "Card", cell: (record) => [record.accessId && link(record.accessId.name, "access-id", { id: record.accessId.id }, { class: "name" }), code(record.ocppIdTag ?? record.receivedId)] },
      { title: "Charge box", cell: (record) => [code(record.chargeBox), el("span", { class: "note" }, record.type === "start" ? "To start a charge" : "Card shown")] },
      { title: "", kind: "acts", cell: acts },
    ],
    empty: [
      el("p", {}, el("strong", {}, all ? "No decision fits." : "Nobody was refused.")),
      el("p", {}, "Each time a card or a vehicle is refused at a charge box, it appears here with the reason. Entries are kept for 30 days, unless the service is set up otherwise."),
    ],
  });
  await drawn;
}

function acts(record) {
  const check = { ocppIdTag: record.receivedId, chargeBox: record.chargeBox, type: record.type };
  const canRegister = mayWrite() && record.reason === "unknown" && record.ocppIdTag !== null && record.accessId === null;
  return [
    link("Check now", "check", check),
    canRegister && link("Register", "unknown-tags", { tag: record.ocppIdTag }),
  ];
}

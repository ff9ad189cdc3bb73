// The fleet's vehicles.

import { mayWrite } from "./api.js";
import { append, code, el, link } from "./dom.js";
import { field, filters } from "./form.js";
import { list } from "./table.js";

export async function show(place, query, signal, heading) {
  const form = filters("vehicles", [
    field({ name: "q", label: "Part of name, make, model, VIN or plate", value: query.q }),
    field({ name: "ocppIdTag", label: "Tag of one of its access IDs", value: query.ocppIdTag }),
    field({ name: "customer", label: "Customer", value: query.customer, hint: "The whole name." }),
  ]);
  append(heading.parentElement, [mayWrite() && link("New vehicle", "new-vehicle", {}, { class: "button primary" })]);
  const found = el("section", { "aria-label": "Vehicles" });
  append(place, [el("p", { class: "lead" }, "Vehicles, and the cards and tags that belong to them."), form, found]);
  await list({
    place: found, path: "/api/vehicles", query, signal, form, caption: "Vehicles", words: ["vehicle", "vehicles"],
    columns: [
      { title: "Name", cell: (record) => link(record.name, "vehicle", { id: record.id }) },
      { title: "Make and model", cell: (record) => [record.make, record.model].filter(Boolean).join(" ") },
      { title: "License plate", cell: (record) => record.licensePlate },
      { title: "VIN", cell: (record) => record.vin && code(record.vin) },
      { title: "Customer", cell: (record) => record.customer?.name },
      { title: "Access IDs", cell: (record) => record.accessIds.length },
    ],
    empty: [
      el("p", {}, el("strong", {}, "No vehicle fits.")),
      el("p", {}, "A vehicle keeps its cards and its own tag together, so that a card can be replaced and all of them can be blocked at once."),
    ],
  });
}

// Customers, and how one is offboarded.

import { mayWrite } from "./api.js";
import { append, button, el, link } from "./dom.js";
import { field, filters } from "./form.js";
import { offboard } from "./revoke.js";
import { list } from "./table.js";

export async function show(place, query, signal) {
  const form = filters("customers", [field({ name: "q", label: "Part of the name", value: query.q })]);
  const result = el("div", {});
  const found = el("section", { "aria-label": "Customers" });
  append(place, [el("p", { class: "lead" }, "Whom cards and vehicles belong to. Offboard a customer to block all cards and vehicles of theirs at once, and to see which others are linked to a vehicle of theirs."), form, result, found]);
  await list({
    place: found, path: "/api/customers", query, signal, form, caption: "Customers", words: ["customer", "customers"],
    columns: [
      { title: "Name", cell: (record) => el("span", { dir: "auto" }, record.name) },
      { title: "", kind: "acts", cell: (record) => [
        link("Access IDs", "access-ids", { customer: record.name }, { "aria-label": `Access IDs of ${record.name}` }),
        link("Vehicles", "vehicles", { customer: record.name }, { "aria-label": `Vehicles of ${record.name}` }),
        mayWrite() && button("Offboard", () => offboard({ customer: { name: record.name } }, record.name, result, signal), { class: "danger small", "aria-label": `Offboard ${record.name}` }),
      ] },
    ],
    empty: [
      el("p", {}, el("strong", {}, "No customer fits.")),
      el("p", {}, "A customer appears here as soon as a card or a vehicle is given to them."),
    ],
  });
}

// Cards and vehicles that may charge, and those that may not any more.

import { append, code, el, link, time } from "./dom.js";
import { field, filters } from "./form.js";
import { registerLink } from "./register.js";
import { list } from "./table.js";
import { status } from "./words.js";

const ANY = [["", "Any"]];

export async function show(place, query, signal, heading) {
  const form = filters("access-ids", [
    field({ name: "ocppIdTag", label: "Tag", value: query.ocppIdTag, hint: "The whole number of the card, in any spelling." }),
    field({ name: "q", label: "Part of name or tag", value: query.q }),
    field({ name: "customer", label: "Customer", value: query.customer, hint: "The whole name." }),
    field({ name: "authorizationStatus", label: "Status", value: query.authorizationStatus ?? "", options: [...ANY, ["Authorized", "Authorized"], ["Revoked", "Revoked"]] }),
    field({ name: "type", label: "Type", value: query.type ?? "", options: [...ANY, ["RFID", "RFID card"], ["Vehicle", "Vehicle"]] }),
    // Nobody knows this number by heart; a link does.
    query.vehicleId && field({ name: "vehicleId", label: "Vehicle's number", value: query.vehicleId, inputmode: "numeric" }),
  ]);
  append(heading.parentElement, [registerLink()]);
  const found = el("section", { "aria-label": "Access IDs" });
  append(place, [el("p", { class: "lead" }, "Every card and vehicle that is registered. Open one to rename it, block it, or say when and where it may charge."), form, found]);
  await list({
    place: found, path: "/api/access-ids", query, signal, form, caption: "Access IDs", words: ["access ID", "access IDs"],
    columns: [
      { title: "Name", cell: (record) => link(record.name, "access-id", { id: record.id }) },
      { title: "Tag", cell: (record) => code(record.ocppIdTag) },
      { title: "Status", cell: (record) => status(record.authorizationStatus) },
      { title: "Type", cell: (record) => (record.type === "RFID" ? "RFID card" : "Vehicle") },
      { title: "Vehicle", cell: (record) => record.vehicle && link(record.vehicle.name, "vehicle", { id: record.vehicle.id }) },
      { title: "Changed", cell: (record) => time(record.updatedAt) },
    ],
    empty: [
      el("p", {}, el("strong", {}, "No access ID fits.")),
      el("p", {}, "An access ID is a card or a vehicle that a charge box can tell by its tag. Register one here, take one over from ", link("Unknown tags", "unknown-tags"), ", or bring in many with ", link("Import", "import"), "."),
    ],
  });
}

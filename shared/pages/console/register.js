// Registers a card or a vehicle.

import { call, mayWrite } from "./api.js";
import { address, append, el, link, tell } from "./dom.js";
import { chosenVehicle, field, form, vehicleField } from "./form.js";

export async function show(place, query, signal) {
  if (!mayWrite()) {
    append(place, [el("p", { class: "empty" }, "A token that begins with view_ cannot register anything.")]);
    return;
  }
  append(place, [
    el("p", { class: "lead" }, "A registered card or vehicle may charge at once, unless you choose otherwise. The tag is what the charge box reads: the number of a card or the MAC address of a vehicle."),
    el("section", { class: "card" }, registration({ type: query.type }, signal)),
  ]);
}

/** The form that registers. `known` is what is known already; a tag that is known cannot be changed. */
export function registration(known, signal) {
  const pick = vehicleField("vehicleId", "accessId.vehicleId", "Vehicle", signal);
  const details = el("div", { class: "fields" },
    field({ name: "make", field: "accessId.vehicle.make", label: "Make" }),
    field({ name: "model", field: "accessId.vehicle.model", label: "Model" }),
    field({ name: "vin", field: "accessId.vehicle.vin", label: "VIN" }));
  const type = field({ name: "type", field: "accessId.type", label: "Type", value: known.type ?? "RFID", options: [["RFID", "RFID card"], ["Vehicle", "Vehicle (Autocharge, Plug and Charge)"]] });
  const vehicle = field({ name: "vehicle", field: "accessId.vehicle", label: "Its vehicle", value: "", options: [["", "No vehicle"], ["new", "A new vehicle"], ["existing", "A vehicle that is known"]] });
  const [typeInput, vehicleInput] = [type, vehicle].map((part) => part.querySelector("select"));
  const adapt = () => {
    vehicle.hidden = typeInput.value !== "Vehicle";
    details.hidden = vehicle.hidden || vehicleInput.value !== "new";
    pick.hidden = vehicle.hidden || vehicleInput.value !== "existing";
  };
  for (const input of [typeInput, vehicleInput]) input.addEventListener("change", adapt);
  adapt();
  return form({
    label: "Register", submit: "Register",
    fields: [
      field({ name: "ocppIdTag", field: "accessId.ocppIdTag", label: "Tag", required: true, value: known.ocppIdTag, readonly: known.ocppIdTag !== undefined, hint: "Case and separators do not matter: 04:E1:A2:B3 is 04e1a2b3." }),
      field({ name: "name", field: "accessId.name", label: "Name", required: true, hint: "What people call it, such as the driver's name." }),
      field({ name: "customer", field: "accessId.customer.name", label: "Customer" }),
      type,
      field({ name: "authorizationStatus", field: "accessId.authorizationStatus", label: "Status", value: "Authorized", options: [["Authorized", "Authorized: may charge"], ["Revoked", "Revoked: must not charge"]] }),
      vehicle, details, pick,
    ],
    async send(given, key) {
      const accessId = {
        type: given.type, ocppIdTag: given.ocppIdTag, name: given.name, authorizationStatus: given.authorizationStatus,
        customer: given.customer ? { name: given.customer } : null,
      };
      if (given.type === "Vehicle" && given.vehicle === "new") {
        accessId.vehicle = { make: given.make || null, model: given.model || null, vin: given.vin || null };
      }
      if (given.type === "Vehicle" && given.vehicle === "existing") accessId.vehicleId = chosenVehicle(given.vehicleId, "accessId.vehicleId");
      const created = await call("POST", "/api/access-ids", { body: { accessId }, key });
      tell(`${created.accessId.name} is registered`);
      location.hash = address("access-id", { id: created.accessId.id });
    },
  });
}

/** The way to the form from elsewhere. */
export function registerLink() {
  return mayWrite() && link("Register an access ID", "register", {}, { class: "button primary" });
}

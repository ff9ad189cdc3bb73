// One card or vehicle: rename, block, authorize, link, rules, delete.

import { call, mayWrite } from "./api.js";
import { address, append, button, code, confirm, el, link, replace, tell, time } from "./dom.js";
import { act, chosenVehicle, field, form, vehicleField } from "./form.js";
import { blockButton } from "./revoke.js";
import { readRules, rules } from "./rules.js";
import { facts } from "./table.js";
import { status } from "./words.js";

/** A name longer than this is shown in smaller letters. */
export const LONG = 60;

export async function show(place, query, signal, heading) {
  const path = `/api/access-ids/${encodeURIComponent(query.id ?? "")}`;
  const [document, ruled] = await Promise.all([call("GET", path, { signal }), readRules(path, signal)]);
  const linked = await vehicleOf(document.accessId, signal);
  const summary = el("section", { class: "card" });
  const message = el("div", {});
  const actions = el("div", { class: "actions" });
  const problems = el("div", {});
  const editing = el("section", { class: "card" });
  const linking = el("section", { class: "card" });
  append(heading.parentElement, [actions]);
  append(place, [problems, message, summary]);
  if (mayWrite()) append(place, [editing, linking]);
  append(place, [el("section", { class: "card" }, el("h2", {}, "When and where it may charge"), rules(path, ruled, signal)),
    mayWrite() && remove(document.accessId, path)]);

  let accessId = { ...document.accessId, vehicle: linked };
  const take = async (answer) => {
    accessId = { ...answer.accessId, vehicle: await vehicleOf(answer.accessId) };
    fill();
  };
  const update = async (change) => take(await call("PATCH", path, { body: { accessId: change } }));
  const reload = async (said) => {
    await take(await call("GET", path));
    replace(message, said);
    said.focus();
  };

  function fill() {
    heading.textContent = accessId.name;
    heading.classList.toggle("long", accessId.name.length > LONG);
    window.document.title = `${accessId.name} – Charge access`;
    replace(summary,
      facts([
        ["Status", status(accessId.authorizationStatus)],
        ["Tag", code(accessId.ocppIdTag)],
        ["Type", accessId.type === "RFID" ? "RFID card" : "Vehicle"],
        ["Customer", accessId.customer ? link(accessId.customer.name, "access-ids", { customer: accessId.customer.name }) : "None"],
        ["Vehicle", accessId.vehicle ? link(accessId.vehicle.name, "vehicle", { id: accessId.vehicle.id }) : accessId.vehicle === null ? "None" : "Not known"],
        accessId.revokedAt ? ["Blocked since", time(accessId.revokedAt)] : ["Authorized since", time(accessId.authorizedAt)],
        ["Registered", time(accessId.createdAt)],
        ["Changed", time(accessId.updatedAt)],
        ["Number", accessId.id],
      ]));
    replace(actions,
      mayWrite() && (accessId.authorizationStatus === "Authorized"
        ? blockButton(accessId, problems, reload)
        : button("Authorize", async () => { if (await act(problems, `${accessId.name} is authorized`, () => update({ authorizationStatus: "Authorized" }).then(() => true))) replace(message); }, { class: "primary" })),
      link("Check", "check", { ocppIdTag: accessId.ocppIdTag }, { class: "button" }),
      link("Decisions", "refusals", { accessId: accessId.id, show: "all" }, { class: "button" }),
      link("Changes", "changes", { accessId: accessId.id }, { class: "button" }));
    if (mayWrite()) {
      replace(editing, el("h2", {}, "Name and customer"), edit(accessId, update));
      replace(linking, el("h2", {}, "Vehicle"), vehicle(accessId, update, signal));
    }
    // What was pressed may be gone.
    if (window.document.activeElement === window.document.body) heading.focus({ preventScroll: true });
  }
  fill();
}

/**
 * The vehicle that an access ID is linked to, null if none. Records of cards do not name it, but it can be found by the tag, unless
 * that is one of before, which is refused today: undefined.
 */
async function vehicleOf({ type, vehicle, ocppIdTag }, signal) {
  if (type === "Vehicle") return vehicle;
  try {
    const { data: [found = null] } = await call("GET", "/api/vehicles", { query: { ocppIdTag }, signal });
    return found;
  } catch (error) {
    if (error.status === 400) return undefined;
    throw error;
  }
}

function edit(accessId, update) {
  return form({
    label: "Name and customer", submit: "Save",
    fields: [
      field({ name: "name", field: "accessId.name", label: "Name", value: accessId.name, required: true }),
      field({ name: "customer", field: "accessId.customer.name", label: "Customer", value: accessId.customer?.name, hint: "Empty for none." }),
    ],
    async send({ name, customer }) {
      await update({ name, customer: customer ? { name: customer } : null });
      tell("Saved");
    },
  });
}

function vehicle(accessId, update, signal) {
  const problems = el("div", {});
  return [
    el("p", { class: "muted" }, accessId.vehicle ? ["Linked to ", link(accessId.vehicle.name, "vehicle", { id: accessId.vehicle.id }), "."] : accessId.vehicle === null ? "Not linked to a vehicle." : "A vehicle cannot be found by this tag."),
    form({
      label: "Vehicle", submit: accessId.vehicle ? "Move to this vehicle" : "Link to this vehicle",
      fields: [vehicleField("vehicleId", "accessId.vehicleId", "Vehicle", signal)],
      extra: accessId.vehicle && button("Unlink", () => act(problems, "Unlinked", () => update({ vehicleId: null }))),
      async send({ vehicleId }) {
        await update({ vehicleId: chosenVehicle(vehicleId, "accessId.vehicleId") });
        tell("Linked");
      },
    }), problems];
}

function remove(accessId, path) {
  const problems = el("div", {});
  return el("section", { class: "card" }, el("h2", {}, "Delete"),
    el("p", {}, "A deleted access ID is gone, and its tag is free to be registered anew. To stop a card from charging, block it instead: its history then stays with it."),
    button("Delete", async () => {
      const isSure = await confirm("Delete this access ID?", el("p", {}, el("strong", { dir: "auto" }, accessId.name), " ", code(accessId.ocppIdTag), " will be gone. This cannot be undone."), "Delete it");
      if (!isSure) return;
      const done = await act(problems, "Deleted", async () => {
        await call("DELETE", path);
        return true;
      });
      if (done) location.hash = address("access-ids");
    }, { class: "danger" }), problems);
}

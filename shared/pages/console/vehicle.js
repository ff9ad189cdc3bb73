// One vehicle: edit it, replace its card, block all of its cards, delete it.

import { call, mayWrite } from "./api.js";
import { address, append, button, code, confirm, el, link, replace, tell } from "./dom.js";
import { act, field, form } from "./form.js";
import { offboard, outcome, revoke } from "./revoke.js";
import { LONG } from "./access-id.js";
import { facts, table } from "./table.js";
import { plural, status } from "./words.js";

/** How many access IDs of a vehicle are shown at first. */
const FIRST = 10;

const FIELDS = [["make", "Make"], ["model", "Model"], ["vin", "VIN"], ["licensePlate", "License plate"]];

function inputs(vehicle = {}) {
  return [
    field({ name: "name", field: "vehicle.name", label: "Name", required: true, value: vehicle.name }),
    FIELDS.map(([name, label]) => field({ name, field: `vehicle.${name}`, label, value: vehicle[name] })),
    field({ name: "customer", field: "vehicle.customer.name", label: "Customer", value: vehicle.customer?.name }),
  ].flat();
}

function read(given) {
  const optional = Object.fromEntries(FIELDS.map(([name]) => [name, given[name] || null]));
  return { name: given.name, ...optional, customer: given.customer ? { name: given.customer } : null };
}

export async function create(place) {
  if (!mayWrite()) {
    append(place, [el("p", { class: "empty" }, "A token that begins with view_ cannot create anything.")]);
    return;
  }
  append(place, [el("section", { class: "card" }, form({
    label: "New vehicle", submit: "Create",
    fields: [inputs(), field({
      name: "tags", field: "vehicle.accessIds", label: "Tags", multiline: true, wide: true,
      hint: "One in each line, up to 40. A tag that is known is linked to the vehicle; any other is registered with the vehicle's name.",
    })],
    async send(given, key) {
      const tags = given.tags.split("\n").map((line) => line.trim()).filter(Boolean);
      const vehicle = { ...read(given), ...(tags.length > 0 && { accessIds: tags.map((ocppIdTag) => ({ ocppIdTag })) }) };
      const created = await call("POST", "/api/vehicles", { body: { vehicle }, key });
      tell(`${created.vehicle.name} is created`);
      location.hash = address("vehicle", { id: created.vehicle.id });
    },
  }))]);
}

export async function show(place, query, signal, heading) {
  const path = `/api/vehicles/${encodeURIComponent(query.id ?? "")}`;
  const { vehicle } = await call("GET", path, { signal });
  const again = async (said) => {
    replace(place);
    await show(place, query, signal, heading);
    if (said) place.prepend(said);
    // What was pressed is gone.
    heading.focus();
  };
  heading.textContent = vehicle.name;
  document.title = `${vehicle.name} – Charge access`;
  heading.classList.toggle("long", vehicle.name.length > LONG);
  const replacing = mayWrite() && vehicle.accessIds.length > 0 && replacement(vehicle, again);
  replace(heading.parentElement, heading, el("div", { class: "actions" }, link("Changes", "changes", { vehicleId: vehicle.id }, { class: "button" })));
  append(place, [
    el("section", { class: "card" }, facts([
      ...FIELDS.map(([name, label]) => [label, vehicle[name] ?? "–"]),
      ["Customer", vehicle.customer ? link(vehicle.customer.name, "vehicles", { customer: vehicle.customer.name }) : "None"],
      ["Number", vehicle.id],
    ])),
    el("section", { class: "card" }, el("h2", {}, plural(vehicle.accessIds.length, "access ID", "access IDs")), accessIds(vehicle, replacing), mayWrite() && block(vehicle, signal)),
    replacing && el("section", { class: "card" }, el("h2", {}, "Replace a card"),
      el("p", { class: "muted" }, "The new card takes over name, customer and rules, and is linked to this vehicle. Then the old one is blocked."), replacing),
    mayWrite() && el("section", { class: "card" }, el("h2", {}, "Edit"), form({
      label: "Edit", submit: "Save", fields: inputs(vehicle),
      async send(given) {
        await call("PATCH", path, { body: { vehicle: read(given) } });
        tell("Saved");
        await again();
      },
    })),
    mayWrite() && remove(vehicle, path),
  ]);
}

function accessIds(vehicle, replacing) {
  if (vehicle.accessIds.length === 0) return el("p", { class: "muted" }, "None. Open an access ID to link it to this vehicle.");
  const rows = table("Access IDs of the vehicle", [
    { title: "Tag", cell: (record) => link(record.ocppIdTag, "access-id", { id: record.id }) },
    { title: "Status", cell: (record) => status(record.authorizationStatus) },
    { title: "", kind: "acts", cell: (record) => replacing && button("Replace", () => replacing.choose(record.id), { class: "small", "aria-label": `Replace ${record.ocppIdTag}` }) },
  ], vehicle.accessIds.slice(0, FIRST));
  const more = button(`Show all ${vehicle.accessIds.length}`, () => {
    rows.add(vehicle.accessIds.slice(FIRST));
    more.remove();
    rows.tBodies[0].rows[FIRST].querySelector("a").focus();
  });
  return [el("div", { class: "table" }, rows), vehicle.accessIds.length > FIRST && el("div", { class: "below" }, more)];
}

function block(vehicle, signal) {
  if (!vehicle.accessIds.some(({ authorizationStatus }) => authorizationStatus === "Authorized")) return null;
  const place = el("div", {});
  return [el("div", { class: "actions" }, button("Block all of them", () => offboard({ vehicleId: vehicle.id }, vehicle.name, place, signal), { class: "danger" })), place];
}

/**
 * The new card is registered, ruled and linked first, then the old one is blocked: in between both charge, and never none. One that
 * cannot be ruled or linked by the request that creates it must not charge before it is.
 */
function replacement(vehicle, again) {
  const made = {};
  const [charging, blocked] = ["Authorized", "Revoked"].map((wanted) => vehicle.accessIds.filter(({ authorizationStatus }) => authorizationStatus === wanted));
  const element = form({
    label: "Replace a card", submit: "Replace",
    fields: [
      field({ name: "old", field: "", label: "Card to be replaced", options: [...charging, ...blocked].map(({ id, ocppIdTag, authorizationStatus }) => [id, `${ocppIdTag} (${authorizationStatus})`]) }),
      field({ name: "tag", field: "accessId.ocppIdTag", label: "Tag of the new card", required: true }),
    ],
    async send({ old, tag }, key) {
      const path = `/api/access-ids/${old}`;
      const [{ accessId: before }, { rules }] = await Promise.all([call("GET", path), call("GET", `${path}/rules`)]);
      const isRuled = Object.values(rules).some((rule) => rule !== null);
      const isCard = before.type === "RFID";
      // What a first try has done already is not done again.
      if (made.key !== key) {
        const accessId = { type: before.type, ocppIdTag: tag, name: before.name, customer: before.customer && { name: before.customer.name } };
        if (!isCard) accessId.vehicleId = vehicle.id;
        const isRevoked = isCard || isRuled;
        if (isRevoked) accessId.authorizationStatus = "Revoked";
        Object.assign(made, { id: (await call("POST", "/api/access-ids", { body: { accessId }, key })).accessId.id, key, isRevoked });
      }
      if (isRuled) await call("PUT", `/api/access-ids/${made.id}/rules`, { body: { rules } });
      if (made.isRevoked) await call("PATCH", `/api/access-ids/${made.id}`, { body: { accessId: { authorizationStatus: "Authorized", vehicleId: vehicle.id } } });
      const done = await revoke({ accessIds: [before.id] }, {});
      // The new card may look like the old one: it is the one that is meant to charge.
      done.nearMisses = done.nearMisses.filter((near) => near.accessId.id !== made.id);
      tell("The card is replaced");
      await again(el("div", {}, el("p", { class: "done", role: "status" }, "The new card ", code(tag), " is registered and linked."), outcome(done)));
    },
  });
  element.choose = (id) => {
    element.querySelector("select").value = id;
    element.scrollIntoView({ block: "center" });
    element.querySelector("input").focus({ preventScroll: true });
  };
  return element;
}

function remove(vehicle, path) {
  const problems = el("div", {});
  return el("section", { class: "card" }, el("h2", {}, "Delete"),
    vehicle.accessIds.length > 0
      ? el("p", {}, `${plural(vehicle.accessIds.length, "access ID is", "access IDs are")} linked to this vehicle. Unlink or delete them first.`)
      : el("p", {}, "A deleted vehicle is gone. Cards are not touched by it."),
    button("Delete", async () => {
      const isSure = await confirm("Delete this vehicle?", el("p", {}, el("strong", { dir: "auto" }, vehicle.name), " will be gone. This cannot be undone."), "Delete it");
      if (!isSure) return;
      const done = await act(problems, "Deleted", async () => {
        await call("DELETE", path);
        return true;
      });
      if (done) location.hash = address("vehicles");
    }, { class: "danger" }), problems);
}

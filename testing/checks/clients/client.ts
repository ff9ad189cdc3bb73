// What an operator and a charging platform do, with a client that openapi-typescript generated. It is compiled with all of
// TypeScript's strictness, so the types are part of the check. Run by ../clients.py.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type NewAccessId = components["schemas"]["NewAccessId"];

function variable(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set`);
  return value;
}

const api = createClient<paths>({
  baseUrl: variable("API"),
  headers: { Authorization: `Bearer ${variable("TOKEN")}` },
});
const thor = createClient<paths>({ baseUrl: variable("RFID_URL") });

async function ask(id: string, type: components["schemas"]["AuthorizationType"]) {
  return thor.POST("/{secret}", {
    params: { path: { secret: variable("SECRET") } },
    body: { msg: "rfid", id, chargebox: "EaJ7cU9NJ3YkTNgy", type, connector: 1 },
  });
}

const card: NewAccessId = {
  type: "RFID",
  name: "Card of a TypeScript client",
  ocppIdTag: "04:71:86:A6",
  customer: { name: "TypeScript" },
};
const created = await api.POST("/api/access-ids", {
  params: { header: { "Idempotency-Key": `typescript-${Date.now()}` } },
  body: { accessId: card },
});
assert(created.data, JSON.stringify(created.error));
const { id, ocppIdTag, customer } = created.data.accessId;
assert.equal(ocppIdTag, "047186a6");
assert.equal(customer?.name, "TypeScript");

const taken = await api.POST("/api/access-ids", { body: { accessId: card } });
assert(taken.error && taken.response.status === 409);
assert("code" in taken.error && taken.error.code === "tag_taken");

const refused = await api.POST("/api/access-ids", { body: { accessId: { ...card, name: " " } } });
assert(refused.error && "details" in refused.error);
assert.equal(refused.error.details[0]?.field, "accessId.name");

const van = await api.POST("/api/vehicles", {
  body: { vehicle: { name: "Van", make: null, accessIds: [{ ocppIdTag: "VID:7186.A61E.0001" }] } },
});
assert(van.data, JSON.stringify(van.error));
const port: NewAccessId = {
  type: "Vehicle",
  name: "Second port",
  ocppIdTag: "7186a61e0002",
  vehicleId: van.data.vehicle.id,
};
const linked = await api.POST("/api/access-ids", { body: { accessId: port } });
assert.equal(linked.data?.accessId.vehicle?.id, van.data.vehicle.id);

let isListed = false;
let nextPageCursor: string | null = null;
do {
  const page: Awaited<ReturnType<typeof list>> = await list(nextPageCursor);
  assert(page.data, JSON.stringify(page.error));
  isListed ||= page.data.data.some((accessId) => accessId.id === id);
  nextPageCursor = page.data.pagination.nextPageCursor;
} while (nextPageCursor !== null);
assert(isListed);

function list(cursor: string | null) {
  const query = cursor === null ? { limit: 2 } : { limit: 2, nextPageCursor: cursor };
  return api.GET("/api/access-ids", { params: { query } });
}

const renamed = await api.PATCH("/api/access-ids/{id}", {
  params: { path: { id } },
  body: { accessId: { name: "Renamed", customer: null } },
});
assert.equal(renamed.data?.accessId.name, "Renamed");
assert.equal(renamed.data.accessId.customer, null);

const accepted = await ask("047186A6", "authorize");
assert.equal(accepted.data?.accessId.id, id);

const revoked = await api.PATCH("/api/access-ids/{id}", {
  params: { path: { id } },
  body: { accessId: { authorizationStatus: "Revoked" } },
});
assert.equal(revoked.data?.accessId.authorizationStatus, "Revoked");

const rejected = await ask("047186A6", "start");
assert(rejected.error && "reason" in rejected.error);
assert.equal(rejected.error.reason, "revoked");

const missing = await api.GET("/api/vehicles/{id}", { params: { path: { id: 1 } } });
assert(missing.error && missing.response.status === 404);
console.log("clients: TypeScript: create, list, patch, revoke and ask do what they say");

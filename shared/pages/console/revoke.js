// Blocks cards: one, those of a vehicle or those of a customer.

import { call, pages } from "./api.js";
import { button, code, confirm, el, link, replace, tell } from "./dom.js";
import { act, errorBox } from "./form.js";
import { nearMisses } from "./link.js";
import { plural } from "./words.js";

/** How many access IDs one request may name. */
const AT_ONCE = 100;
/** How many of many are listed. */
const SHOWN = 20;

/**
 * Sends a revocation until the service says that it was all. Resolves to what was revoked, also when the signal stops it half
 * way: what is revoked stays revoked, and sending it again goes on.
 */
export async function revoke(target, { dryRun = false, signal, progress = () => {} }) {
  const done = { revoked: [], alreadyRevoked: 0, nearMisses: [], isWhole: true };
  let cursor = null;
  do {
    if (signal?.aborted) return { ...done, isWhole: false };
    const revocation = { ...target, ...(dryRun && { dryRun: true }), ...(cursor !== null && { nextPageCursor: cursor }) };
    const part = (await call("POST", "/api/revocations", { body: { revocation } })).revocation;
    done.revoked.push(...part.revoked);
    const already = part.alreadyRevoked;
    done.alreadyRevoked += Array.isArray(already) ? already.length : Number(already);
    done.nearMisses.push(...part.nearMisses);
    cursor = part.nextPageCursor;
    progress(done);
  } while (cursor !== null);
  return done;
}

/** What a revocation did, to whom. Cards that look like a revoked one and still charge can be blocked from here. */
export function outcome(done, { changed = () => {}, who = null } = {}) {
  const problems = el("div", {});
  const block = (near) => button("Block it too", async (event) => {
    const pressed = event.currentTarget;
    const result = await act(problems, null, () => revoke({ accessIds: [near.accessId.id] }, {}));
    if (!result) return;
    pressed.replaceWith(el("strong", {}, "Blocked"));
    tell(`${near.accessId.name} is blocked`);
    changed();
  }, { class: "danger small", "aria-label": `Block ${near.accessId.name} too` });
  return el("div", { class: "done", role: "status", tabindex: "-1" },
    el("p", {}, who && [el("span", { dir: "auto" }, who), ": "], el("strong", {}, `${plural(done.revoked.length, "card or vehicle was", "cards and vehicles were")} blocked`),
      done.alreadyRevoked > 0 ? `; ${done.alreadyRevoked.toLocaleString()} already had been.` : "."),
    !done.isWhole && el("p", {}, "You stopped before the end: send it again to block the rest."),
    done.nearMisses.length > 0 && [
      el("p", {}, "These look like a card that was blocked, and still charge. If one is the same card, block it too:"),
      nearMisses(done.nearMisses, block)],
    problems);
}

/** The button that blocks one access ID after a question. */
export function blockButton(accessId, place, changed) {
  return button("Block", async () => {
    const isSure = await confirm("Block this access ID?", el("p", {}, el("strong", { dir: "auto" }, accessId.name), " ", code(accessId.ocppIdTag),
      " will be refused at every charge box from now on. You can authorize it again later."), "Block it");
    if (!isSure) return;
    const done = await act(place, `${accessId.name} is blocked`, () => revoke({ accessIds: [accessId.id] }, {}));
    if (done) changed(outcome(done));
  }, { class: "danger" });
}

/**
 * The access IDs that are linked to a vehicle of the customer and charge, but have another customer or none: a revocation of the
 * customer's access IDs, whose numbers are `own`, leaves them.
 */
async function linkedOnly(customer, own, signal) {
  const found = [];
  for await (const page of pages("/api/vehicles", { customer: customer.name }, signal)) {
    for (const vehicle of page) {
      const left = vehicle.accessIds.filter(({ id, authorizationStatus }) => authorizationStatus === "Authorized" && !own.has(id));
      found.push(...left.map((accessId) => ({ ...accessId, vehicle })));
    }
  }
  return found;
}

/** Revokes these, of which there may be more than a request may name, and adds to `done` what came of it. Resolves to true. */
async function revokeAll(found, done) {
  const ids = found.map(({ id }) => id);
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const part = await revoke({ accessIds: ids.slice(at, at + AT_ONCE) }, {});
    done.revoked.push(...part.revoked);
    done.nearMisses.push(...part.nearMisses);
  }
  done.alreadyRevoked = ids.length - done.revoked.length;
  done.nearMisses = done.nearMisses.filter(({ accessId }) => !ids.includes(accessId.id));
  return true;
}

/** Shows them, with a button that blocks them too. */
function others(found, who) {
  if (found.length === 0) return null;
  const place = el("div", {});
  const problems = el("div", {});
  // What a first try has done counts, too.
  const done = { revoked: [], alreadyRevoked: 0, nearMisses: [], isWhole: true };
  replace(place,
    el("p", {}, `${plural(found.length, "access ID is", "access IDs are")} linked to a vehicle of `, el("strong", { dir: "auto" }, who), " but registered for somebody else or nobody, and still may charge:"),
    el("ul", {}, found.slice(0, SHOWN).map(({ id, ocppIdTag, vehicle }) => el("li", {}, link(ocppIdTag, "access-id", { id }), " of ", link(vehicle.name, "vehicle", { id: vehicle.id }))),
      found.length > SHOWN && el("li", {}, `${(found.length - SHOWN).toLocaleString()} more`)),
    el("div", { class: "actions" }, button("Block these too", async () => {
      if (!await confirm(`Block ${plural(found.length, "access ID", "access IDs")}?`, el("p", {}, "They will be refused at every charge box from now on. Nothing is deleted."), "Block them")) return;
      if (!await act(problems, null, () => revokeAll(found, done))) return;
      replace(place, outcome(done));
      place.firstElementChild.focus();
    }, { class: "danger" })), problems);
  return place;
}

/** Asks first what would be blocked, then blocks it, with progress and a way to stop. */
export async function offboard(target, who, place, signal) {
  const shown = (...content) => {
    replace(place, ...content);
    place.firstElementChild?.focus();
    place.scrollIntoView({ block: "nearest" });
  };
  shown(el("p", { class: "muted" }, "Counting …"));
  const counted = await act(place, null, () => revoke(target, { dryRun: true, signal }));
  if (!counted || signal.aborted) return;
  const left = target.customer ? await act(place, null, () => linkedOnly(target.customer, new Set(counted.revoked), signal)) : [];
  if (!left || signal.aborted) return;
  if (counted.revoked.length === 0) {
    shown(el("p", { class: "done", role: "status", tabindex: "-1" }, `Nothing to block: no card or vehicle that is registered for ${who} may charge.`), others(left, who));
    return;
  }
  replace(place);
  const isSure = await confirm(`Block ${plural(counted.revoked.length, "access ID", "access IDs")}?`,
    [el("p", {}, target.customer ? "All cards and vehicles that are registered for " : "All cards and vehicles of ", el("strong", { dir: "auto" }, who), " will be refused at every charge box from now on. Nothing is deleted."),
      counted.nearMisses.length > 0 && [el("p", {}, "These look like one of them, belong to somebody else or to nobody, and will still charge:"), nearMisses(counted.nearMisses)]],
    "Block them");
  if (!isSure) return;
  const stopped = new AbortController();
  const bar = el("progress", { max: counted.revoked.length, value: 0, "aria-label": "Blocked so far" });
  shown(el("p", { tabindex: "-1" }, "Blocking … "), bar, button("Stop", () => stopped.abort()));
  let last = { revoked: [], alreadyRevoked: 0, nearMisses: [], isWhole: false };
  try {
    last = await revoke(target, { signal: stopped.signal, progress: (done) => { last = { ...done, isWhole: false }; bar.value = done.revoked.length; } });
    shown(outcome(last, { who }), others(left, who));
  } catch (error) {
    shown(errorBox(error, error.details), last.revoked.length > 0 && outcome(last, { who }), others(left, who));
  }
}

/** Where to look at what belongs to a customer. */
export function customerLinks(name) {
  return [link("Access IDs", "access-ids", { customer: name }), link("Vehicles", "vehicles", { customer: name })];
}

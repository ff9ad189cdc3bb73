// Blocks cards: one, those of a vehicle or those of a customer.

import { call } from "./api.js";
import { button, code, confirm, el, link, replace, tell } from "./dom.js";
import { act, errorBox } from "./form.js";
import { nearMisses } from "./link.js";
import { plural } from "./words.js";

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
  if (counted.revoked.length === 0) {
    shown(el("p", { class: "done", role: "status", tabindex: "-1" }, `Nothing to block: no card or vehicle of ${who} may charge.`));
    return;
  }
  replace(place);
  const isSure = await confirm(`Block ${plural(counted.revoked.length, "access ID", "access IDs")}?`,
    [el("p", {}, "All cards and vehicles of ", el("strong", { dir: "auto" }, who), " will be refused at every charge box from now on. Nothing is deleted."),
      counted.nearMisses.length > 0 && [el("p", {}, "These look like one of them, belong to somebody else or to nobody, and will still charge:"), nearMisses(counted.nearMisses)]],
    "Block them");
  if (!isSure) return;
  const stopped = new AbortController();
  const bar = el("progress", { max: counted.revoked.length, value: 0, "aria-label": "Blocked so far" });
  shown(el("p", { tabindex: "-1" }, "Blocking … "), bar, button("Stop", () => stopped.abort()));
  let last = { revoked: [], alreadyRevoked: 0, nearMisses: [], isWhole: false };
  try {
    last = await revoke(target, { signal: stopped.signal, progress: (done) => { last = { ...done, isWhole: false }; bar.value = done.revoked.length; } });
    shown(outcome(last, { who }));
  } catch (error) {
    shown(errorBox(error, error.details), last.revoked.length > 0 && outcome(last, { who }));
  }
}

/** Where to look at what belongs to a customer. */
export function customerLinks(name) {
  return [link("Access IDs", "access-ids", { customer: name }), link("Vehicles", "vehicles", { customer: name })];
}

// Links to access IDs that may be the same card, and what is said of them.

import { code, el, link } from "./dom.js";
import { how } from "./words.js";

/** A list of near misses. With `act`, each gets what it makes of the access ID. */
export function nearMisses(found, act = null) {
  return el("ul", { class: "near" }, found.map((near) => el("li", {},
    link(near.accessId.name, "access-id", { id: near.accessId.id }), " ", code(near.ocppIdTag), " ",
    el("span", { class: "muted" }, how(near.how)), act && [" ", act(near)])));
}

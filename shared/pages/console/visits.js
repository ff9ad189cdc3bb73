// What was seen of a view when it was left, so that the browser's Back button finds it again.

const left = new Map();
let visit = null;
let shown = 0;
let found = null;

/**
 * Called when the address has changed: notes how far the view was that is left, and finds that of a view that was left before.
 * Every entry of the browser's history has an id of its own, which is all that is kept there.
 */
export function arrive() {
  if (visit !== null) left.set(visit, { shown, top: scrollY });
  const known = history.state?.visit ?? null;
  found = known !== null && known !== visit ? left.get(known) ?? null : null;
  visit = known ?? crypto.randomUUID();
  if (known === null) history.replaceState({ visit }, "");
  shown = 0;
}

/** Called after signing out: another person may come. */
export function forget() {
  left.clear();
  visit = null;
  found = null;
}

/** Notes how many records a list shows. */
export function note(count) {
  shown = count;
}

/** How many records the list showed when it was left; 0 for a view that is new. */
export const before = () => found?.shown ?? 0;

/** Scrolls to where the view was left. Returns whether it was seen before. */
export function scrollBack() {
  if (found) scrollTo(0, found.top);
  return found !== null;
}

// Decisions by hour and reason, as a picture and as numbers.

import { pages } from "./api.js";
import { address, el, link, svg } from "./dom.js";
import { plural, reason } from "./words.js";

const HOUR = 3_600_000;
const MOST_BARS = 48;
/** How many pages of 100 decisions are read for a chart. */
const MOST_PAGES = 20;
const HEIGHT = 84;
/** On a phone, where the list has to begin soon. */
const LOW = 48;
const LABELS = 18;
const WIDEST = 120;
/** The room that a label takes, in pixels. */
const LABEL = 110;
const ORDER = ["authorized", "unknown", "revoked", "not_here", "not_yet_valid", "expired", "unreadable"];

const named = (kind) => (kind === "authorized" ? "Authorized" : reason(kind));
const kindOf = (decision) => (decision.authorized ? "authorized" : decision.reason);

/** The time that a chart is about: what the filters say, else the last 24 hours. */
function span(query) {
  const until = query.decidedBefore ? Date.parse(query.decidedBefore) : Date.now();
  const from = query.decidedAfter ? Date.parse(query.decidedAfter) : until - 24 * HOUR;
  const step = HOUR * Math.max(1, Math.ceil((until - from) / HOUR / MOST_BARS));
  const first = Math.floor(from / step) * step;
  return { first, step, bars: Math.max(1, Math.ceil((until - first) / step)), after: query.decidedAfter ?? new Date(first).toISOString() };
}

/**
 * Reads the decisions and makes the chart of them, as wide as `place`. `shown` are the parameters of the view, which a bar
 * narrows to its own time.
 */
export async function chart(query, signal, place, shown) {
  const { first, step, bars, after } = span(query);
  const hours = Array.from({ length: bars }, () => ({}));
  const totals = {};
  let read = 0;
  let isWhole = true;
  for await (const page of pages("/api/decisions", { ...query, decidedAfter: after }, signal)) {
    for (const decision of page) {
      const hour = hours[Math.floor((Date.parse(decision.decidedAt) - first) / step)];
      const kind = kindOf(decision);
      if (hour) hour[kind] = (hour[kind] ?? 0) + 1;
      totals[kind] = (totals[kind] ?? 0) + 1;
    }
    read += 1;
    if (read === MOST_PAGES) {
      isWhole = false;
      break;
    }
  }
  const kinds = ORDER.filter((kind) => totals[kind]).concat(Object.keys(totals).filter((kind) => !ORDER.includes(kind)));
  if (kinds.length === 0) return el("p", { class: "muted" }, "No decision in this time.");
  const clock = new Intl.DateTimeFormat(undefined, step < 24 * HOUR ? { weekday: "short", hour: "2-digit", minute: "2-digit" } : { dateStyle: "short" });
  const begins = (bar) => clock.format(new Date(first + bar * step));
  const times = (bar) => ({ ...shown, after: new Date(first + bar * step).toISOString(), before: new Date(first + (bar + 1) * step).toISOString() });
  const frame = getComputedStyle(place);
  const width = Math.max(240, place.clientWidth - parseFloat(frame.paddingLeft) - parseFloat(frame.paddingRight));
  const summary = kinds.map((kind) => `${named(kind)}: ${totals[kind].toLocaleString()}`).join(", ");
  return el("figure", { class: "chart" },
    el("figcaption", {},
      el("span", {}, `${step === HOUR ? "By hour" : `By ${step / HOUR} hours`}${query.decidedAfter || query.decidedBefore ? "" : ", last 24 hours"}`),
      kinds.map((kind) => el("span", { class: "legend" }, el("span", { class: `key ${known(kind)}`, "aria-hidden": "true" }), `${named(kind)} ${totals[kind].toLocaleString()}`))),
    picture({ hours, kinds, begins, summary, width, times }),
    !isWhole && el("p", { class: "muted" }, `The newest ${Object.values(totals).reduce((sum, count) => sum + count, 0).toLocaleString()} of these decisions. Choose a shorter time to see all.`),
    el("details", {}, el("summary", {}, "As numbers"), numbers({ hours, kinds, begins, times })));
}

const known = (kind) => (ORDER.includes(kind) ? kind : "other");

function picture({ hours, kinds, begins, summary, width, times }) {
  const full = width < 480 ? LOW : HEIGHT;
  const most = Math.max(...hours.map((hour) => kinds.reduce((sum, kind) => sum + (hour[kind] ?? 0), 0)));
  const wide = Math.min(width / hours.length, WIDEST);
  const parts = [];
  hours.forEach((hour, bar) => {
    let top = full;
    const column = [];
    const told = kinds.filter((kind) => hour[kind]).map((kind) => `${named(kind)}: ${hour[kind]}`);
    for (const kind of kinds) {
      const height = ((hour[kind] ?? 0) / most) * (full - 6);
      if (height === 0) continue;
      top -= height;
      column.push(svg("rect", { class: known(kind), x: bar * wide + 1, y: top, width: Math.max(1, wide - 2), height }));
    }
    if (told.length === 0) return;
    // A pointer may hit anywhere above the hour. The keyboard has the links of the numbers.
    parts.push(svg("g", { class: "bar", onclick: () => { location.hash = address("refusals", times(bar)); } },
      svg("title", {}, `${begins(bar)} – ${told.join(", ")}. Click to see them.`),
      svg("rect", { class: "reach", x: bar * wide, y: 0, width: wide, height: full }), column));
  });
  const every = Math.ceil(hours.length / Math.max(2, Math.floor(width / LABEL)));
  for (let bar = 0; bar < hours.length; bar += every) {
    // One that would be cut at the edge is left out.
    if (bar === 0 || bar * wide + LABEL * 0.8 <= width) parts.push(svg("text", { x: bar * wide + 2, y: full + 14 }, begins(bar)));
  }
  return svg("svg", { viewBox: `0 0 ${width} ${full + LABELS}`, role: "img", "aria-label": `Decisions by time. ${summary}. At most ${plural(most, "decision", "decisions")} in one bar.` },
    svg("line", { x1: 0, x2: width, y1: full, y2: full }), parts,
    svg("text", { class: "most", x: 2, y: 12 }, `${most.toLocaleString()} at most`));
}

function numbers({ hours, kinds, begins, times }) {
  const rows = hours.map((hour, bar) => [hour, bar]).filter(([hour]) => Object.keys(hour).length > 0);
  return el("div", { class: "table numbers" }, el("table", {},
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "From"), kinds.map((kind) => el("th", { scope: "col" }, named(kind))))),
    el("tbody", {}, rows.map(([hour, bar]) => el("tr", {}, el("th", { scope: "row" }, link(begins(bar), "refusals", times(bar))), kinds.map((kind) => el("td", {}, hour[kind] ?? 0)))))));
}

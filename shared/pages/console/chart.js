// Decisions by hour and reason, as a picture and as numbers.

import { pages } from "./api.js";
import { el, svg } from "./dom.js";
import { plural, reason } from "./words.js";

const HOUR = 3_600_000;
const MOST_BARS = 48;
/** How many pages of 100 decisions are read for a chart. */
const MOST_PAGES = 20;
const WIDTH = 960;
const HEIGHT = 150;
const LABELS = 22;
const WIDEST = 120;
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

/** Reads the decisions and makes the chart of them. */
export async function chart(query, signal) {
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
  const summary = kinds.map((kind) => `${named(kind)}: ${totals[kind].toLocaleString()}`).join(", ");
  return el("figure", { class: "chart" },
    el("figcaption", {},
      el("span", {}, `Decisions ${step === HOUR ? "by hour" : `by ${step / HOUR} hours`}`),
      kinds.map((kind) => el("span", { class: "legend" }, el("span", { class: `key ${known(kind)}`, "aria-hidden": "true" }), `${named(kind)} ${totals[kind].toLocaleString()}`))),
    picture(hours, kinds, begins, summary),
    !isWhole && el("p", { class: "muted" }, `The newest ${(MOST_PAGES * 100).toLocaleString()} decisions of this time. Choose a shorter time to see all.`),
    el("details", {}, el("summary", {}, "As numbers"), numbers(hours, kinds, begins)));
}

const known = (kind) => (ORDER.includes(kind) ? kind : "other");

function picture(hours, kinds, begins, summary) {
  const most = Math.max(...hours.map((hour) => kinds.reduce((sum, kind) => sum + (hour[kind] ?? 0), 0)));
  const wide = Math.min(WIDTH / hours.length, WIDEST);
  const parts = [];
  hours.forEach((hour, bar) => {
    let top = HEIGHT;
    const told = kinds.filter((kind) => hour[kind]).map((kind) => `${named(kind)}: ${hour[kind]}`);
    for (const kind of kinds) {
      const height = ((hour[kind] ?? 0) / most) * (HEIGHT - 6);
      if (height === 0) continue;
      top -= height;
      parts.push(svg("rect", { class: known(kind), x: bar * wide + 1, y: top, width: Math.max(1, wide - 2), height },
        svg("title", {}, `${begins(bar)} – ${told.join(", ")}`)));
    }
  });
  const every = Math.ceil(hours.length / 6);
  for (let bar = 0; bar < hours.length; bar += every) {
    parts.push(svg("text", { x: bar * wide + 2, y: HEIGHT + 16 }, begins(bar)));
  }
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + LABELS}`, role: "img", "aria-label": `Decisions by time. ${summary}. At most ${plural(most, "decision", "decisions")} in one bar.` },
    svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }), parts);
}

function numbers(hours, kinds, begins) {
  const rows = hours.map((hour, bar) => [hour, bar]).filter(([hour]) => Object.keys(hour).length > 0);
  return el("div", { class: "table numbers" }, el("table", {},
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "From"), kinds.map((kind) => el("th", { scope: "col" }, named(kind))))),
    el("tbody", {}, rows.map(([hour, bar]) => el("tr", {}, el("th", { scope: "row" }, begins(bar)), kinds.map((kind) => el("td", {}, hour[kind] ?? 0)))))));
}

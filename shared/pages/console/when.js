// Choices of a time: what somebody asks for at the desk, or two times of their own.

import { el } from "./dom.js";
import { field, timeField } from "./form.js";

const EVENING = 18;
const MORNING = 8;

/** That hour of today, or so many days before. */
function at(now, days, hour = 0) {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - days, hour).toISOString();
}

/** The spans by name: text, beginning and end. */
function spans(now) {
  return {
    today: ["Today", at(now, 0), ""],
    night: ["Last night", at(now, 1, EVENING), at(now, 0, MORNING)],
    yesterday: ["Yesterday", at(now, 1), at(now, 0)],
    week: ["Last 7 days", at(now, 7), ""],
  };
}

/**
 * Fields for a span of time. `after` and `before` are the values of the address, in UTC; the fields give them back under these
 * names. `fields` are the API's names for them.
 */
export function whenFields({ after = "", before = "", fields: [afterField, beforeField], now = new Date() }) {
  const known = spans(now);
  const chosen = after || before ? Object.keys(known).find((name) => known[name][1] === after && known[name][2] === before) ?? "own" : "";
  const choice = field({
    name: "when", label: "When", value: chosen,
    options: [["", "Any time"], ...Object.entries(known).map(([name, [text]]) => [name, text]), ["own", "From … until …"]],
  });
  const select = choice.querySelector("select");
  // The address has the times and not the word, so that it means the same tomorrow.
  select.removeAttribute("data-name");
  const from = timeField({ name: "after", field: afterField, label: "From", value: after });
  const until = timeField({ name: "before", field: beforeField, label: "Until", value: before });
  const adapt = () => {
    for (const part of [from, until]) part.hidden = select.value !== "own";
  };
  select.addEventListener("change", () => {
    if (select.value !== "own") {
      const [, begin, end] = known[select.value] ?? ["", "", ""];
      from.set(begin);
      until.set(end);
    }
    adapt();
  });
  adapt();
  return el("div", { class: "fields spanning" }, choice, from, until);
}

// Would this card charge here, and why?

import { call, mayWrite } from "./api.js";
import { append, code, el, link, replace, say, time } from "./dom.js";
import { field, filters, timeField } from "./form.js";
import { nearMisses } from "./link.js";
import { badge, explained, reason, rule, step } from "./words.js";

export async function show(place, query, signal) {
  const form = filters("check", [
    field({ name: "ocppIdTag", field: "accessCheck.ocppIdTag", label: "Tag", required: true, value: query.ocppIdTag, hint: "As the charge box would send it." }),
    field({ name: "chargeBox", field: "accessCheck.chargeBox", label: "Charge box", value: query.chargeBox, hint: "Without one, only what holds everywhere counts." }),
    field({ name: "type", field: "accessCheck.type", label: "Asked for", value: query.type ?? "start", options: [["start", "Start: a charge begins"], ["authorize", "Authorize: a card is shown"]] }),
    timeField({ name: "at", field: "accessCheck.at", label: "When", value: query.at, hint: "Empty for now. In your time zone." }),
  ], { isFolded: Boolean(query.ocppIdTag), title: "What is checked", submit: "Check" });
  const result = el("section", { "aria-label": "Result" });
  append(place, [el("p", { class: "lead" }, "Asks what a charge box would be told about a card at some place and time. Nothing is recorded, and nobody charges by it."), form, result]);
  if (!query.ocppIdTag) {
    append(result, [el("div", { class: "empty" }, el("p", {}, "Enter a tag, and you see here whether it would charge, what decides it, and which registered cards look like it."))]);
    return;
  }
  try {
    const accessCheck = {
      ocppIdTag: query.ocppIdTag,
      ...(query.chargeBox && { chargeBox: query.chargeBox }), ...(query.type && { type: query.type }), ...(query.at && { at: query.at }),
    };
    const checked = await call("POST", "/api/access-checks", { body: { accessCheck }, signal });
    replace(result, told(checked.accessCheck, query));
    say(checked.accessCheck.authorized ? "It would charge" : `It would be refused: ${reason(checked.accessCheck.reason)}`);
  } catch (error) {
    if (error.name !== "AbortError") error.details = form.mark(error);
    throw error;
  }
}

/** A sentence of the API with its times as the browser shows them. */
function withTimes(sentence) {
  return sentence.split(/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)/).map((part, at) => (at % 2 === 1 ? time(part) : part));
}

function told(checked, query) {
  const isUnknown = checked.reason === "unknown";
  return el("div", { class: "card" },
    el("h2", { class: "count", tabindex: "-1" }, checked.authorized ? badge("It would charge", "good big") : badge(`It would be refused: ${reason(checked.reason)}`, "bad big")),
    !checked.authorized && el("p", {}, explained(checked.reason)),
    el("p", { class: "muted" }, "The charge box would show ", code(checked.ocppStatus), query.at && [" at ", time(query.at)], query.chargeBox && [", at ", code(query.chargeBox)], "."),
    checked.accessId && el("p", {}, "Access ID: ", link(checked.accessId.name, "access-id", { id: checked.accessId.id })),
    isUnknown && checked.ocppIdTag !== null && mayWrite() && el("p", {}, link("Register this tag", "unknown-tags", { tag: checked.ocppIdTag }, { class: "button primary" })),
    el("h3", {}, "What decides"),
    el("ul", { class: "rules" }, checked.rules.map((looked) => el("li", {}, badge(looked.passed ? "Passed" : "Failed", looked.passed ? "good" : "bad"), " ",
      el("strong", {}, rule(looked.rule)), el("span", { class: "note" }, withTimes(looked.detail))))),
    checked.steps.length > 0 && [el("h3", {}, "How the tag was read"),
      el("ol", {}, checked.steps.map((part) => el("li", {}, code(part.from), " → ", code(part.to), " ", el("span", { class: "muted" }, step(part.rule)))))],
    el("h3", {}, "Registered cards that look like it"),
    checked.nearMisses.length > 0 ? nearMisses(checked.nearMisses) : el("p", { class: "muted" }, "None."));
}

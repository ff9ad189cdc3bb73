// When and where an access ID may begin to charge.

import { Refusal, call, mayWrite } from "./api.js";
import { button, code, confirm, el, replace, tell, time } from "./dom.js";
import { act, errorBox, field, form, toLocal, toUtc } from "./form.js";
import { facts } from "./table.js";

const NONE = { validFrom: null, validUntil: null, chargeBoxes: null };

/** Asks for the rules of the access ID at this path. Resolves to the refusal if the service cannot read them. */
export async function readRules(path, signal) {
  try {
    return (await call("GET", `${path}/rules`, { signal })).rules;
  } catch (error) {
    if (error instanceof Refusal && error.status >= 500) return error;
    throw error;
  }
}

/**
 * What `readRules` has given, to be changed if the token may. Rules that cannot be read can be replaced as a whole, after a question: the
 * service says the same of them as when it is busy.
 */
export function rules(path, given, signal) {
  const place = el("div", { tabindex: "-1" });
  const fill = (current) => replace(place, current instanceof Refusal
    ? unread(path, current, signal, (read) => { fill(read); place.focus(); })
    : [shown(current), mayWrite() && editor(path, current, fill)]);
  fill(given);
  return place;
}

function unread(path, refusal, signal, changed) {
  const problems = el("div", {});
  const again = async () => {
    const read = await act(problems, null, () => readRules(path, signal));
    if (read) changed(read);
  };
  const anew = button("Replace the rules", async () => {
    const isSure = await confirm("Replace rules that nobody has seen?",
      el("p", {}, "The rules could not be read. What you save next takes the place of all of them. If the service is only busy, try again instead."), "Replace them");
    if (!isSure) return;
    const element = editor(path, NONE, changed);
    element.open = true;
    replace(problems, element);
  }, { class: "danger" });
  return [errorBox(refusal, null, again), mayWrite() && el("div", { class: "actions" }, anew), problems];
}

function shown({ validFrom, validUntil, chargeBoxes }) {
  if (validFrom === null && validUntil === null && chargeBoxes === null) return el("p", {}, "At any time, at every charge box.");
  return facts([
    ["From", validFrom ? time(validFrom) : "Any time"],
    ["Until", validUntil ? time(validUntil) : "No end"],
    ["Charge boxes", chargeBoxes === null ? "All" : chargeBoxes.length === 0 ? "None" : chargeBoxes.map((box) => [code(box), " "])],
  ]);
}

function editor(path, current, changed) {
  const box = field({
    name: "chargeBoxes", field: "rules.chargeBoxes", label: "Charge boxes", multiline: true, value: current.chargeBoxes?.join("\n"), wide: true,
    hint: "One in each line, up to 50. A * at the end stands for anything: depot-* is every charge box whose name begins with depot-. Empty for all charge boxes.",
  });
  const element = form({
    label: "Rules", submit: "Save the rules",
    fields: [
      field({ name: "validFrom", field: "rules.validFrom", label: "From", type: "datetime-local", value: toLocal(current.validFrom), hint: "Empty for at once. In your time zone." }),
      field({ name: "validUntil", field: "rules.validUntil", label: "Until", type: "datetime-local", value: toLocal(current.validUntil), hint: "Empty for no end. In your time zone." }),
      box,
    ],
    async send(given) {
      const lines = given.chargeBoxes.split("\n").map((line) => line.trim()).filter(Boolean);
      // What was not touched goes back as it came: the input has no milliseconds, leaves seconds of zero out, and does not say which
      // of the two hours it means that have one name when summer time ends.
      const kept = (name) => (toUtc(given[name]) === toUtc(toLocal(current[name])) ? current[name] : toUtc(given[name]));
      const wanted = { validFrom: kept("validFrom"), validUntil: kept("validUntil"), chargeBoxes: lines.length > 0 ? lines : null };
      try {
        changed((await call("PUT", `${path}/rules`, { body: { rules: wanted } })).rules);
      } catch (error) {
        // A bad line is named by its place in the list, which has one field here.
        for (const problem of error.details ?? []) {
          const line = /^rules\.chargeBoxes\[(\d+)\]$/.exec(problem.field);
          if (line) Object.assign(problem, { field: "rules.chargeBoxes", message: `line ${Number(line[1]) + 1} ${problem.message}` });
        }
        throw error;
      }
      tell("The rules are saved");
    },
  });
  return el("details", {}, el("summary", {}, "Change the rules"),
    el("p", { class: "muted" }, "Whoever has begun a charge can always end it, whatever the rules say."), element);
}

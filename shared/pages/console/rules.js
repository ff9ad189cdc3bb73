// When and where an access ID may begin to charge.

import { call, mayWrite } from "./api.js";
import { code, el, replace, tell, time } from "./dom.js";
import { field, form, toLocal, toUtc } from "./form.js";
import { facts } from "./table.js";

/** The rules of the access ID at this path, to be changed if the token may. */
export function rules(path, given) {
  const place = el("div", {});
  const fill = (current) => replace(place, shown(current), mayWrite() && editor(path, current, fill));
  fill(given);
  return place;
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
      // What was not touched goes back as it came: the input has no milliseconds.
      const kept = (name) => (given[name] === toLocal(current[name]) ? current[name] : toUtc(given[name]));
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

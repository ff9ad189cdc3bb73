// Forms: labelled fields, and errors of the API shown at the field that they name.

import { call, Refusal } from "./api.js";
import { address, append, button, code, el, freshId, link, replace, say, tell } from "./dom.js";

/**
 * A labelled field. `name` is the key of its value; `field` is the API's name for it, by which errors find it. Options make it
 * a choice: pairs of value and text.
 */
export function field({ name, field: apiName = name, label, hint, options, wide, ...properties }) {
  const id = freshId("field");
  const hintId = hint ? `${id}-hint` : null;
  const common = { id, "data-name": name, "data-field": apiName, "aria-describedby": hintId, "data-hint": hintId };
  let control;
  if (options) {
    control = el("select", common, options.map(([value, text]) => el("option", { value, selected: value === (properties.value ?? "") }, text)));
  } else {
    const { value, multiline, ...rest } = properties;
    const text = { spellcheck: "false", autocomplete: "off", ...rest };
    control = multiline ? el("textarea", { ...common, ...text, rows: 4 }) : el("input", { type: "text", ...common, ...text });
    control.value = value ?? "";
  }
  return el("div", { class: wide ? "field wide" : "field" },
    el("label", { for: id }, label, properties.required && el("span", { class: "muted" }, " (required)")),
    control,
    hint && el("p", { class: "hint", id: hintId }, hint),
    el("p", { class: "problem", id: `${id}-problem`, hidden: true }));
}

/** A field for a time. It shows the browser's zone and holds UTC, which is what addresses and the API take. */
export function timeField({ name, value, ...rest }) {
  const element = field({ name, type: "datetime-local", value: toLocal(value), ...rest });
  const input = element.querySelector("input");
  input.removeAttribute("data-name");
  const utc = el("input", { type: "hidden", "data-name": name });
  utc.value = value ?? "";
  input.addEventListener("input", () => { utc.value = toUtc(input.value) ?? ""; });
  element.append(utc);
  element.set = (text) => {
    utc.value = text;
    input.value = toLocal(text);
  };
  return element;
}

/** The values of a form's fields, trimmed, by their names. */
export function values(form) {
  const controls = [...form.querySelectorAll("[data-name]")];
  return Object.fromEntries(controls.map((control) => [control.dataset.name, control.value.trim()]));
}

/** Takes away what an earlier error has marked. */
export function unmark(form) {
  for (const control of form.querySelectorAll("[data-field]")) {
    control.removeAttribute("aria-invalid");
    const problem = control.parentElement.querySelector(".problem");
    if (problem) {
      problem.hidden = true;
      problem.textContent = "";
    }
    if (control.dataset.hint) control.setAttribute("aria-describedby", control.dataset.hint);
    else control.removeAttribute("aria-describedby");
  }
}

/** Marks the fields that the refusal names. Returns what it says of fields that the form does not have. */
function mark(form, refusal) {
  const rest = [];
  const named = refusal.code === "tag_taken"
    ? refusal.conflicts.map(({ field: name }) => ({ field: name, message: "belongs to another access ID" })) : refusal.details;
  for (const { field: name, message } of named) {
    const control = [...form.querySelectorAll("[data-field]")].find((candidate) => candidate.dataset.field === name);
    if (!control) {
      rest.push({ field: name, message });
      continue;
    }
    const problem = control.parentElement.querySelector(".problem");
    problem.textContent = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
    problem.hidden = false;
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", [control.dataset.hint, problem.id].filter(Boolean).join(" "));
  }
  form.querySelector("[aria-invalid]")?.focus();
  return rest;
}

/** What is shown of an error. With `again`, a button repeats what failed. */
export function errorBox(error, rest = null, again = null) {
  if (!(error instanceof Refusal)) throw error;
  const known = error.conflicts.map(({ accessId }) => accessId);
  return el("div", { class: "error", role: "alert" },
    el("p", {}, el("strong", {}, error.message)),
    rest?.length > 0 && el("ul", {}, rest.map(({ field: name, message }) => el("li", {}, code(name || "the request"), ` ${message}`))),
    known.length > 0 && el("p", {}, "It belongs to: ", known.map((id) => [link(`access ID ${id}`, "access-id", { id }), " "])),
    error.requestId && el("p", { class: "muted" }, "Request ", code(error.requestId)),
    again && error.status !== 404 && button("Try again", again));
}

/**
 * A form that sends something. `send(values, key)` gets the values and an Idempotency-Key, which stays the same while the
 * values do: what is sent twice after a lost answer is created once. Resolves to nothing; shows its own errors.
 */
export function form({ fields, submit, send, label, extra, kind = "primary" }) {
  const problems = el("div", {});
  let sent = null;
  let key = null;
  let busy = false;
  const send1 = el("button", { type: "submit", class: kind }, submit);
  const element = el("form", {
    class: "form", "aria-label": label, novalidate: true, autocomplete: "off",
    async onsubmit(event) {
      event.preventDefault();
      if (busy) return;
      unmark(element);
      problems.replaceChildren();
      const given = values(element);
      if (JSON.stringify(given) !== sent) {
        sent = JSON.stringify(given);
        key = crypto.randomUUID();
      }
      busy = true;
      send1.setAttribute("aria-disabled", "true");
      try {
        await send(given, key);
      } catch (error) {
        if (error.name === "AbortError") return;
        if (!(error instanceof Refusal)) throw error;
        const rest = mark(element, error);
        // The fields say the rest, in words that stand beside them.
        if (error.code === "invalid_request" && rest.length === 0) error.message = "The request is invalid. Correct the marked fields.";
        replace(problems, errorBox(error, rest));
      } finally {
        busy = false;
        send1.removeAttribute("aria-disabled");
      }
    },
  }, el("div", { class: "fields" }, fields), problems, el("div", { class: "actions" }, send1, extra));
  return element;
}

const narrow = matchMedia("(max-width: 46rem)");

/**
 * A form whose values become the view's address, so that what it finds can be linked to. On a small screen it is folded, unless it
 * is what the view is for.
 */
export function filters(view, fields, { kept = {}, isFolded = true, title = "Filters", submit = "Show" } = {}) {
  const element = form({
    fields, submit, label: title, kind: "primary",
    async send(given) {
      const next = address(view, { ...kept, ...given });
      if (next === location.hash) dispatchEvent(new HashChangeEvent("hashchange"));
      else location.hash = next;
    },
  });
  const used = inUse(element);
  const [inputs, problems, actions] = element.childNodes;
  if (used.length > 0) actions.append(link("Clear", view, {}, { class: "button" }));
  const summary = el("summary", {}, title, used.length > 0 && el("span", { class: "in-use" }, `: ${used.join(", ")}`));
  const folder = el("details", { open: !isFolded || !narrow.matches }, summary, el("div", { class: "row" }, inputs, actions), problems);
  narrow.addEventListener("change", () => { folder.open = true; }, { once: true });
  element.append(folder);
  element.classList.add("filters");
  element.setAttribute("role", "search");
  element.mark = (error) => {
    // Only what is visible can have the focus. An error that is of no field leaves the form as it was.
    const wasOpen = folder.open;
    folder.open = true;
    const rest = mark(element, error);
    folder.open = wasOpen || element.querySelector("[aria-invalid]") !== null;
    return rest;
  };
  return element;
}

/** What a form's fields hold, as a person reads it. Times of one's own (see `whenFields`) are told by the fields of these times. */
function inUse(element) {
  const fields = [...element.querySelectorAll(".field")].filter((part) => !part.hidden);
  return fields.map((part) => [part.querySelector("label").firstChild.textContent, part.querySelector("input, select")])
    .filter(([, control]) => !["", "own"].includes(control.value))
    .map(([label, control]) => `${label} ${control.selectedOptions?.[0]?.text ?? control.value.replace("T", " ")}`);
}

/** Runs a single act behind a button: shows what went wrong in `place`, and says what was done. */
export async function act(place, said, run) {
  replace(place);
  try {
    const result = await run();
    if (said) tell(said);
    return result;
  } catch (error) {
    if (error.name === "AbortError") return null;
    replace(place, errorBox(error, error.details));
    return null;
  }
}

/** A local time of an input, as the API takes it; null for none. */
export function toUtc(text) {
  if (!text) return null;
  const parsed = new Date(text);
  return Number.isNaN(parsed.getTime()) ? text : parsed.toISOString();
}

/** A time of the API for an input of type datetime-local, in the browser's zone. */
export function toLocal(text) {
  const time = new Date(text ?? "");
  if (Number.isNaN(time.getTime())) return "";
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

/** How many vehicles are offered, and how many pages are read to find them: a page that looks at many may show few, or none. */
const OFFERED = 50;
const MOST_PAGES = 20;

/** A field that finds a vehicle by what is typed, and offers those that were found. */
export function vehicleField(name, apiName, label, signal) {
  const choice = field({ name, field: apiName, label, options: [["", "Find a vehicle first"]] });
  const select = choice.querySelector("select");
  const search = field({ name: `${name}-search`, field: "", label: "Find a vehicle", hint: "By name, make, model, VIN or license plate. Empty lists the first ones." });
  const input = search.querySelector("input");
  const problems = el("div", {});
  let searches = 0;
  const find = async () => {
    searches += 1;
    const number = searches;
    const found = await act(problems, null, () => findVehicles(input.value.trim(), signal));
    // The answer to an earlier search must not take the place of what was chosen since.
    if (!found || number !== searches) return;
    const texts = found.vehicles.map((vehicle) => [vehicle.id, [vehicle.name, vehicle.licensePlate, vehicle.vin].filter(Boolean).join(" · ")]);
    const none = found.isWhole ? "No vehicle was found" : "No vehicle was found so far: type a part that fewer have";
    replace(select, texts.length === 0 && el("option", { value: "" }, none), texts.map(([value, text]) => el("option", { value }, text)),
      texts.length > 0 && !found.isWhole && el("option", { value: "", disabled: true }, "There are more: type more of it"));
    say(`${texts.length} vehicles found${found.isWhole ? "" : ", and there are more"}`);
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      find();
    }
  });
  append(search, [button("Find", find), problems]);
  return el("div", { class: "picker" }, search, choice);
}

/** The first vehicles that fit, and whether there are no others. */
async function findVehicles(q, signal) {
  const vehicles = [];
  let cursor = null;
  for (let pages = 0; pages < MOST_PAGES && vehicles.length < OFFERED && (pages === 0 || cursor !== null); pages += 1) {
    const page = await call("GET", "/api/vehicles", { query: { q, limit: OFFERED, nextPageCursor: cursor }, signal });
    vehicles.push(...page.data);
    cursor = page.pagination.nextPageCursor;
  }
  return { vehicles, isWhole: cursor === null };
}

/** The number of the vehicle that was chosen in such a field. Throws a refusal that names the field if none was. */
export function chosenVehicle(value, apiName) {
  if (!value) throw new Refusal(0, { error: "Find a vehicle and choose it first.", details: [{ field: apiName, message: "must be chosen" }] });
  return Number(value);
}

// Elements are made here and nowhere else. Texts go in as text nodes, so nothing that the API answers can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element. Properties beginning with "on" are listeners; null and false leave one out. */
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for a picture. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** Adds children: elements, texts, numbers, lists of them; null and false are nothing. */
export function append(element, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Puts these in the place of whatever the element held. */
export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

let shownUntil = 0;

/** Says something to who cannot see the page. */
export function say(text) {
  const status = document.getElementById("status");
  // A text that is set again has to change to be read again.
  status.textContent = "";
  setTimeout(() => { status.textContent = text; }, 50);
}

/** Says to everybody what was done, for a few seconds. */
export function tell(text) {
  const status = document.getElementById("status");
  const until = Date.now() + 5_000;
  shownUntil = until;
  status.className = "toast";
  say(text);
  setTimeout(() => { if (shownUntil === until) status.className = "hidden"; }, 5_000);
}

let last = 0;

/** An id that no other element has. */
export function freshId(prefix) {
  last += 1;
  return `${prefix}-${last}`;
}

/** A link inside the console: a view and its parameters. */
export function address(view, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  return query ? `#${view}?${query}` : `#${view}`;
}

export function link(text, view, parameters, properties = {}) {
  return el("a", { href: address(view, parameters), ...properties }, text);
}

export function button(text, onclick, properties = {}) {
  return el("button", { type: "button", onclick, ...properties }, text);
}

const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** A time of the API in the browser's zone. The title has it in UTC. */
export function time(text) {
  if (!text) return "–";
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) return text;
  return el("time", { datetime: text, title: `${text.replace("T", " ").replace("Z", "")} UTC` }, shown.format(moment));
}

/** A text of a charge box or a card, in the font that tells 0 from O. */
export function code(text) {
  return text === null || text === undefined || text === "" ? el("span", { class: "muted" }, "–") : el("code", { dir: "auto" }, text);
}

/** A question before what cannot be undone. Resolves to whether it was answered with yes. */
export function confirm(title, content, yes, danger = true) {
  const id = freshId("dialog");
  return new Promise((resolve) => {
    const done = (answer) => { dialog.close(); dialog.remove(); resolve(answer); };
    const dialog = el("dialog", { "aria-labelledby": id, oncancel: (event) => { event.preventDefault(); done(false); } },
      el("h2", { id }, title),
      content,
      el("div", { class: "actions" },
        button("Cancel", () => done(false)),
        button(yes, () => done(true), { class: danger ? "danger" : "primary" })));
    document.body.append(dialog);
    dialog.showModal();
  });
}

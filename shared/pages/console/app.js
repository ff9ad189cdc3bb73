// Begins: asks for a token, then shows the view that the address names.

import { Refusal, call, isSignedIn, mayWrite, signIn, signOut } from "./api.js";
import { address, append, button, el, replace } from "./dom.js";
import { errorBox, form, field } from "./form.js";
import * as accessId from "./access-id.js";
import * as accessIds from "./access-ids.js";
import * as changes from "./changes.js";
import * as check from "./check.js";
import * as customers from "./customers.js";
import * as imports from "./import.js";
import * as refusals from "./refusals.js";
import * as register from "./register.js";
import * as unknownTags from "./unknown-tags.js";
import * as vehicle from "./vehicle.js";
import * as vehicles from "./vehicles.js";
import { arrive, forget, scrollBack } from "./visits.js";

// `under` is the view that the navigation marks for one that it does not list.
const VIEWS = {
  refusals: { title: "Refusals", ...refusals },
  "unknown-tags": { title: "Unknown tags", ...unknownTags },
  "access-ids": { title: "Access IDs", ...accessIds },
  vehicles: { title: "Vehicles", ...vehicles },
  check: { title: "Check", ...check },
  import: { title: "Import", ...imports },
  customers: { title: "Customers", ...customers },
  changes: { title: "Changes", ...changes },
  register: { title: "Register an access ID", under: "access-ids", ...register },
  "access-id": { title: "Access ID", under: "access-ids", ...accessId },
  "new-vehicle": { title: "New vehicle", under: "vehicles", show: vehicle.create },
  vehicle: { title: "Vehicle", under: "vehicles", show: vehicle.show },
};

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const session = document.getElementById("session");
let current = null;
let running = new AbortController();

/** The view that the address names, and its parameters. */
function read() {
  const [name, query = ""] = location.hash.slice(1).split("?");
  return { name: Object.hasOwn(VIEWS, name) ? name : "refusals", query: Object.fromEntries(new URLSearchParams(query)) };
}

async function render() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  if (!isSignedIn()) {
    current = null;
    showSignIn();
    return;
  }
  arrive();
  const { name, query } = read();
  const view = VIEWS[name];
  const isSame = current === name;
  current = name;
  for (const item of nav.querySelectorAll("a")) {
    if (item.hash === address(view.under ?? name)) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
  document.title = `${view.title} – Charge access`;
  const heading = el("h1", { tabindex: "-1" }, view.title);
  const content = el("div", { class: "view", id: `view-${name}` });
  replace(main, el("div", { class: "head" }, heading), content);
  main.setAttribute("aria-busy", "true");
  if (!isSame) scrollTo(0, 0);
  heading.focus({ preventScroll: isSame });
  try {
    await view.show(content, query, signal, heading);
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    append(content, [errorBox(error, error.details, render)]);
  } finally {
    if (!signal.aborted) main.removeAttribute("aria-busy");
  }
  if (signal.aborted || scrollBack()) return;
  if (isSame) content.querySelector(".count")?.focus();
}

/** Asks for the token. What the address names stays, and is shown afterwards. */
function showSignIn(refusal = null) {
  main.removeAttribute("aria-busy");
  nav.hidden = true;
  session.hidden = true;
  document.title = "Sign in – Charge access";
  const token = field({
    name: "token", label: "API token", type: "password", required: true, autocapitalize: "off",
    hint: "It begins with api_, or with view_ to look without changing anything. It stays in this tab and is forgotten when the page is reloaded.",
  });
  const input = token.querySelector("input");
  const entry = form({
    fields: [token], submit: "Open the console", label: "Sign in",
    async send({ token: given }) {
      if (!given) throw new Refusal(0, { error: "Paste a token first.", details: [{ field: "token", message: "must not be empty" }] });
      signIn(given, ended);
      try {
        await call("GET", "/api/access-ids", { query: { limit: 1 } });
      } catch (error) {
        signOut();
        if (error.status === 401) {
          error.message = "The service does not take this token.";
          error.details = [{ field: "token", message: "is not valid, or was revoked" }];
        }
        throw error;
      }
      input.value = "";
      showNavigation();
      await render();
    },
  });
  replace(main, el("div", { class: "sign-in" },
    el("h1", { tabindex: "-1" }, "Charge access"),
    el("p", {}, "See why cards were refused, register unknown ones, block lost ones, and keep cards and vehicles in order."),
    refusal && errorBox(refusal),
    entry,
    el("p", { class: "muted below" }, "For programs: ", el("a", { href: "/docs" }, "the API reference"), ".")));
  input.focus();
}

/** Called when a request was answered with 401: the token was revoked, or never held. */
function ended(refusal) {
  if (nav.hidden) return;
  signOut();
  running.abort();
  current = null;
  refusal.message = "This token is not valid any more: it was revoked. Sign in with another one, and you come back to this view.";
  showSignIn(refusal);
}

function showNavigation() {
  const listed = Object.entries(VIEWS).filter(([, { under }]) => !under);
  replace(nav, el("ul", {}, listed.map(([name, { title }]) => el("li", {}, el("a", { href: address(name) }, title)))));
  replace(session, !mayWrite() && el("span", { class: "badge" }, "View only"), button("Sign out", () => {
    signOut();
    forget();
    render();
  }, { class: "quiet" }));
  nav.hidden = false;
  session.hidden = false;
}

document.querySelector(".skip").addEventListener("click", (event) => {
  // The address names the view, so the link must not change it.
  event.preventDefault();
  main.focus();
});
history.scrollRestoration = "manual";
addEventListener("hashchange", render);
render();

// Asks the management API. The token lives in the variable below and nowhere else: a reload forgets it.

let token = null;
let ended = () => {};

/** Uses this token from now on. `onRefused` is called when the API does not take it (any more). */
export function signIn(text, onRefused) {
  token = text;
  ended = onRefused;
}

export function signOut() {
  token = null;
}

export function isSignedIn() {
  return token !== null;
}

/** Whether the token may change anything: those that begin with view_ may not. */
export function mayWrite() {
  return token !== null && !token.startsWith("view_");
}

/** What the API, or the way to it, has against a request. */
export class Refusal extends Error {
  constructor(status, body) {
    super(body.error);
    this.status = status;
    this.code = body.code ?? "";
    this.requestId = body.requestId ?? null;
    this.details = body.details ?? [];
    this.conflicts = body.conflicts ?? [];
  }
}

/**
 * Sends a request. Parameters of the query without a value are left out. Resolves to the answer's document, null if it has
 * none; rejects with a Refusal, or with an AbortError if the signal says so.
 */
export async function call(method, path, { query = {}, body, key, signal } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const parameters = new URLSearchParams(given).toString();
  const headers = { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  let response;
  let answer;
  try {
    response = await fetch(parameters ? `${path}?${parameters}` : path, {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
    });
    answer = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, { error: "The service cannot be reached. Check the connection and try again.", code: "unreachable" });
  }
  const document = read(answer);
  if (response.ok) return document;
  const refusal = new Refusal(response.status, {
    error: response.status === 404 ? "There is no such record. It may have been deleted." : document?.error ?? (response.status === 429 ? "Too many requests at once. Wait a moment and try again." : `The service answered ${response.status}.`),
    code: document?.code ?? String(response.status), requestId: document?.requestId, details: document?.details, conflicts: document?.conflicts,
  });
  if (refusal.status === 401 && token !== null) ended(refusal);
  throw refusal;
}

function read(text) {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Pauses in milliseconds before something is asked again, because the service or its limit of requests said to wait. */
const PAUSES = [1_000, 2_000, 4_000, 8_000];

/** Runs a request, and again after a pause when the service is busy. Rejects with an AbortError if the signal says so meanwhile. */
export async function patiently(run, signal) {
  for (const pause of PAUSES) {
    try {
      return await run();
    } catch (error) {
      if (![429, 503].includes(error.status)) throw error;
    }
    await new Promise((go, stop) => {
      const timer = setTimeout(go, pause);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        stop(signal.reason);
      }, { once: true });
    });
  }
  return run();
}

/** Everything of a list, a page after the other; each is asked for by way of `ask`. */
export async function* pages(path, query, signal, ask = (run) => run()) {
  let cursor = null;
  do {
    const next = { limit: 100, ...query, nextPageCursor: cursor };
    const page = await ask(() => call("GET", path, { query: next, signal }), signal);
    yield page.data;
    cursor = page.pagination.nextPageCursor;
  } while (cursor !== null);
}

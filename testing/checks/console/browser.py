"""A browser that watches what the console does: what goes wrong is collected and fails the test."""

import contextlib
import os
import shutil

from playwright.sync_api import expect, sync_playwright

from service import API, TOKEN

WITHIN = 15_000

# Told to every page before its own scripts.
WATCH = """
window.seen = [];
addEventListener("securitypolicyviolation", (event) => seen.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
addEventListener("error", (event) => seen.push(`error: ${event.message}`));
addEventListener("unhandledrejection", (event) => seen.push(`rejection: ${event.reason}`));
window.hacked = (what) => seen.push(`ran: ${what}`);
window.alert = () => seen.push("alert");
"""


def executable():
    found = next((path for path in map(shutil.which, os.environ.get("BROWSERS", "chromium").split()) if path), None)
    if found is None:
        raise SystemExit("console: Chromium is missing: apt-get install chromium")
    return found


@contextlib.contextmanager
def browser():
    with sync_playwright() as playwright:
        # Chromium's sandbox does not run as root, which is what containers run as.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=executable(), args=arguments)
        try:
            yield started
        finally:
            started.close()


class Console:
    """A tab with the console. Once it is closed, `problems` must be empty."""

    def __init__(self, started, width=1280, height=900, dark=False, token=TOKEN, path="/console", **options):
        self.context = started.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale="en-GB", timezone_id="Europe/Berlin", **options
        )
        self.context.set_default_timeout(WITHIN)
        self.context.add_init_script(WATCH)
        self.page = self.context.new_page()
        self.problems, self.addresses, self.expected = [], [], set()
        self.page.on("console", self.told)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("response", self.answered)
        self.page.on("request", lambda request: self.addresses.append(request.url))
        self.token = token
        self.page.goto(API + path)
        if token:
            self.sign_in(token)

    def told(self, message):
        # A failed request is told as an error too. Those are looked at in `answered`.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"{message.type}: {message.text}")

    def answered(self, response):
        if not response.url.startswith(API):
            self.problems.append(f"asked elsewhere: {response.url}")
        if response.status >= 400 and response.status not in self.expected:
            self.problems.append(f"{response.request.method} {response.url}: {response.status}")

    def sign_in(self, token):
        self.page.get_by_label("API token").fill(token)
        self.page.get_by_role("button", name="Open the console").click()
        expect(self.page.get_by_role("navigation", name="Views")).to_be_visible(timeout=WITHIN)

    def open(self, address, title):
        """Goes to a view by its address and waits until it has all that it asks for. Returns what it shows."""
        self.page.evaluate(
            """async (address) => {
                const changed = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
                if (location.hash === address) dispatchEvent(new HashChangeEvent("hashchange"));
                location.hash = address;
                await changed;
            }""",
            f"#{address}",
        )
        self.settle()
        heading = self.page.get_by_role("heading", level=1, name=title)
        expect(heading).to_be_visible(timeout=WITHIN)
        return self.page.get_by_role("main")

    def settle(self):
        """Waits until nothing is asked any more."""
        expect(self.page.locator("main[aria-busy]")).to_have_count(0, timeout=WITHIN)
        self.page.wait_for_load_state("networkidle")

    def close(self):
        self.settle()
        self.problems += self.page.evaluate("window.seen")
        self.context.close()


@contextlib.contextmanager
def console(started, **options):
    """A console that must have been used without a problem."""
    opened = Console(started, **options)
    try:
        yield opened
    except BaseException:
        print(f"console: so far: {opened.problems}", flush=True)
        opened.context.close()
        raise
    opened.close()
    assert not opened.problems, opened.problems


def sees(place, text):
    """Waits until a text is shown there."""
    expect(place).to_contain_text(text, timeout=WITHIN)


def confirm(opened, name, answer):
    dialog = opened.page.get_by_role("dialog", name=name)
    expect(dialog).to_be_visible(timeout=WITHIN)
    dialog.get_by_role("button", name=answer).click()
    expect(dialog).to_have_count(0)

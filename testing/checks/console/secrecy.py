"""The token is in the memory of the tab and nowhere else."""

import pathlib

from playwright.sync_api import expect

import service
from browser import console

FUNCTIONS_LOG = pathlib.Path(__file__).resolve().parents[3] / "target" / "local" / "functions.log"
SERVICE_LOG = pathlib.Path(__file__).resolve().parents[3] / "target" / "service.log"


def test_the_token_is_kept_nowhere(started):
    secret = service.TOKEN.rsplit("_", 1)[1]
    with console(started, path="/console#access-ids?type=RFID") as opened:
        page = opened.page
        expect(page.get_by_role("heading", level=1, name="Access IDs")).to_be_visible()
        opened.open("customers", "Customers")
        page.go_back()
        opened.settle()
        stored = page.evaluate("""async () => JSON.stringify([
            { ...localStorage }, { ...sessionStorage }, document.cookie, history.state, location.href, document.referrer, window.name,
            await indexedDB.databases(), await caches.keys(), document.documentElement.outerHTML,
            [...document.querySelectorAll("input")].map((input) => input.value), performance.getEntries().map((entry) => entry.name),
        ])""")
        assert secret not in stored, "the page keeps the token"
        in_globals = page.evaluate("(secret) => Object.getOwnPropertyNames(window).filter((name) => { try { return String(window[name]).includes(secret) } catch { return false } })", secret)
        assert in_globals == [], in_globals
        assert opened.context.cookies() == [] and secret not in str(opened.context.storage_state())
        assert not any(secret in address for address in opened.addresses), "an address holds the token"
        assert all(secret not in problem for problem in opened.problems)
        page.reload()
        expect(page.get_by_label("API token")).to_be_visible()
        expect(page.get_by_label("API token")).to_have_value("")
        assert page.get_by_label("API token").get_attribute("autocomplete") == "off"
        opened.sign_in(service.TOKEN)
        expect(page.get_by_role("heading", level=1, name="Access IDs")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("API token")).to_have_value("")
    for log in (FUNCTIONS_LOG, SERVICE_LOG):
        if log.exists():
            assert secret not in log.read_text(errors="replace"), f"{log} holds the token"


def test_a_wrong_token_opens_nothing(started):
    with console(started, token=None) as opened:
        opened.expected = {401}
        page = opened.page
        other = service.TOKEN[:-1] + ("x" if service.TOKEN[-1] != "x" else "y")
        for wrong, told in (("", "Paste a token first."), ("api_wrong", "does not take this token"), (other, "does not take this token")):
            page.get_by_label("API token").fill(wrong)
            page.get_by_role("button", name="Open the console").click()
            expect(page.get_by_role("alert")).to_contain_text(told)
            expect(page.get_by_label("API token")).to_have_attribute("aria-invalid", "true")
            expect(page.get_by_role("navigation", name="Views")).to_be_hidden()


def test_a_token_that_is_refused_later_is_forgotten(started):
    with console(started) as opened:
        opened.expected = {401}
        # As if it was revoked meanwhile: the service sees another one.
        opened.page.route("**/api/customers*", lambda route: route.continue_(headers={**route.request.headers, "authorization": "Bearer api_gone"}))
        opened.page.evaluate("location.hash = 'customers'")
        expect(opened.page.get_by_label("API token")).to_be_visible()
        alert = opened.page.get_by_role("alert")
        expect(alert).to_contain_text("This token is not valid any more")
        expect(alert).to_contain_text("Request ")
        opened.page.unroute("**/api/customers*")
        opened.sign_in(service.TOKEN)
        expect(opened.page.get_by_role("heading", level=1, name="Customers")).to_be_visible()


def test_the_pages_are_closed(started):
    with console(started, token=None) as opened:
        response = opened.page.goto(service.API + "/console")
        headers = response.headers
        assert headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
        ), headers
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["content-encoding"] == "gzip" and "set-cookie" not in headers
        known = opened.context.request.get(service.API + "/console", headers={"If-None-Match": headers["etag"]})
        assert known.status == 304, known.status

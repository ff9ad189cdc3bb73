"""Every view against the running service, used as an operator would."""

import datetime
import urllib.parse

from playwright.sync_api import expect

import service
from browser import WITHIN, confirm, console, sees


def refused(tag=None, charge_box="depot-1/A?%"):
    """A card that was refused as unknown."""
    tag = tag or service.fresh_tag()
    assert service.ask(tag, charge_box) == 403
    service.journalled(tag)
    return tag


def test_the_first_view_comes_soon(started):
    with console(started, token=None) as opened:
        page = opened.page
        page.get_by_label("API token").fill(service.TOKEN)
        took = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
        shown = page.evaluate("performance.getEntriesByType('paint').at(-1).startTime")
        took_again = page.evaluate("""async () => {
            const began = performance.now();
            document.querySelector('[type=submit]').click();
            while (!document.querySelector('h1')?.textContent.includes('Refusals')) await new Promise(requestAnimationFrame);
            return performance.now() - began;
        }""")
        requests = page.evaluate("performance.getEntriesByType('resource').filter((entry) => entry.name.includes('/console')).length")
        print(f"console: loaded after {took:.0f} ms ({requests} files), painted after {shown:.0f} ms, first view {took_again:.0f} ms after the token", flush=True)
        # A machine that does other things too takes longer than the 300 ms that are promised of one that does not.
        assert took < 5_000 and took_again < 5_000


def test_a_refusal_is_found_and_its_card_registered(started):
    tag = refused()
    with console(started) as opened:
        view = opened.open(f"refusals?tag={tag.upper()}", "Refusals")
        row = view.get_by_role("row").filter(has_text=tag)
        sees(row, "Unknown card")
        sees(row, "depot-1/A?%")
        time = row.locator("time")
        expect(time).to_have_attribute("title", f"{time.get_attribute('datetime').replace('T', ' ').replace('Z', '')} UTC")
        expect(view.get_by_role("img", name="Decisions by time")).to_be_visible(timeout=WITHIN)
        row.get_by_role("link", name="Register").click()
        sees(view, "As received")
        view.get_by_label("Name (required)").fill("Card of Ada")
        view.get_by_role("textbox", name="Customer").fill("Fleet of Ada")
        view.get_by_role("button", name="Register").click()
        expect(opened.page.get_by_role("heading", level=1, name="Card of Ada")).to_be_visible(timeout=WITHIN)
    found = service.by_tag(tag)
    assert (found["name"], found["type"], found["authorizationStatus"]) == ("Card of Ada", "RFID", "Authorized"), found
    assert service.ask(tag) == 200


def test_refusals_are_filtered_and_paged(started):
    tag = service.fresh_tag()
    for _ in range(52):
        assert service.ask(tag, "pages") == 403
    service.journalled(tag)
    with console(started) as opened:
        view = opened.open("refusals", "Refusals")
        view.get_by_label("Tag").fill(f" {tag.upper()} ")
        view.get_by_label("Charge box").fill("pages")
        view.get_by_label("Reason").select_option("unknown")
        view.get_by_role("button", name="Show").click()
        sees(view.locator(".count"), "50 decisions so far")
        assert f"tag={tag.upper()}" in opened.page.url and "reason=unknown" in opened.page.url
        view.get_by_role("button", name="Load more").click()
        sees(view.locator(".count"), "52 decisions")
        view.get_by_label("Reason").select_option("revoked")
        view.get_by_role("button", name="Show").click()
        sees(view, "Nobody was refused.")
        opened.page.go_back()
        sees(view.locator(".count"), "52 decisions")
        tomorrow = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
        view.get_by_label("When").select_option(label="From … until …")
        view.get_by_label("From").fill(tomorrow)
        view.get_by_role("button", name="Show").click()
        sees(view, "Nobody was refused.")


def test_an_error_is_told_with_its_request_and_its_fields(started):
    with console(started) as opened:
        opened.expected = {400}
        view = opened.open("refusals?tag=%20", "Refusals")
        view = opened.open("register", "Register an access ID")
        view.get_by_label("Tag (required)").fill("tag with spaces")
        view.get_by_role("button", name="Register").click()
        alert = view.get_by_role("alert")
        sees(alert, "The request is invalid")
        sees(alert, "Request ")
        for label in ("Tag (required)", "Name (required)"):
            expect(view.get_by_label(label)).to_have_attribute("aria-invalid", "true")
        expect(view.get_by_label("Tag (required)")).to_be_focused()
        view.get_by_label("Tag (required)").fill(service.fresh_tag())
        view.get_by_label("Name (required)").fill("Card")
        view.get_by_role("button", name="Register").click()
        expect(opened.page.get_by_role("heading", level=1, name="Card")).to_be_visible(timeout=WITHIN)
        view = opened.open("access-ids?vehicleId=x&q=y", "Access IDs")
        sees(view.get_by_role("alert"), "vehicleId")
        expect(view.get_by_label("Vehicle's number")).to_have_attribute("aria-invalid", "true")


def test_a_taken_tag_leads_to_its_holder(started):
    known = service.card("Card of Grace")
    with console(started) as opened:
        opened.expected = {409}
        view = opened.open("register", "Register an access ID")
        view.get_by_label("Tag (required)").fill(known["ocppIdTag"])
        view.get_by_label("Name (required)").fill("Card")
        view.get_by_role("button", name="Register").click()
        view.get_by_role("alert").get_by_role("link").click()
        expect(opened.page.get_by_role("heading", level=1, name="Card of Grace")).to_be_visible(timeout=WITHIN)


def test_unknown_tags_show_what_they_may_be(started):
    tag = service.fresh_tag()
    near = service.card("The card itself", tag=bytes.fromhex(tag)[::-1].hex())
    box = f"bay-{tag}"
    refused(tag, box)
    assert service.ask(near["ocppIdTag"], box) == 200
    with console(started) as opened:
        view = opened.open("unknown-tags", "Unknown tags")
        row = view.get_by_role("row").filter(has_text=tag)
        row.get_by_role("link", name="Register").click()
        sees(view, "May be the same card as")
        sees(view, "bytes in reverse order")
        expect(view.get_by_role("link", name="The card itself").first).to_be_visible(timeout=WITHIN)
        sees(view, "May belong to")
        view = opened.open("unknown-tags?tag=none-such", "Unknown tags")
        sees(view, "was not refused as unknown")


def test_an_access_id_is_found_renamed_and_ruled(started):
    made = service.card("Old name", customer={"name": "Rule Fleet"})
    with console(started) as opened:
        view = opened.open("access-ids", "Access IDs")
        view.get_by_label("Tag", exact=True).fill(made["ocppIdTag"].upper())
        view.get_by_role("button", name="Show").click()
        sees(view.locator(".count"), "1 access ID")
        view.get_by_role("link", name="Old name").click()
        view.get_by_label("Name (required)").fill("New name")
        view.get_by_role("textbox", name="Customer").fill("")
        view.get_by_role("button", name="Save", exact=True).click()
        expect(opened.page.get_by_role("heading", level=1, name="New name")).to_be_visible(timeout=WITHIN)
        view.get_by_text("Change the rules").click()
        view.get_by_label("Until").fill("2031-05-01T12:00")
        view.get_by_label("Charge boxes").fill("depot-*\n\n bay/7 ")
        view.get_by_role("button", name="Save the rules").click()
        sees(view, "bay/7")
        opened.expected = {400}
        view.get_by_text("Change the rules").click()
        view.get_by_label("Charge boxes").fill("fine\na*b")
        view.get_by_role("button", name="Save the rules").click()
        sees(view, "Line 2 ")
    rules = service.call("GET", f"/api/access-ids/{made['id']}/rules")["rules"]
    assert rules == {"validFrom": None, "validUntil": "2031-05-01T10:00:00.000Z", "chargeBoxes": ["depot-*", "bay/7"]}, rules
    assert service.access_id(made["id"])["customer"] is None


def test_a_time_that_is_not_touched_stays_as_it_is(started):
    made = service.card("Card until winter time")
    # In the browser's zone, half past two happens twice that night. This is the second time.
    wanted = {"validFrom": None, "validUntil": "2031-10-26T01:30:00.123Z", "chargeBoxes": ["depot-*"]}
    service.call("PUT", f"/api/access-ids/{made['id']}/rules", {"rules": wanted})
    with console(started) as opened:
        view = opened.open(f"access-id?id={made['id']}", "Card until winter time")
        view.get_by_text("Change the rules").click()
        view.get_by_label("Charge boxes").fill("bay/7")
        view.get_by_role("button", name="Save the rules").click()
        sees(opened.page.locator("#status"), "The rules are saved")
    rules = service.call("GET", f"/api/access-ids/{made['id']}/rules")["rules"]
    assert rules == {**wanted, "chargeBoxes": ["bay/7"]}, rules


def test_an_access_id_with_rules_that_cannot_be_read_is_blocked_and_ruled_anew(started):
    made = service.card("Card of a later version")
    with console(started) as opened:
        opened.expected = {503}
        address = f"**/api/access-ids/{made['id']}/rules"
        opened.page.route(address, lambda route: route.fulfill(status=503, json=service.UNAVAILABLE) if route.request.method == "GET" else route.fallback())
        view = opened.open(f"access-id?id={made['id']}", "Card of a later version")
        sees(view, "the-request")
        view.get_by_role("button", name="Block", exact=True).click()
        confirm(opened, "Block this access ID?", "Block it")
        sees(view, "1 card or vehicle was blocked.")
        view.get_by_role("button", name="Try again").click()
        view.get_by_role("button", name="Replace the rules").click()
        confirm(opened, "Replace rules that nobody has seen?", "Replace them")
        view.get_by_label("Charge boxes").fill("depot-*")
        view.get_by_role("button", name="Save the rules").click()
        sees(opened.page.locator("#status"), "The rules are saved")
        opened.page.unroute(address)
        sees(opened.open(f"access-id?id={made['id']}", "Card of a later version"), "depot-*")
    assert service.call("GET", f"/api/access-ids/{made['id']}/rules")["rules"]["chargeBoxes"] == ["depot-*"]
    assert service.ask(made["ocppIdTag"]) == 403


def test_a_known_vehicle_has_to_be_chosen(started):
    tag = service.fresh_tag()
    car = service.vehicle(f"Found late {tag}")
    with console(started) as opened:
        view = opened.open("register?type=Vehicle", "Register an access ID")
        view.get_by_label("Tag (required)").fill(tag)
        view.get_by_label("Name (required)").fill("Vehicle that is linked")
        view.get_by_label("Its vehicle").select_option("existing")
        view.get_by_role("button", name="Register", exact=True).click()
        sees(view, "Must be chosen.")
        assert service.by_tag(tag) is None
        # A page of a list can be empty although others follow.
        empty = {"data": [], "pagination": {"hasNextPage": True, "nextPageCursor": "later"}}
        full = {"data": [car], "pagination": {"hasNextPage": False, "nextPageCursor": None}}
        opened.page.route("**/api/vehicles?*", lambda route: route.fulfill(json=full if "nextPageCursor=later" in route.request.url else empty))
        view.get_by_label("Find a vehicle").fill(car["name"])
        view.get_by_role("button", name="Find", exact=True).click()
        expect(view.get_by_role("combobox", name="Vehicle", exact=True)).to_have_value(str(car["id"]), timeout=WITHIN)
        view.get_by_role("button", name="Register", exact=True).click()
        expect(opened.page.get_by_role("heading", level=1, name="Vehicle that is linked")).to_be_visible(timeout=WITHIN)
    assert service.by_tag(tag)["vehicle"]["id"] == car["id"]


def test_an_access_id_is_linked_and_unlinked(started):
    car = service.vehicle(f"Car {service.fresh_tag()}", licensePlate="B-AD 1")
    made = service.card("Key card")
    with console(started) as opened:
        view = opened.open(f"access-id?id={made['id']}", "Key card")
        view.get_by_label("Find a vehicle").fill(car["name"])
        view.get_by_label("Find a vehicle").press("Enter")
        expect(view.get_by_role("combobox", name="Vehicle", exact=True)).to_have_value(str(car["id"]), timeout=WITHIN)
        view.get_by_role("button", name="Link to this vehicle").click()
        sees(opened.page.locator("#status"), "Linked")
        held = service.call("GET", f"/api/vehicles/{car['id']}")["vehicle"]["accessIds"]
        assert [summary["id"] for summary in held] == [made["id"]], held
        # The record of a card does not name the vehicle.
        view = opened.open(f"access-id?id={made['id']}", "Key card")
        expect(view.locator(".facts").get_by_role("link", name=car["name"])).to_be_visible(timeout=WITHIN)
        view.get_by_role("button", name="Unlink").click()
        sees(opened.page.locator("#status"), "Unlinked")
        sees(view, "Not linked to a vehicle.")
    assert service.call("GET", f"/api/vehicles/{car['id']}")["vehicle"]["accessIds"] == []


def test_a_check_says_what_decides(started):
    made = service.card("Card for a check")
    service.call("PUT", f"/api/access-ids/{made['id']}/rules", {"rules": {"chargeBoxes": ["depot-*"]}})
    spelled = service.spelled(made["ocppIdTag"])
    with console(started) as opened:
        view = opened.open("check", "Check")
        sees(view, "Enter a tag")
        view.get_by_label("Tag (required)").fill(spelled)
        view.get_by_label("Charge box").fill("elsewhere")
        view.get_by_role("button", name="Check").click()
        sees(view, "It would be refused: Not at this place")
        sees(view, "NotAtThisLocation")
        sees(view, "separators of the card number removed")
        view.get_by_label("Charge box").fill("depot-7")
        view.get_by_role("button", name="Check").click()
        sees(view, "It would charge")
        reverse = urllib.parse.quote(bytes.fromhex(made["ocppIdTag"])[::-1].hex())
        view = opened.open(f"check?ocppIdTag={reverse}", "Check")
        sees(view, "Unknown card")
        expect(view.get_by_role("link", name="Card for a check")).to_be_visible(timeout=WITHIN)


def test_a_vehicle_is_created_and_edited(started):
    known = service.card("Card of the pool")
    with console(started) as opened:
        view = opened.open("vehicles", "Vehicles")
        view.get_by_role("link", name="New vehicle").click()
        view.get_by_label("Name (required)").fill("Pool car")
        view.get_by_label("Make").fill("Renault")
        view.get_by_label("Tags").fill(f"{known['ocppIdTag']}\n{service.fresh_tag()}")
        view.get_by_role("button", name="Create").click()
        expect(opened.page.get_by_role("heading", level=1, name="Pool car")).to_be_visible(timeout=WITHIN)
        expect(view.get_by_role("link", name=known["ocppIdTag"])).to_be_visible(timeout=WITHIN)
        view.get_by_label("Model").fill("Zoe")
        view.get_by_label("Make").fill("")
        view.get_by_role("button", name="Save").click()
        sees(opened.page.locator("#status"), "Saved")
        number = int(opened.page.url.rsplit("=", 1)[1])
        stored = service.call("GET", f"/api/vehicles/{number}")["vehicle"]
        assert (stored["make"], stored["model"], len(stored["accessIds"])) == (None, "Zoe", 2), stored
        view = opened.open(f"vehicles?ocppIdTag={known['ocppIdTag']}", "Vehicles")
        sees(view.locator(".count"), "1 vehicle")


def test_customers_are_searched(started):
    name = f"Customer {service.fresh_tag()}"
    service.card("Card", customer={"name": name})
    with console(started) as opened:
        view = opened.open("customers", "Customers")
        view.get_by_label("Part of the name").fill(name.upper())
        view.get_by_role("button", name="Show").click()
        sees(view.locator(".count"), "1 customer")
        view.get_by_role("link", name=f"Access IDs of {name}").click()
        sees(view.locator(".count"), "1 access ID")


def test_the_reference_shows_the_api_and_tries_nothing(started):
    with console(started, token=None, path="/docs") as opened:
        operation = opened.page.locator(".opblock").filter(has_text="/api/access-checks").first
        expect(operation).to_be_visible(timeout=WITHIN)
        operation.click()
        expect(operation.get_by_text("Responses").first).to_be_visible(timeout=WITHIN)
        expect(opened.page.get_by_role("button", name="Try it out")).to_have_count(0)

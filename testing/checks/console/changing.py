"""Blocking, offboarding, replacing, deleting; who did it; and a token that may only look."""

import os
import urllib.parse

from playwright.sync_api import expect

import service
from browser import WITHIN, confirm, console, sees


def test_a_lost_card_is_found_by_its_number_and_blocked(started):
    lost = service.card("Lost card")
    near = service.card("The same card, reversed", tag=bytes.fromhex(lost["ocppIdTag"])[::-1].hex())
    with console(started) as opened:
        view = opened.open("access-ids", "Access IDs")
        view.get_by_label("Tag", exact=True).fill(service.spelled(lost["ocppIdTag"]))
        view.get_by_label("Tag", exact=True).press("Enter")
        view.get_by_role("link", name="Lost card").click()
        view.get_by_role("button", name="Block").click()
        confirm(opened, "Block this access ID?", "Cancel")
        assert service.access_id(lost["id"])["authorizationStatus"] == "Authorized"
        view.get_by_role("button", name="Block").click()
        confirm(opened, "Block this access ID?", "Block it")
        sees(view, "1 card or vehicle was blocked")
        sees(view, "Blocked since")
        view.get_by_role("button", name="Block The same card, reversed too").click()
        sees(view.locator(".near"), "Blocked")
        for made in (lost, near):
            assert service.access_id(made["id"])["authorizationStatus"] == "Revoked"
            assert service.ask(made["ocppIdTag"]) == 403
        view.get_by_role("button", name="Authorize").click()
        sees(view, "Authorized since")
    assert service.ask(lost["ocppIdTag"]) == 200


def test_a_customer_is_offboarded(started):
    name = f"Leaving {service.fresh_tag()}"
    cards = [service.card(f"Card {number}", customer={"name": name}) for number in range(5)]
    other = service.card("Card of somebody else", customer={"name": f"{name} not"})
    service.call("PATCH", f"/api/access-ids/{cards[0]['id']}", {"accessId": {"authorizationStatus": "Revoked"}})
    with console(started) as opened:
        view = opened.open(f"customers?q={urllib.parse.quote(name)}", "Customers")
        view.get_by_role("button", name=f"Offboard {name}", exact=True).click()
        confirm(opened, "Block 4 access IDs?", "Cancel")
        assert service.access_id(cards[1]["id"])["authorizationStatus"] == "Authorized"
        view.get_by_role("button", name=f"Offboard {name}", exact=True).click()
        confirm(opened, "Block 4 access IDs?", "Block them")
        sees(view, "4 cards and vehicles were blocked; 1 already had been.")
        view.get_by_role("button", name=f"Offboard {name}", exact=True).click()
        sees(view, "Nothing to block")
    assert {service.access_id(card["id"])["authorizationStatus"] for card in cards} == {"Revoked"}
    assert service.access_id(other["id"])["authorizationStatus"] == "Authorized"


def test_what_is_only_linked_to_a_customers_vehicle_is_named(started):
    name = f"Lessor {service.fresh_tag()}"
    car = service.vehicle("Leased car", accessIds=[{"ocppIdTag": service.fresh_tag()}])
    service.call("PATCH", f"/api/vehicles/{car['id']}", {"vehicle": {"customer": {"name": name}}})
    own = service.card("Card of the lessor", customer={"name": name})
    tag = car["accessIds"][0]["ocppIdTag"]
    with console(started) as opened:
        view = opened.open(f"customers?q={urllib.parse.quote(name)}", "Customers")
        view.get_by_role("button", name=f"Offboard {name}", exact=True).click()
        confirm(opened, "Block 1 access ID?", "Block them")
        sees(view, "1 card or vehicle was blocked.")
        sees(view, "1 access ID is linked to a vehicle of")
        assert (service.ask(own["ocppIdTag"]), service.ask(tag)) == (403, 200)
        view.get_by_role("button", name=f"Offboard {name}", exact=True).click()
        sees(view, "Nothing to block: no card or vehicle that is registered for")
        expect(view.get_by_role("link", name=tag)).to_be_visible(timeout=WITHIN)
        view.get_by_role("button", name="Block these too").click()
        confirm(opened, "Block 1 access ID?", "Block them")
        sees(view, "1 card or vehicle was blocked.")
    assert service.ask(tag) == 403


def test_a_new_card_has_the_rules_of_the_old_one(started):
    car = service.vehicle("Car with rules", accessIds=[{"ocppIdTag": service.fresh_tag()}])
    card = service.card("Card with rules")
    service.call("PATCH", f"/api/access-ids/{card['id']}", {"accessId": {"vehicleId": car["id"]}})
    for old, id_ in ((card["ocppIdTag"], card["id"]), (car["accessIds"][0]["ocppIdTag"], car["accessIds"][0]["id"])):
        wanted = {"validFrom": None, "validUntil": "2031-10-26T00:30:00.123Z", "chargeBoxes": ["depot-*"]}
        service.call("PUT", f"/api/access-ids/{id_}/rules", {"rules": wanted})
        new = service.fresh_tag()
        with console(started) as opened:
            # The first try ends half way.
            opened.expected = {503}
            failures = [503]
            opened.page.route(
                "**/rules", lambda route: route.fulfill(status=failures.pop(), json=service.UNAVAILABLE) if failures and route.request.method == "PUT" else route.fallback()
            )
            view = opened.open(f"vehicle?id={car['id']}", "Car with rules")
            view.get_by_label("Card to be replaced").select_option(label=f"{old} (Authorized)")
            view.get_by_label("Tag of the new card (required)").fill(new)
            view.get_by_role("button", name="Replace", exact=True).click()
            sees(view.get_by_role("alert"), service.UNAVAILABLE["error"])
            assert (service.ask(old, "depot-1"), service.ask(new, "elsewhere")) == (200, 403)
            view.get_by_role("button", name="Replace", exact=True).click()
            sees(view, "is registered and linked")
        assert (service.ask(old, "depot-1"), service.ask(new, "depot-1"), service.ask(new, "elsewhere")) == (403, 200, 403)
        made = service.by_tag(new)
        assert service.call("GET", f"/api/access-ids/{made['id']}/rules")["rules"] == wanted
        held = service.call("GET", f"/api/vehicles/{car['id']}")["vehicle"]["accessIds"]
        assert made["id"] in [summary["id"] for summary in held]


def test_the_card_of_a_vehicle_is_replaced(started):
    car = service.vehicle("Car with a card", accessIds=[{"ocppIdTag": service.fresh_tag()}])
    card = service.card("Card of the driver", customer={"name": "Driver's fleet"})
    service.call("PATCH", f"/api/access-ids/{card['id']}", {"accessId": {"vehicleId": car["id"]}})
    for old, kind in ((card["ocppIdTag"], "RFID"), (car["accessIds"][0]["ocppIdTag"], "Vehicle")):
        new = service.fresh_tag()
        with console(started) as opened:
            view = opened.open(f"vehicle?id={car['id']}", "Car with a card")
            view.get_by_label("Card to be replaced").select_option(label=f"{old} (Authorized)")
            view.get_by_label("Tag of the new card (required)").fill(new)
            view.get_by_role("button", name="Replace", exact=True).click()
            sees(view, "is registered and linked")
            sees(view, "1 card or vehicle was blocked")
            expect(view.get_by_role("row").filter(has_text=new)).to_contain_text("Authorized")
        assert (service.ask(old), service.ask(new)) == (403, 200)
        made = service.access_id(service.by_tag(new)["id"])
        before = service.access_id(service.by_tag(old)["id"])
        assert (made["type"], made["name"], made["customer"]) == (kind, before["name"], before["customer"]), made
        held = service.call("GET", f"/api/vehicles/{car['id']}")["vehicle"]["accessIds"]
        assert made["id"] in [summary["id"] for summary in held]


def test_all_cards_of_a_vehicle_are_blocked(started):
    car = service.vehicle("Stolen car", accessIds=[{"ocppIdTag": service.fresh_tag()} for _ in range(2)])
    with console(started) as opened:
        view = opened.open(f"vehicle?id={car['id']}", "Stolen car")
        view.get_by_role("button", name="Block all of them").click()
        confirm(opened, "Block 2 access IDs?", "Block them")
        sees(view, "2 cards and vehicles were blocked.")
    assert [service.ask(summary["ocppIdTag"]) for summary in car["accessIds"]] == [403, 403]


def test_access_ids_and_vehicles_are_deleted(started):
    car = service.vehicle("Old car")
    card = service.card("Old card")
    service.call("PATCH", f"/api/access-ids/{card['id']}", {"accessId": {"vehicleId": car["id"]}})
    with console(started) as opened:
        opened.expected = {409}
        view = opened.open(f"vehicle?id={car['id']}", "Old car")
        view.get_by_role("button", name="Delete").click()
        confirm(opened, "Delete this vehicle?", "Delete it")
        sees(view.get_by_role("alert"), "Request ")
        view = opened.open(f"access-id?id={card['id']}", "Old card")
        view.get_by_role("button", name="Delete").click()
        confirm(opened, "Delete this access ID?", "Delete it")
        expect(opened.page.get_by_role("heading", level=1, name="Access IDs")).to_be_visible(timeout=WITHIN)
        assert service.by_tag(card["ocppIdTag"]) is None
        view = opened.open(f"vehicle?id={car['id']}", "Old car")
        view.get_by_role("button", name="Delete").click()
        confirm(opened, "Delete this vehicle?", "Delete it")
        expect(opened.page.get_by_role("heading", level=1, name="Vehicles")).to_be_visible(timeout=WITHIN)
        opened.expected = {404}
        view = opened.open(f"vehicle?id={car['id']}", "Vehicle")
        sees(view.get_by_role("alert"), "There is no such record")


def test_changes_tell_who_did_what(started):
    made = service.card("Before", customer={"name": "Historians"})
    service.call("PATCH", f"/api/access-ids/{made['id']}", {"accessId": {"name": "<b>After</b>", "customer": None}})
    with console(started) as opened:
        view = opened.open(f"access-id?id={made['id']}", "<b>After</b>")
        view.get_by_role("link", name="Changes").click()
        sees(view.locator(".count"), "2 changes")
        newest = view.get_by_role("row").nth(1)
        sees(newest, "Changed")
        sees(newest, "Name: Before → <b>After</b>")
        sees(newest, "Customer: Historians → none")
        sees(newest, os.environ["ORGANIZATION"])
        view.get_by_label("From").fill("2099-01-01T00:00")
        view.get_by_role("button", name="Show").click()
        sees(view, "No change fits.")


def test_a_view_token_sees_all_and_is_offered_no_change(started):
    car = service.vehicle("Seen car", accessIds=[{"ocppIdTag": service.fresh_tag()}])
    card = service.card("Seen card", customer={"name": "Seen customer"})
    unknown = service.fresh_tag()
    service.ask(unknown)
    service.journalled(unknown)
    with console(started, token=os.environ["VIEW_TOKEN"]) as opened:
        expect(opened.page.get_by_text("View only")).to_be_visible()
        for address, title in (
            ("refusals", "Refusals"),
            (f"unknown-tags?tag={unknown}", "Unknown tags"),
            ("access-ids", "Access IDs"),
            (f"access-id?id={card['id']}", "Seen card"),
            ("register", "Register an access ID"),
            ("vehicles", "Vehicles"),
            ("new-vehicle", "New vehicle"),
            (f"vehicle?id={car['id']}", "Seen car"),
            (f"check?ocppIdTag={card['ocppIdTag']}", "Check"),
            ("import", "Import"),
            ("customers", "Customers"),
            ("changes", "Changes"),
        ):
            view = opened.open(address, title)
            buttons = [text for text in view.get_by_role("button").all_inner_texts() if text not in ("Show", "Load more", "Check", "Export", "Try again")]
            assert buttons == [], (address, buttons)
            assert view.get_by_role("link", name="Register").count() == 0, address
        sees(opened.open(f"check?ocppIdTag={card['ocppIdTag']}", "Check"), "It would charge")

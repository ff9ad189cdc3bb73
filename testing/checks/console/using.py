"""What an operator notices: what is in sight, where the focus is, what the Back button finds, what is said when the service fails."""

import datetime
import urllib.parse
import zoneinfo

from playwright.sync_api import expect

import service
from browser import WITHIN, console, sees

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def bottoms(view):
    """How far down the rows of a table end."""
    return view.locator("tbody tr").evaluate_all("rows => rows.map((row) => row.getBoundingClientRect().bottom)")


def test_refusals_are_in_sight_at_once(started):
    tag = service.fresh_tag()
    for number in range(8):
        service.ask(tag, f"sight-{number}", "start")
    service.journalled(tag)
    for width, height, rows in ((360, 740, 1), (820, 1100, 8), (1280, 900, 6)):
        with console(started, width=width, height=height) as opened:
            seen = [bottom for bottom in bottoms(opened.open("refusals", "Refusals")) if bottom <= height]
            assert len(seen) >= rows, (width, seen)


def test_a_long_text_pushes_no_action_out_of_sight(started):
    tag = service.fresh_tag()
    service.card("W" * 200, tag=tag)
    service.call("PATCH", f"/api/access-ids/{service.by_tag(tag)['id']}", {"accessId": {"authorizationStatus": "Revoked"}})
    service.ask(tag, "z" * 300, "start")
    service.journalled(tag)
    with console(started) as opened:
        view = opened.open(f"refusals?tag={tag}", "Refusals")
        right = view.get_by_role("link", name="Check now").evaluate("link => link.getBoundingClientRect().right")
        assert right <= view.locator(".table").last.evaluate("table => table.getBoundingClientRect().right"), right


def test_last_night_is_one_choice(started):
    with console(started) as opened:
        view = opened.open("refusals?tag=night", "Refusals")
        view.get_by_label("When").select_option(label="Last night")
        expect(view.get_by_label("From")).to_be_hidden()
        view.get_by_role("button", name="Show").click()
        sees(view, "Nobody was refused.")
        query = urllib.parse.parse_qs(urllib.parse.urlparse(opened.page.url).fragment)
        times = [datetime.datetime.fromisoformat(query[name][0]).astimezone(BERLIN) for name in ("after", "before")]
        assert [time.strftime("%H:%M") for time in times] == ["18:00", "08:00"], times
        assert (times[1].date() - times[0].date()).days == 1 and "night" in query["refusals?tag"], query
        # The address has the times, the form has the word again.
        expect(view.get_by_label("When")).to_have_value("night")


def test_a_bar_of_the_chart_shows_its_hour(started):
    tag = service.fresh_tag()
    service.ask(tag, "bar", "start")
    service.journalled(tag)
    with console(started) as opened:
        view = opened.open(f"refusals?tag={tag}", "Refusals")
        view.locator(".chart .bar").click()
        expect(view.get_by_label("When")).to_have_value("own")
        sees(view.locator(".count"), "1 decision")
        assert "before=" in opened.page.url and f"tag={tag}" in opened.page.url
        view.get_by_text("As numbers").click()
        expect(view.locator(".numbers").get_by_role("link")).to_have_count(1)


def test_back_finds_a_list_as_it_was_left(started):
    tag = service.fresh_tag()
    for _ in range(60):
        service.ask(tag, "back", "start")
    service.journalled(tag)
    with console(started) as opened:
        view = opened.open(f"refusals?tag={tag}", "Refusals")
        view.get_by_role("button", name="Load more").click()
        sees(view.locator(".count"), "60 decisions")
        view.get_by_role("link", name="Check now").nth(55).click()
        expect(opened.page.get_by_role("heading", level=1, name="Check")).to_be_visible(timeout=WITHIN)
        opened.settle()
        opened.page.go_back()
        sees(view.locator(".count"), "60 decisions")
        expect(view.get_by_role("link", name="Check now").nth(55)).to_be_in_viewport(timeout=WITHIN)
        opened.page.go_forward()
        expect(opened.page.get_by_role("heading", level=1, name="Check")).to_be_in_viewport(timeout=WITHIN)


def test_unknown_tags_come_newest_first(started):
    # By their names they would come the other way round.
    tags = [f"{letter}{service.fresh_tag()[-12:]}" for letter in ("zz", "aa")]
    for tag in tags:
        service.ask(tag, "newest")
        service.journalled(tag)
    service.ask(tags[0], "newest-again")
    with console(started) as opened:
        for _ in range(20):
            view = opened.open("unknown-tags", "Unknown tags")
            if tags[0] in view.get_by_role("row").nth(1).inner_text():
                break
            opened.page.wait_for_timeout(200)
        sees(view.get_by_role("row").nth(1), tags[0])
        sees(view.get_by_role("row").nth(2), tags[1])


def test_the_focus_is_never_lost(started):
    card = service.card("Focused card", customer={"name": f"Focus {service.fresh_tag()}"})
    with console(started) as opened:
        page = opened.page
        view = opened.open(f"access-id?id={card['id']}", "Focused card")
        view.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_be_focused(timeout=WITHIN)
        view.get_by_role("button", name="Block").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(view.get_by_role("button", name="Block")).to_be_focused()
        view.get_by_role("button", name="Block").click()
        page.get_by_role("dialog").get_by_role("button", name="Block it").click()
        expect(view.locator(".done")).to_be_focused(timeout=WITHIN)
        view.get_by_role("button", name="Authorize").click()
        expect(page.get_by_role("heading", level=1)).to_be_focused(timeout=WITHIN)
        view = opened.open(f"customers?q={urllib.parse.quote(card['customer']['name'])}", "Customers")
        view.get_by_role("button", name="Offboard").click()
        page.get_by_role("dialog").get_by_role("button", name="Block them").click()
        sees(view, f"{card['customer']['name']}: 1 card or vehicle was blocked.")
        expect(view.locator(".done")).to_be_focused()


def test_a_vehicle_with_many_access_ids_stays_readable(started):
    car = service.vehicle("Pool", accessIds=[{"ocppIdTag": service.fresh_tag()} for _ in range(30)])
    last = car["accessIds"][-1]["ocppIdTag"]
    with console(started) as opened:
        view = opened.open(f"vehicle?id={car['id']}", "Pool")
        expect(view.get_by_role("row")).to_have_count(11)
        view.get_by_role("button", name="Show all 30").click()
        expect(view.get_by_role("row")).to_have_count(31)
        view.get_by_role("button", name=f"Replace {last}").click()
        expect(view.get_by_label("Card to be replaced")).to_have_value(str(car["accessIds"][-1]["id"]))
        expect(view.get_by_label("Tag of the new card (required)")).to_be_focused()
        expect(view.get_by_label("Tag of the new card (required)")).to_be_in_viewport()


def test_a_service_that_fails_is_told_and_tried_again(started):
    with console(started, width=360, height=740) as opened:
        opened.expected = {503}
        opened.page.route("**/api/customers*", lambda route: route.fulfill(status=503, json=service.UNAVAILABLE))
        view = opened.open("customers?q=nobody-has-this", "Customers")
        alert = view.get_by_role("alert")
        sees(alert, service.UNAVAILABLE["error"])
        sees(alert, "Request the-request")
        # The form has nothing to do with it, so it does not push the sentence out of sight.
        expect(alert).to_be_in_viewport()
        expect(view.get_by_label("Part of the name")).to_be_hidden()
        opened.page.unroute("**/api/customers*")
        view.get_by_role("button", name="Try again").click()
        sees(view, "No customer fits.")
        opened.page.route("**/api/customers*", lambda route: route.abort())
        sees(opened.open("customers", "Customers").get_by_role("alert"), "The service cannot be reached.")


def test_a_slow_service_is_seen_to_be_asked(started):
    card = service.card("Slow card")
    with console(started) as opened:
        waiting = []
        opened.page.route(f"**/api/access-ids/{card['id']}", lambda route: waiting.append(route))
        opened.page.evaluate(f"location.hash = 'access-id?id={card['id']}'")
        expect(opened.page.locator("main[aria-busy]")).to_be_visible()
        shown = "getComputedStyle(document.querySelector('.view'), '::before').content"
        assert "Loading" in opened.page.evaluate(shown), opened.page.evaluate(shown)
        waiting.pop().continue_()
        expect(opened.page.get_by_role("heading", level=1, name="Slow card")).to_be_visible(timeout=WITHIN)


def test_a_row_with_an_error_stays_in_sight_until_it_is_corrected(started):
    tags = [service.fresh_tag() for _ in range(3)]
    rows = [f"{tag},Card,RFID" for tag in tags]
    wrong = [rows[0], rows[1].replace("RFID", "Rfidd"), rows[2]]
    with console(started) as opened:
        view = opened.open("import", "Import")
        for lines, changes, told in ((wrong, "Apply 2 changes", "1 with errors"), (rows, "Apply 1 change", "1 registered")):
            # A person clicks: the same file has to count as a new choice.
            with opened.page.expect_file_chooser() as chooser:
                view.get_by_label("CSV file").click()
            expect(view.get_by_label("CSV file")).to_have_value("")
            text = "\n".join(["ocppIdTag,name,type", *lines])
            chooser.value.set_files({"name": "cards.csv", "mimeType": "text/csv", "buffer": text.encode()})
            view.get_by_role("button", name=changes, exact=True).click()
            opened.page.get_by_role("dialog").get_by_role("button", name="Apply").click()
            sees(view, "What was changed")
            sees(view.locator(".summary"), told)
            if lines is wrong:
                sees(view.get_by_role("row").filter(has_text=tags[1]), "must be RFID or Vehicle")
                sees(view, "Correct the rows with errors in the file and choose it again")
    assert service.by_tag(tags[1])["type"] == "RFID"

"""Keyboard, screen readers, small screens, the dark; and the pictures of README.md."""

import pathlib

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import service
from browser import WITHIN, console, sees

IMAGES = pathlib.Path(__file__).resolve().parents[3] / "docs" / "images"
GRAVE = ("serious", "critical")


def seed():
    """Something to see in every view. Returns the addresses of the views and their headings."""
    car = service.vehicle("Delivery van 12", make="Renault", model="Kangoo E-Tech", licensePlate="B-EF 1207E", vin="VF1FW0ZB123456789", customer={"name": "Nordlicht Logistik"})
    card = service.card("Card of Ada Lovelace", customer={"name": "Nordlicht Logistik"})
    service.call("PATCH", f"/api/access-ids/{card['id']}", {"accessId": {"vehicleId": car["id"]}})
    service.call("PUT", f"/api/access-ids/{card['id']}/rules", {"rules": {"validUntil": "2031-01-01T00:00:00Z", "chargeBoxes": ["depot-*", "harbour-3"]}})
    unknown = service.fresh_tag()
    for _ in range(2):
        service.ask(unknown, "harbour-3", "start")
    service.ask(card["ocppIdTag"], "airport-1", "start")
    service.ask(card["ocppIdTag"], "depot-4", "start")
    service.journalled(unknown)
    return [
        ("refusals?show=all", "Refusals"),
        ("unknown-tags", "Unknown tags"),
        (f"unknown-tags?tag={unknown}", "Unknown tags"),
        ("access-ids", "Access IDs"),
        (f"access-id?id={card['id']}", "Card of Ada Lovelace"),
        ("register", "Register an access ID"),
        ("vehicles", "Vehicles"),
        (f"vehicle?id={car['id']}", "Delivery van 12"),
        ("new-vehicle", "New vehicle"),
        (f"check?ocppIdTag={card['ocppIdTag'].upper()}&chargeBox=airport-1", "Check"),
        ("import", "Import"),
        ("customers", "Customers"),
        ("changes", "Changes"),
        (f"changes?accessId={card['id']}", "Changes"),
        ("access-ids?q=nobody-has-this", "Access IDs"),
    ]


def grave(page):
    """What axe-core finds that is serious or worse: rule, what it is, and where."""
    found = Axe().run(page).response["violations"]
    return [(violation["id"], violation["help"], [node["html"][:200] for node in violation["nodes"][:3]]) for violation in found if violation["impact"] in GRAVE]


def test_nothing_stands_in_the_way_of_a_screen_reader_in_light_and_dark(started):
    views = seed()
    for dark in (False, True):
        with console(started, dark=dark, token=None) as opened:
            assert grave(opened.page) == [], "sign in"
            opened.sign_in(service.TOKEN)
            for address, title in views:
                opened.open(address, title)
                assert grave(opened.page) == [], (address, dark, grave(opened.page))
                headings = opened.page.get_by_role("heading", level=1)
                assert headings.count() == 1 and opened.page.title().startswith(headings.inner_text()), address


def test_it_is_dark_when_the_system_is(started):
    colours = []
    for dark in (False, True):
        with console(started, dark=dark) as opened:
            colour = opened.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
            colours.append(sum(colour))
    assert colours[0] > 600 and colours[1] < 150, colours


def test_nothing_is_wider_than_a_small_screen(started):
    views = seed()
    long = service.card("W" * 200, customer={"name": "M" * 200}, tag=("w" * 22 + service.fresh_tag())[:36])
    service.call("PUT", f"/api/access-ids/{long['id']}/rules", {"rules": {"chargeBoxes": ["x" * 100]}})
    service.ask("y" * 300, "z" * 300)
    with console(started, width=360, height=740) as opened:
        for address, title in [*views, (f"access-id?id={long['id']}", "W" * 200), ("refusals", "Refusals")]:
            opened.open(address, title)
            width, wide = opened.page.evaluate("""[document.documentElement.scrollWidth,
                [...document.querySelectorAll("main *")].filter((element) => element.getBoundingClientRect().right > 361).slice(0, 3).map((element) => element.outerHTML.slice(0, 200))]""")
            assert width <= 360, (address, width, wide)


def press(page, role, name, limit=80, key="Tab"):
    """Reaches an element with the tab key alone, and sees that the focus can be seen."""
    wanted = page.get_by_role(role, name=name, exact=True).first
    expect(wanted).to_be_visible(timeout=WITHIN)
    for _ in range(limit):
        if wanted.evaluate("element => element === document.activeElement"):
            assert wanted.evaluate("element => getComputedStyle(element).outlineStyle") != "none", f"{name}: the focus cannot be seen"
            return wanted
        page.keyboard.press(key)
    raise AssertionError(f"{name} cannot be reached with the keyboard")


def test_everything_can_be_done_with_the_keyboard(started):
    tag = service.fresh_tag()
    service.ask(tag, "keyboard")
    service.journalled(tag)
    with console(started, token=None) as opened:
        page = opened.page
        page.keyboard.type(service.TOKEN)
        page.keyboard.press("Enter")
        expect(page.get_by_role("navigation", name="Views")).to_be_visible(timeout=WITHIN)
        opened.settle()
        press(page, "link", "Unknown tags", key="Shift+Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1, name="Unknown tags")).to_be_focused(timeout=WITHIN)
        press(page, "textbox", "Tag")
        page.keyboard.type(tag)
        page.keyboard.press("Enter")
        press(page, "textbox", "Name (required)")
        page.keyboard.type("Card by keyboard")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1, name="Card by keyboard")).to_be_focused(timeout=WITHIN)
        opened.settle()
        press(page, "button", "Block")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Block this access ID?")
        expect(dialog).to_be_visible(timeout=WITHIN)
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        # The link past the navigation comes first.
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Shift+Home")
        skip = press(page, "link", "Skip to the content")
        expect(skip).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_be_focused()
        expect(page.get_by_role("heading", level=1, name="Card by keyboard")).to_be_visible()
    assert service.by_tag(tag)["name"] == "Card by keyboard"


def test_results_are_told_to_a_screen_reader(started):
    with console(started) as opened:
        opened.open("access-ids?q=nobody-has-this", "Access IDs")
        expect(opened.page.locator("#status")).to_have_text("Nothing found", timeout=WITHIN)
        view = opened.open("check?ocppIdTag=nobody-has-this", "Check")
        sees(view, "Unknown card")
        expect(opened.page.locator("#status")).to_have_text("It would be refused: Unknown card", timeout=WITHIN)


def pictures(started):
    """The pictures of README.md: three widths, light and dark."""
    IMAGES.mkdir(exist_ok=True)
    views = dict((address.split("?")[0], (address, title)) for address, title in reversed(seed()))
    for name, view, options in (
        ("console-refusals", "refusals", {"width": 1280, "height": 820}),
        ("console-check", "check", {"width": 820, "height": 900}),
        ("console-access-id-dark", "access-id", {"width": 820, "height": 900, "dark": True}),
        ("console-refusals-phone", "refusals", {"width": 360, "height": 740}),
    ):
        with console(started, **options) as opened:
            address, title = views[view]
            opened.open(address, title)
            opened.page.screenshot(path=IMAGES / f"{name}.png")
            print(f"console: {name}.png, {(IMAGES / f'{name}.png').stat().st_size // 1024} KiB", flush=True)

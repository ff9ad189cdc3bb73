"""Texts that try to become markup, script, or something else than they are, in every text that the API can hold."""

import urllib.parse

import service
from browser import console

# Each tells `window.hacked` if it ever runs.
CORPUS = (
    "<script>hacked('script')</script>",
    "<img src=x onerror=hacked('img')>",
    "\"><svg onload=hacked('svg')>",
    "'><iframe srcdoc=\"<script>parent.hacked('frame')</script>\">",
    "javascript:hacked('href')",
    "</textarea></title><b onmouseover=hacked('b')>bold</b>",
    "{{constructor.constructor('hacked(1)')()}} ${hacked('template')}",
    "&lt;img src=x onerror=hacked('entity')&gt;",
    "<math><mtext><style><img src onerror=hacked('math')>",
    "العربية مع <b>نص</b> 💥",
    "=HYPERLINK(\"http://example.org\",\"x\")",
)


def tag_of(number):
    """Tags hold printable ASCII without spaces."""
    shapes = ("<b/onclick=hacked(1)>", "x\"><i/x=", "<svg/onload=hacked(2)>", "&lt;b&gt;", "javascript:hacked(3)", "x'-hacked(4)-'")
    return f"{shapes[number % len(shapes)]}{service.fresh_tag()[-10:]}"[:36]


def test_no_text_becomes_markup(started):
    made = []
    for number, text in enumerate(CORPUS):
        tag = tag_of(number)
        unknown = tag_of(number + 1)
        customer = {"name": f"{text} customer"}
        car = service.vehicle(f"{text} car", make=text, model=text, vin=text[:64], licensePlate=text[:64], customer=customer)
        card = service.card(f"{text} card", tag=tag, customer=customer)
        service.call("PATCH", f"/api/access-ids/{card['id']}", {"accessId": {"vehicleId": car["id"]}})
        service.call("PUT", f"/api/access-ids/{card['id']}/rules", {"rules": {"chargeBoxes": [text.replace("*", "+")]}})
        service.ask(unknown, text, "start")
        service.ask(f" {text}", text)
        service.journalled(unknown)
        made.append((text, tag, unknown, card["id"], car["id"]))
    with console(started) as opened:
        for text, tag, unknown, card, car in made:
            quoted = {name: urllib.parse.quote(value) for name, value in {"text": text, "tag": tag, "unknown": unknown}.items()}
            for address, title in (
                (f"refusals?show=all&chargeBox={quoted['text']}", "Refusals"),
                (f"unknown-tags?tag={quoted['unknown']}", "Unknown tags"),
                (f"access-ids?ocppIdTag={quoted['tag']}&q={quoted['text']}", "Access IDs"),
                (f"access-id?id={card}", f"{text} card"),
                (f"vehicles?customer={quoted['text']}%20customer", "Vehicles"),
                (f"vehicle?id={car}", f"{text} car"),
                (f"check?ocppIdTag={quoted['text']}&chargeBox={quoted['text']}", "Check"),
                (f"customers?q={quoted['text']}", "Customers"),
                (f"changes?accessId={card}", "Changes"),
            ):
                view = opened.open(address, title)
                shown = view.inner_text() + " ".join(view.locator("input, textarea").evaluate_all("inputs => inputs.map((input) => input.value)"))
                assert text in shown or tag in shown or unknown in shown, (address, shown)
                strangers = opened.page.locator("main :is(script, iframe, img, object, embed, base, meta, math, b, i, style)").count()
                assert strangers == 0, (address, strangers)
                scripted = opened.page.locator("a[href^='javascript' i], [onclick], [onerror], [onload], [srcdoc], [style]").count()
                assert scripted == 0, (address, scripted)


def test_an_address_is_no_way_in(started):
    with console(started) as opened:
        opened.expected = {400, 404}
        for text in CORPUS:
            quoted = urllib.parse.quote(text)
            for address, title in (
                (f"{quoted}", "Refusals"),
                (f"refusals?tag=x&reason={quoted}&after={quoted}", "Refusals"),
                (f"access-id?id={quoted}", "Access ID"),
                (f"vehicle?id=..%2F..%2F{quoted}", "Vehicle"),
                (f"__proto__?{quoted}={quoted}", "Refusals"),
            ):
                opened.open(address, title)

"""Export and import of CSV, also of cells that a spreadsheet would take for a formula."""

import csv
import io

from playwright.sync_api import expect

import service
from browser import WITHIN, console, sees

FORMULAS = ("=1+1", "+49 30 123", "-2", "@SUM(A1)", "'=kept", "''-kept", "plain, with \"quotes\"; and more", "Ünïcødé 💥")


def exported(opened, customers=False):
    """The rows of an export."""
    view = opened.open("import", "Import")
    if customers:
        view.get_by_label("With customers").check()
    with opened.page.expect_download(timeout=60_000) as download:
        view.get_by_role("button", name="Export").click()
    content = download.value.path().read_bytes()
    assert content.startswith(b"\xef\xbb\xbf"), "no byte order mark"
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_an_export_holds_every_access_id_and_no_formula(started):
    made = {service.card(name, customer={"name": name})["ocppIdTag"]: name for name in FORMULAS}
    with console(started) as opened:
        rows = exported(opened, customers=True)
        assert len(rows) == len({row["ocppIdTag"] for row in rows})
        found = {row["ocppIdTag"]: row for row in rows if row["ocppIdTag"] in made}
        assert len(found) == len(made)
        for tag, name in made.items():
            row = found[tag]
            assert row["name"][0] not in "=+-@" and row["customer"][0] not in "=+-@", row
            assert row["name"] in (name, f"'{name}"), row
        # As the console reads it again, every cell is what it was.
        content = opened.page.evaluate(
            """async (names) => {
                const { readAccessIds, write } = await import("/console/csv.js");
                const text = write([["ocppIdTag", "name", "type"], ...names.map((name) => ["t", name, "RFID"])]);
                return [text, `\\uFEFF${text.replaceAll("\\r\\n", "\\n")}`].map((given) => readAccessIds(given).map(({ item }) => item.name));
            }""",
            list(FORMULAS),
        )
        assert content == [list(FORMULAS)] * 2, content


def test_an_export_goes_on_without_what_was_deleted_and_waits_when_it_is_told_to(started):
    gone, late = service.card("Deleted meanwhile"), service.card("Answered late")
    answers = [429, 503]
    with console(started) as opened:
        opened.expected = {404, 429, 503}
        opened.page.route(f"**/api/access-ids/{gone['id']}", lambda route: route.fulfill(status=404, json={"error": "not found"}))
        opened.page.route(
            f"**/api/access-ids/{late['id']}", lambda route: route.fulfill(status=answers.pop(), json={"error": "wait"}) if answers else route.fallback()
        )
        tags = {row["ocppIdTag"] for row in exported(opened, customers=True)}
    assert late["ocppIdTag"] in tags and gone["ocppIdTag"] not in tags and not answers


def test_csv_is_read_as_rfc_4180_says(started):
    with console(started) as opened:
        read = lambda text: opened.page.evaluate(  # noqa: E731
            """async (text) => {
                const { parse } = await import("/console/csv.js");
                try { return parse(text).map(({ line, cells }) => [line, ...cells]); } catch (error) { return error.message; }
            }""",
            text,
        )
        assert read('a,b\r\n"x, ""y""\r\nz",\r\n\r\n1,2') == [[1, "a", "b"], [2, 'x, "y"\r\nz', ""], [5, "1", "2"]]
        assert read("\ufeffa;b\n1,5;2\n") == [[1, "a", "b"], [2, "1,5", "2"]]
        assert read('"a;b",c\r1,2\r') == [[1, "a;b", "c"], [2, "1", "2"]]
        assert read("") == [] and read("\n\r\n") == []
        assert "never closed" in read('a,b\n"x,y\n') and "closing quotation mark" in read('a\n"x"y\n')


def upload(opened, text, name="cards.csv"):
    content = text if isinstance(text, bytes) else text.encode()
    view = opened.open("import", "Import")
    view.get_by_label("CSV file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    return view


def test_an_import_shows_what_would_change_and_then_changes_it(started):
    known = service.card("Old name", customer={"name": "Old customer"})
    same = service.card("Same")
    tags = [service.fresh_tag() for _ in range(3)]
    rows = [
        (known["ocppIdTag"].upper(), "=New name", "RFID", "New; \"customer\""),
        (same["ocppIdTag"], "Same", "RFID", ""),
        (tags[0], "Card, new", "RFID", "Import fleet"),
        (tags[1], " ", "RFID", ""),
        (f"VID:{tags[2][-12:]}", "Van, new", "Vehicle", ""),
        (tags[0], "Twice", "RFID", ""),
    ]
    quoted = "".join(";".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows)
    with console(started) as opened:
        view = upload(opened, "\ufeffocppIdTag;name;type;customer\r\n" + quoted)
        sees(view, "What would change")
        sees(view, "2 new")
        sees(view, "1 to be changed")
        sees(view, "1 unchanged")
        sees(view, "2 with errors")
        changed = view.get_by_role("row").filter(has_text=known["ocppIdTag"])
        sees(changed, "Name: Old name → =New name")
        sees(changed, "Customer: Old customer → New; \"customer\"")
        sees(view.get_by_role("row").filter(has_text=tags[1]), "name")
        assert service.by_tag(tags[0]) is None and service.access_id(known["id"])["name"] == "Old name", "a dry run has written"
        view.get_by_role("button", name="Apply 3 changes").click()
        opened.page.get_by_role("dialog").get_by_role("button", name="Apply").click()
        sees(view, "What was changed")
        sees(view, "2 registered")
        sees(view, "1 changed")
    stored = service.access_id(known["id"])
    assert (stored["name"], stored["customer"]) == ("=New name", {"name": "New; \"customer\""}), stored
    assert service.by_tag(tags[0])["name"] == "Card, new" and service.by_tag(tags[2][-12:])["type"] == "Vehicle"


def test_what_is_exported_is_imported_unchanged(started):
    cards = {service.card(name, customer={"name": name})["ocppIdTag"]: name for name in FORMULAS}
    with console(started) as opened:
        rows = [row for row in exported(opened, customers=True) if row["ocppIdTag"] in cards]
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, fieldnames=rows[0])
        writer.writeheader()
        writer.writerows(rows)
        view = upload(opened, text.getvalue())
        sees(view, f"{len(FORMULAS)} unchanged")
        sees(view, "There is nothing to apply.")


def test_many_rows_are_sent_in_parts_that_can_be_stopped(started):
    rows = "".join(f"{service.fresh_tag()},Card {number},RFID\n" for number in range(450))
    with console(started) as opened:
        sent = []
        opened.page.on("request", lambda request: sent.append(request) if "/batch" in request.url else None)
        view = upload(opened, f"ocppIdTag,name,type\n{rows}")
        expect(view.get_by_text("450 new")).to_be_visible(timeout=60_000)
        assert [len(request.post_data_json["accessIds"]) for request in sent] == [200, 200, 50]
        expect(view.get_by_role("row")).to_have_count(201)
        view.get_by_role("button", name="Show more rows").click()
        expect(view.get_by_role("row")).to_have_count(401)
        view.get_by_role("button", name="Apply 450 changes").click()
        opened.page.get_by_role("dialog").get_by_role("button", name="Apply").click()
        view.get_by_role("button", name="Stop").click()
        expect(view.get_by_text("since you stopped")).to_be_visible(timeout=60_000)
        view.get_by_role("button", name="Send the rest").click()
        expect(view.get_by_role("button", name="Send the rest")).to_have_count(0, timeout=60_000)
        expect(view.get_by_role("heading", name="What was changed")).to_be_visible(timeout=60_000)
    tag = rows.rsplit("\n", 2)[1].split(",")[0]
    assert service.by_tag(tag)["name"] == "Card 449"


def test_a_file_that_cannot_be_read_says_why(started):
    with console(started) as opened:
        for text, sentence in (
            ("", "The file is empty."),
            ("name,type\n", "must name the column ocppIdTag"),
            ("ocppIdTag,name,type,colour\n", "not known: colour"),
            ("ocppIdTag,name,type\nx,y\n", "The row has 2 cells, the first line 3."),
            ("ocppIdTag,name,type\nx,\"y,RFID\n", "never closed"),
            ("ocppIdTag,name,type\n\xe4".encode("latin-1"), "not in UTF-8"),
            ("ocppIdTag,name,type\n", "no rows"),
        ):
            sees(upload(opened, text), sentence)

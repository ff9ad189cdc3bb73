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

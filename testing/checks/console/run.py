"""Runs all tests of the console, or those whose names hold a word that is given."""

import argparse
import time
import traceback

import appearance
import changing
import hostile
import importing
import secrecy
import using
import views
from browser import browser


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", action="store_true", help="write docs/images")
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    modules = (secrecy, views, using, changing, importing, hostile, appearance)
    tests = [(f"{module.__name__}.{name}", test) for module in modules for name, test in vars(module).items() if name.startswith("test_")]
    if given.words:
        tests = [(name, test) for name, test in tests if any(word in name for word in given.words)]
    failed = []
    with browser() as started:
        for name, test in tests:
            began = time.monotonic()
            try:
                test(started)
            except (Exception, SystemExit):
                failed.append(name)
                traceback.print_exc()
            print(f"console: {name} {'failed' if name in failed else 'passed'} after {time.monotonic() - began:.1f} s", flush=True)
        if given.pictures:
            appearance.pictures(started)
    assert tests, "no test has such a name"
    if failed:
        raise SystemExit(f"console: failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

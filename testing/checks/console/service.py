"""Asks the running service past the console: for what the tests need, and to see what the console has done."""

import itertools
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request

API, TOKEN, RFID = (os.environ[name] for name in ("API", "TOKEN", "RFID"))
CHARGE_BOX = "EaJ7cU9NJ3YkTNgy"
# What the service says when it cannot read what it needs.
UNAVAILABLE = {"error": "The service is temporarily unavailable.", "code": "service_unavailable", "requestId": "the-request"}

numbers = itertools.count(time.time_ns() // 1000)


def fresh_tag():
    """The UID of a card that nobody has: seven bytes."""
    return f"04{next(numbers):012x}"[-14:]


def spelled(tag):
    """A UID as a reader may report it."""
    return ":".join(tag[at : at + 2] for at in range(0, len(tag), 2)).upper()


def send(method, url, body=None, token=None):
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    for _ in range(3):
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                text = response.read()
                return response.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            status, answer = error.code, json.load(error)
            # The machine may be busy with other things.
            if status != 503:
                break
            time.sleep(1)
    return status, answer


def call(method, path, body=None):
    """Sends a request that must succeed. Returns the document."""
    status, document = send(method, API + path, body, TOKEN)
    if status >= 300:
        raise AssertionError(f"{method} {path}: {status} {document}")
    return document


def card(name="Card", tag=None, **more):
    """Registers a card."""
    return call("POST", "/api/access-ids", {"accessId": {"type": "RFID", "ocppIdTag": tag or fresh_tag(), "name": name, **more}})["accessId"]


def vehicle(name="Van", **more):
    return call("POST", "/api/vehicles", {"vehicle": {"name": name, **more}})["vehicle"]


def ask(tag, charge_box=CHARGE_BOX, kind="authorize"):
    """Asks as Thor does, and waits until the decision is journalled. Returns the status."""
    status, _ = send("POST", RFID, {"msg": "rfid", "id": tag, "chargebox": charge_box, "type": kind})
    return status


def journalled(tag):
    """Waits until a decision on the tag can be read."""
    query = urllib.parse.urlencode({"ocppIdTag": tag})
    for _ in range(50):
        if call("GET", f"/api/decisions?{query}")["data"]:
            return
        time.sleep(0.1)
    raise AssertionError(f"no decision on {tag} was journalled")


def access_id(number):
    return call("GET", f"/api/access-ids/{number}")["accessId"]


def by_tag(tag):
    """The access ID with this tag; None if there is none."""
    data = call("GET", f"/api/access-ids?{urllib.parse.urlencode({'ocppIdTag': tag})}")["data"]
    return data[0] if data else None

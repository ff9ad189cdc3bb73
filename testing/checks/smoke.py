"""Uses the running service over HTTP as an operator and as Thor would. Standard library only.

    python3 testing/checks/service.py 'python3 testing/checks/smoke.py'
    python3 testing/checks/smoke.py --api-url URL --rfid-url URL

The second uses a service that is deployed, with the tokens API_TOKEN and RFID_TOKEN of the environment. They should be of an
organization of its own, since each run leaves a card and a vehicle there. The tags are made of the time, so that no
run before had them.
"""

import argparse
import json
import os
import time
import urllib.error
import urllib.request


def call(method, url, body=None, token=None):
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, None if response.status == 204 else json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def expect(wanted, answer, what):
    status, body = answer
    if status != wanted:
        raise SystemExit(f"smoke: {what}: {status} instead of {wanted}: {body}")
    print(f"smoke: {what}: {status}")
    return body


def service():
    """URL and token of the API, and the whole URL of the webhook."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--api-url")
    parser.add_argument("--rfid-url")
    given = parser.parse_args()
    if given.api_url and given.rfid_url:
        rfid = f"{given.rfid_url.rstrip('/')}/{os.environ['RFID_TOKEN']}"
        return given.api_url.rstrip("/"), os.environ["API_TOKEN"], rfid
    return tuple(os.environ[name] for name in ("API", "TOKEN", "RFID"))


def spelled(tag):
    """Bytes as a reader may report them."""
    return ":".join(tag[at : at + 2] for at in range(0, len(tag), 2))


def main():
    api, token, rfid = service()
    now = f"{time.time_ns() // 1000:014X}"
    card_tag, vehicle_tag = now, now[:1:-1]

    def decide(kind, tag=spelled(card_tag)):
        return call("POST", rfid, {"msg": "rfid", "id": tag, "chargebox": "EaJ7cU9NJ3YkTNgy", "type": kind})

    expect(403, decide("authorize"), "an unknown card is refused")
    card = {"accessId": {"type": "RFID", "name": "Card", "ocppIdTag": card_tag, "customer": {"name": "Fleet"}}}
    created = expect(201, call("POST", f"{api}/api/access-ids", card, token), "a card is created")["accessId"]
    url = f"{api}/api/access-ids/{created['id']}"
    assert expect(200, call("GET", url, token=token), "it is read back")["accessId"] == created
    expect(200, decide("authorize"), "it may charge")
    expect(200, decide("start"), "its start is accepted")
    revoke = {"accessId": {"authorizationStatus": "Revoked"}}
    expect(200, call("PATCH", url, revoke, token), "it is revoked")
    refused = expect(403, decide("authorize"), "it is refused")
    assert refused == {"authorized": False, "reason": "revoked"}, refused
    expect(403, decide("start"), "its start is refused")
    vehicle = {"vehicle": {"name": "Van", "accessIds": [{"ocppIdTag": f"VID:{vehicle_tag}"}]}}
    van = expect(201, call("POST", f"{api}/api/vehicles", vehicle, token), "a vehicle is created")["vehicle"]
    expect(200, decide("start", spelled(vehicle_tag.lower())), "it may charge")
    expect(200, call("GET", f"{api}/api/vehicles?limit=1", token=token), "vehicles are listed")
    expect(409, call("POST", f"{api}/api/access-ids", card, token), "its tag is taken")
    expect(400, call("POST", f"{api}/api/access-ids", {"accessId": {}}, token), "an empty access ID is refused")
    expect(401, call("GET", f"{api}/api/access-ids"), "nobody is let in")
    expect(401, call("POST", rfid.rsplit("/", 1)[0] + "/", {}), "without the secret neither")
    revocation = {"revocation": {"accessIds": [created["id"]]}}
    again = expect(200, call("POST", f"{api}/api/revocations", revocation, token), "it is revoked again")["revocation"]
    assert again["revoked"] == [] and again["alreadyRevoked"] == [created["id"]], again
    expect(409, call("DELETE", f"{api}/api/vehicles/{van['id']}", token=token), "a vehicle in use stays")
    expect(204, call("DELETE", url, token=token), "the card is deleted")
    expect(404, call("DELETE", url, token=token), "it is gone")
    refused = expect(403, decide("authorize"), "it is unknown")
    assert refused == {"authorized": False, "reason": "unknown"}, refused
    anew = expect(201, call("POST", f"{api}/api/access-ids", card, token), "its tag can be registered anew")["accessId"]
    assert anew["id"] != created["id"], anew
    # Nothing that a run leaves behind when it ends well may charge.
    revocation = {"revocation": {"accessIds": [anew["id"], van["accessIds"][0]["id"]]}}
    both = expect(200, call("POST", f"{api}/api/revocations", revocation, token), "both are revoked")["revocation"]
    assert sorted(both["revoked"]) == sorted(revocation["revocation"]["accessIds"]), both
    expect(403, decide("start", vehicle_tag), "the vehicle may not charge any more")


main()

"""Uses the running service over HTTP as an operator and as Thor would. Standard library only.

    python3 testing/checks/service.py 'python3 testing/checks/smoke.py'
"""

import json
import os
import urllib.error
import urllib.request


def call(method, url, body=None, token=None):
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def expect(wanted, answer, what):
    status, body = answer
    if status != wanted:
        raise SystemExit(f"smoke: {what}: {status} instead of {wanted}: {body}")
    print(f"smoke: {what}: {status}")
    return body


def main():
    api, token, rfid = (os.environ[name] for name in ("API", "TOKEN", "RFID"))

    def decide(kind, tag="04:A3:11:7C"):
        return call("POST", rfid, {"msg": "rfid", "id": tag, "chargebox": "EaJ7cU9NJ3YkTNgy", "type": kind})

    expect(403, decide("authorize"), "an unknown card is refused")
    card = {"accessId": {"type": "RFID", "name": "Card", "ocppIdTag": "04A3117C", "customer": {"name": "Fleet"}}}
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
    vehicle = {"vehicle": {"name": "Van", "accessIds": [{"ocppIdTag": "VID:92D50A693F80"}]}}
    expect(201, call("POST", f"{api}/api/vehicles", vehicle, token), "a vehicle is created")
    expect(200, decide("start", "92:d5:0a:69:3f:80"), "it may charge")
    expect(200, call("GET", f"{api}/api/vehicles?limit=1", token=token), "vehicles are listed")
    expect(409, call("POST", f"{api}/api/access-ids", card, token), "its tag is taken")
    expect(400, call("POST", f"{api}/api/access-ids", {"accessId": {}}, token), "an empty access ID is refused")
    expect(401, call("GET", f"{api}/api/access-ids"), "nobody is let in")
    expect(401, call("POST", rfid.rsplit("/", 1)[0] + "/", {}), "without the secret neither")
    expect(404, call("DELETE", url, token=token), "there is no DELETE")


main()

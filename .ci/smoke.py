"""Uses the whole service over HTTP as an operator and as Thor would. Standard library only.

    python3 .ci/smoke.py [COMMAND …]
        starts it with `cargo dev`, and runs COMMAND while it is up, its endpoints in the environment
    python3 .ci/smoke.py --api-url URL --rfid-url URL
        uses one that is deployed, with tokens of an organization of its own from the environment: API_TOKEN and
        RFID_TOKEN. It leaves a revoked card and a vehicle there
"""

import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENDPOINTS = ROOT / "target" / "local" / "endpoints.json"
READY_WITHIN = 900


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


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


def use(endpoints, card_tag="04E1A2B3", vehicle_tag="92D50A693F80"):
    api, token, rfid = endpoints["apiUrl"], endpoints["apiToken"], endpoints["rfidUrl"]

    def spelled(tag):
        return ":".join(tag[at : at + 2] for at in range(0, len(tag), 2))

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
    expect(201, call("POST", f"{api}/api/vehicles", vehicle, token), "a vehicle is created")
    expect(200, decide("start", spelled(vehicle_tag.lower())), "it may charge")
    expect(200, call("GET", f"{api}/api/vehicles?limit=1", token=token), "vehicles are listed")
    expect(409, call("POST", f"{api}/api/access-ids", card, token), "its tag is taken")
    expect(400, call("POST", f"{api}/api/access-ids", {"accessId": {}}, token), "an empty access ID is refused")
    expect(401, call("GET", f"{api}/api/access-ids"), "nobody is let in")
    expect(401, call("POST", rfid.rsplit("/", 1)[0] + "/", {}), "without the secret neither")
    expect(404, call("DELETE", url, token=token), "there is no DELETE")


def use_deployed(api_url, rfid_url):
    """Tags are made of the time, so that each run has cards that no other had."""
    tag = f"{time.time_ns() // 1000:012X}"[-12:]
    endpoints = {
        "apiUrl": api_url.rstrip("/"),
        "apiToken": os.environ["API_TOKEN"],
        "rfidUrl": f"{rfid_url.rstrip('/')}/{os.environ['RFID_TOKEN']}",
    }
    use(endpoints, card_tag=tag, vehicle_tag=tag[::-1])
    print("smoke: the deployed service answers as it should")


def use_local(command):
    ENDPOINTS.unlink(missing_ok=True)
    dev = subprocess.Popen(["cargo", "dev", "--in-memory", "--port", str(free_port())], cwd=ROOT, start_new_session=True)
    try:
        began = time.monotonic()
        while not ENDPOINTS.exists():
            if dev.poll() is not None:
                raise SystemExit(f"smoke: cargo dev ended with {dev.returncode}")
            if time.monotonic() - began > READY_WITHIN:
                raise SystemExit("smoke: cargo dev is not ready in time")
            time.sleep(0.2)
        print(f"smoke: cargo dev is ready after {time.monotonic() - began:.0f} s")
        endpoints = json.loads(ENDPOINTS.read_text())
        use(endpoints)
        if command:
            names = {"apiUrl": "API_URL", "apiToken": "API_TOKEN"}
            environment = {names[key]: value for key, value in endpoints.items() if key in names}
            code = subprocess.run(command, cwd=ROOT, env=os.environ | environment).returncode
            if code:
                raise SystemExit(f"smoke: {command[0]} ended with {code}")
    finally:
        if dev.poll() is None:
            # the program behind `cargo` gets what Ctrl-C would send
            os.killpg(dev.pid, signal.SIGINT)
        try:
            code = dev.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(dev.pid, signal.SIGKILL)
            raise SystemExit("smoke: cargo dev does not end on Ctrl-C")
    if ENDPOINTS.exists() or code != 0:
        raise SystemExit(f"smoke: cargo dev ended with {code} and left {ENDPOINTS.name}: {ENDPOINTS.exists()}")
    print("smoke: cargo dev has ended")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--api-url")
    parser.add_argument("--rfid-url")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    if given.api_url and given.rfid_url and not given.command:
        use_deployed(given.api_url, given.rfid_url)
    elif not given.api_url and not given.rfid_url:
        use_local(given.command)
    else:
        parser.error("give both URLs and no command, or no URL")


main()

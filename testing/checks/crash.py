"""Kills `cargo dev` with SIGKILL while it is written to, starts it again on the same data, and looks whether every
write that was acknowledged is there and nothing else is. Linux or macOS; standard library only.

    python3 testing/checks/crash.py [--rounds 20] [--seed N]

Rounds take turns: the program alone is killed (what it started must end by itself), or everything at once. Every
fourth time it is also killed once while it starts. A write is acknowledged, refused, or in doubt (the connection was
lost). One in doubt must have happened whole or not at all, and its repetition with the same `Idempotency-Key`
settles it.
"""

import argparse
import collections
import concurrent.futures
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
WRITERS = 8
READY_WITHIN = 900
GONE_WITHIN = 30
# What the demo organization has from the start.
DEMO = {"access-ids": {123, 124, 125}, "vehicles": {20, 21}}


def require(condition, *what):
    if not condition:
        raise SystemExit("crash: " + " ".join(str(part) for part in what))


# --- the service -----------------------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


class Service:
    """`cargo dev` on a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        port = free_port()
        self.api = f"http://127.0.0.1:{port}"
        command = ["cargo", "dev", "--folder", str(folder), "--port", str(port)]
        with open(folder / "dev.log", "a") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)

    def ready(self):
        file = self.folder / "endpoints.json"
        began = time.monotonic()
        while time.monotonic() - began < READY_WITHIN:
            require(self.process.poll() is None, "cargo dev ended:", (self.folder / "dev.log").read_text()[-2000:])
            try:
                self.endpoints = json.loads(file.read_text())
                # After a kill of everything, nobody has deleted the file of the run before.
                if self.endpoints["apiUrl"] == self.api:
                    return time.monotonic() - began
            except FileNotFoundError:
                pass
            time.sleep(0.02)
        raise SystemExit("crash: cargo dev is not ready in time")

    def tree(self):
        """All processes of it, itself first. The functions are in sessions of their own."""
        children = collections.defaultdict(list)
        for line in subprocess.check_output(["ps", "-e", "-o", "pid=,ppid="], text=True).splitlines():
            pid, parent = map(int, line.split())
            children[parent].append(pid)
        found = [self.process.pid]
        for pid in found:
            found += children[pid]
        return found

    def kill(self, everything):
        tree = self.tree()
        for pid in tree if everything else tree[:1]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        killed = time.monotonic()
        self.process.wait()
        while left := [pid for pid in tree[1:] if alive(pid)]:
            require(time.monotonic() - killed < GONE_WITHIN, "left behind:", left)
            time.sleep(0.02)
        if not everything:
            require(not (self.folder / "endpoints.json").exists(), "endpoints.json was left behind")
        return time.monotonic() - killed


def alive(pid):
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return state not in ("", "Z", "Zs")


class Client:
    """One connection that is kept. None for an answer that did not come."""

    def __init__(self, endpoints):
        self.endpoints = endpoints
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(endpoints["apiUrl"]).netloc, timeout=30)

    def call(self, method, path, body=None, key=None):
        headers = {"Authorization": f"Bearer {self.endpoints['apiToken']}"}
        if key:
            headers["Idempotency-Key"] = key
        return self.send(method, path, body, headers)

    def send(self, method, path, body, headers):
        try:
            self.connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = self.connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.connection.close()
            return None

    def get(self, path):
        answer = self.call("GET", path)
        require(answer and answer[0] == 200, "GET", path, answer)
        return answer[1]

    def decide(self, tag, kind):
        path = urllib.parse.urlsplit(self.endpoints["rfidUrl"]).path
        body = {"msg": "rfid", "id": tag, "chargebox": "EaJ7cU9NJ3YkTNgy", "type": kind}
        answer = self.send("POST", path, body, {})
        require(answer and answer[0] in (200, 403), "decision on", tag, answer)
        return answer


# --- what is known ---------------------------------------------------------------------------------------------------


class Known:
    """What the answers have said so far."""

    def __init__(self):
        self.access_ids = {}  # id: record as last acknowledged
        self.vehicles = {}  # id: the same, without its access IDs
        self.taken = set()  # tags that were refused as taken
        self.created = []  # creations that were acknowledged: path, key, body, answer
        self.unsettled = []  # writes without an answer
        self.touched = set()  # access IDs written in this round
        self.counts = collections.Counter()
        self.lock = threading.Lock()

    def learn(self, answer):
        """Takes over a record that was answered."""
        if "accessId" in answer:
            record = answer["accessId"]
            self.access_ids[record["id"]] = record
            self.touched.add(record["id"])
            return record
        record = dict(answer["vehicle"])
        record.pop("accessIds")
        self.vehicles[record["id"]] = record
        return record


Write = collections.namedtuple("Write", "method path body key before")


def writer(number, round_, endpoints, known, stop, seed):
    """Writes until the service is gone. What it has created it alone changes."""
    choose = random.Random(seed)
    client = Client(endpoints)
    cards, vehicles = [], []
    for step in range(1_000_000):
        if stop.is_set():
            return
        name = f"w{number} {round_}.{step}"
        what = choose.random()
        method, path, key, before = "POST", "/api/access-ids", str(uuid.UUID(int=choose.getrandbits(128))), None
        if what < 0.45 or not cards:
            shared = what < 0.1
            tag = f"shared-{round_}-{choose.randrange(200)}" if shared else f"own-{round_}-{number}-{step}"
            access_id = {"type": "RFID", "ocppIdTag": tag, "name": name}
            if choose.random() < 0.5:
                access_id["type"] = "Vehicle"
                access_id["vehicle"] = {"make": name}
            if choose.random() < 0.5:
                access_id["customer"] = {"name": f"Customer {choose.randrange(40)}"}
            body = {"accessId": access_id}
        elif what < 0.6 or not vehicles:
            path = "/api/vehicles"
            tags = [{"ocppIdTag": f"own-{round_}-{number}-{step}-{at}"} for at in range(choose.randrange(4))]
            body = {"vehicle": {"name": name, "accessIds": tags}}
        elif what < 0.9:
            method, key, before = "PATCH", None, choose.choice(cards)
            path = f"/api/access-ids/{before}"
            change = {"name": name, "authorizationStatus": choose.choice(["Revoked", "Authorized"])}
            body = {"accessId": dict(choose.sample(sorted(change.items()), choose.randint(1, 2)))}
        else:
            method, key, before = "PATCH", None, choose.choice(vehicles)
            path = f"/api/vehicles/{before}"
            body = {"vehicle": {"name": name, "make": choose.choice([None, name])}}
        answer = client.call(method, path, body, key)
        with known.lock:
            if answer is None or answer[0] >= 500:
                require(answer is None or answer[0] == 503, method, path, body, answer)
                known.counts["lost" if answer is None else "503"] += 1
                known.unsettled.append(Write(method, path, body, key, before))
                if answer is None:
                    return
                # Of a record in doubt nothing more is asked before the crash.
                cards, vehicles = ([at for at in held if at != before] for held in (cards, vehicles))
                continue
            status, content = answer
            if status == 409 and "shared" in json.dumps(body):
                known.counts["refused"] += 1
                known.taken.add(body["accessId"]["ocppIdTag"])
                continue
            require(status == (201 if method == "POST" else 200), method, path, body, answer)
            known.counts["acknowledged"] += 1
            record = known.learn(content)
            if method == "POST":
                known.created.append((path, key, body, content))
                (cards if path == "/api/access-ids" else vehicles).append(record["id"])


# --- what is there ---------------------------------------------------------------------------------------------------


def walk(client, path, limit):
    records, cursor = [], None
    while True:
        page = client.get(f"{path}?limit={limit}" + (f"&nextPageCursor={cursor}" if cursor else ""))
        records += page["data"]
        cursor = page["pagination"]["nextPageCursor"]
        require(not cursor or len(page["data"]) == limit, path, "a page is not full")
        if not cursor:
            break
    ids = [record["id"] for record in records]
    require(all(a < b for a, b in zip(ids, ids[1:])), path, "is not ascending, or has an id twice")
    return {record["id"]: record for record in records}


def settle_changes(client, known):
    """A change without an answer: it happened, or it did not."""
    happened = 0
    for write in [write for write in known.unsettled if write.method == "PATCH"]:
        (root, change), = write.body.items()
        expected = (known.access_ids if root == "accessId" else known.vehicles)[write.before]
        content = client.get(write.path)
        found = {key: value for key, value in content[root].items() if key in expected}
        if same(found, expected):
            known.learn(content)
            continue
        moved = {"updatedAt", "authorizedAt", "revokedAt"} if root == "accessId" else set()
        wanted = {**expected, **change}
        ignored = moved | {"vehicle"}
        require(
            all(found[key] == wanted[key] for key in wanted if key not in ignored),
            "half of a change:", write, "on", expected, "gave", found,
        )
        happened += 1
        known.learn(content)
    return happened


def settle_creations(client, known):
    """A creation without an answer: all of it is there, or nothing; and then, by the same key, it is there once."""
    tags = {record["ocppIdTag"]: record for record in walk(client, "/api/access-ids", 100).values()}
    vehicles = walk(client, "/api/vehicles", 100)
    names = collections.defaultdict(list)
    for record in vehicles.values():
        names[record["name"]].append(record)
    happened = 0
    for write in [write for write in known.unsettled if write.method == "POST"]:
        (root, wanted), = write.body.items()
        found = None
        if root == "accessId":
            found = tags.get(wanted["ocppIdTag"])
            if found and found["id"] in known.access_ids:
                found = None  # another's, of a tag that several wanted
            if found:
                record = client.get(f"/api/access-ids/{found['id']}")["accessId"]
                require(record["name"] == wanted["name"], "of", wanted, "there is", record)
                require(record["customer"] == wanted.get("customer"), "of", wanted, "there is", record)
                require((record["vehicle"] is not None) == ("vehicle" in wanted), "of", wanted, "there is", record)
            else:
                require("vehicle" not in wanted or not names[wanted["name"]], "of", wanted, "there is only a vehicle")
        else:
            same_name = names[wanted["name"]]
            require(len(same_name) <= 1, "twice:", same_name)
            found = same_name[0] if same_name else None
            present = [tag["ocppIdTag"] for tag in wanted["accessIds"] if tag["ocppIdTag"] in tags]
            expected = len(wanted["accessIds"]) if found else 0
            require(len(present) == expected, "of", wanted, "there is", found, present)
        status, content = client.call("POST", write.path, write.body, write.key)
        if status == 409:
            require(not found and "shared" in json.dumps(wanted), "taken by", found, ":", wanted)
            known.taken.add(wanted["ocppIdTag"])
            continue
        require(status == 201, "the repetition of", write, "gave", status, content)
        require(not found or content[root]["id"] == found["id"], "created twice:", found, content)
        happened += found is not None
        known.learn(client.get(f"{write.path}/{content[root]['id']}"))
        known.created.append((write.path, write.key, write.body, content))
    return happened


def same(found, expected):
    """The same record. What it shows of its vehicle changes with that, and is looked at apart."""
    number = lambda record: record["vehicle"]["id"] if record.get("vehicle") else None
    one, other = ({key: value for key, value in record.items() if key != "vehicle"} for record in (found, expected))
    return one == other and number(found) == number(expected)


def verify(endpoints, known, choose):
    """Everything that must hold, of all that was ever written."""
    client = Client(endpoints)
    settled = settle_changes(client, known) + settle_creations(client, known)
    known.unsettled.clear()
    listed, vehicles = walk(client, "/api/access-ids", 37), walk(client, "/api/vehicles", 41)

    # Vehicles that came with an access ID, and access IDs that came with a vehicle, were not answered themselves.
    of_vehicles = {held["id"] for vehicle in known.vehicles for held in vehicles[vehicle]["accessIds"]}
    with_access_ids = {record["vehicle"]["id"] for record in known.access_ids.values() if record["vehicle"]}
    require(listed.keys() == known.access_ids.keys() | of_vehicles | DEMO["access-ids"], "other access IDs are there")
    require(vehicles.keys() == known.vehicles.keys() | with_access_ids | DEMO["vehicles"], "other vehicles are there")

    # Each as it was acknowledged. A list leaves the customer out.
    for at, expected in known.access_ids.items():
        require(same({**listed[at], "customer": expected["customer"]}, expected), listed[at], "instead of", expected)
    for at, expected in known.vehicles.items():
        require(vehicles[at].items() >= expected.items(), vehicles[at], "instead of", expected)
    for path, _, body, answer in known.created:
        for wanted in body.get("vehicle", {}).get("accessIds", []):
            held = [held["ocppIdTag"] for held in vehicles[answer["vehicle"]["id"]]["accessIds"]]
            require(wanted["ocppIdTag"] in held, wanted, "is not on", answer)

    # Both sides of each link agree.
    links = {(at, record["vehicle"]["id"]) for at, record in listed.items() if record["vehicle"]}
    held = {(held["id"], at) for at, vehicle in vehicles.items() for held in vehicle["accessIds"]}
    held_by_type = {(a, v) for a, v in held if listed[a]["type"] == "Vehicle"}
    require(links == held_by_type, "links differ:", links ^ held_by_type)
    for at, vehicle in vehicles.items():
        for summary in vehicle["accessIds"]:
            require(summary.items() <= listed[summary["id"]].items(), summary, "is not", listed[summary["id"]])
    for record in listed.values():
        if shown := record["vehicle"]:
            require(shown.items() <= vehicles[shown["id"]].items(), record, "shows another vehicle")

    # A tag is one access ID's, and the authorizer knows it as that.
    tags = {record["ocppIdTag"]: record for record in listed.values()}
    require(len(tags) == len(listed), "a tag is there twice")
    require(known.taken <= tags.keys(), "refused as taken, but not there:", known.taken - tags.keys())
    kinds = {at: choose.choice(["authorize", "start"]) for at in listed}
    checks = [lambda record=record: decision(record) for record in listed.values()]

    local = threading.local()

    def own():
        if not hasattr(local, "client"):
            local.client = Client(endpoints)
        return local.client

    def decision(record):
        answer = own().decide(record["ocppIdTag"], kinds[record["id"]])
        shown = {key: record[key] for key in ("id", "name", "type")}
        allowed = (200, {"authorized": True, "accessId": shown})
        refused = (403, {"authorized": False, "reason": "revoked"})
        require(answer == (allowed if record["authorizationStatus"] == "Authorized" else refused), record, answer)

    def read(at):
        record = own().get(f"/api/access-ids/{at}")["accessId"]
        require(same(record, known.access_ids[at]), record, "instead of", known.access_ids[at])

    def repeat(creation):
        path, key, body, answer = creation
        again = own().call("POST", path, body, key)
        require(again == (201, answer), "the repetition of", body, "gave", again, "after", answer)

    checks += [lambda at=at: read(at) for at in known.touched]
    repeated = choose.sample(known.created, min(30, len(known.created)))
    checks += [lambda creation=creation: repeat(creation) for creation in repeated]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for check in [pool.submit(check) for check in checks]:
            check.result()
    known.touched.clear()
    return settled, len(listed), len(vehicles)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = arguments.parse_args()
    choose = random.Random(arguments.seed)
    print(f"crash: seed {arguments.seed}", flush=True)
    known = Known()
    service, starts, total = None, [], collections.Counter()
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        folder = pathlib.Path(folder)
        try:
            for round_ in range(arguments.rounds + 1):
                if round_ % 4 == 1:
                    service = Service(folder)
                    time.sleep(choose.uniform(0.05, max(0.1, starts[-1])))
                    service.kill(choose.random() < 0.5)
                service = Service(folder)
                starts.append(service.ready())
                endpoints = service.endpoints
                tokens = [endpoints["apiToken"], endpoints["rfidUrl"].rsplit("/", 1)[1]]
                require(round_ == 0 or tokens == before, "the credentials are not those of before")
                before = tokens
                counts, known.counts = known.counts, collections.Counter()
                settled, access_ids, vehicles = verify(endpoints, known, choose)
                total += counts + collections.Counter(settled=settled)
                print(
                    f"crash: start {round_}: ready after {starts[-1]:.1f} s;"
                    f" {counts['acknowledged']} acknowledged, {counts['refused']} refused,"
                    f" {counts['lost'] + counts['503']} in doubt ({counts['503']} of them 503),"
                    f" of which {settled} had happened;"
                    f" {access_ids} access IDs, {vehicles} vehicles, all as they must be",
                    flush=True,
                )
                if round_ == arguments.rounds:
                    break
                stop = threading.Event()
                with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
                    seeds = [choose.getrandbits(64) for _ in range(WRITERS)]
                    writers = [
                        pool.submit(writer, number, round_, endpoints, known, stop, seed)
                        for number, seed in enumerate(seeds)
                    ]
                    time.sleep(choose.uniform(0.5, 3))
                    everything = round_ % 2 == 1
                    gone = service.kill(everything)
                    stop.set()
                    for done in writers:
                        done.result()
                what = "everything was killed" if everything else "cargo dev was killed"
                print(f"crash: {what}; the last process of it was gone after {gone:.1f} s", flush=True)
        finally:
            if service and service.process.poll() is None:
                os.killpg(service.process.pid, signal.SIGINT)
                service.process.wait(30)
    print(
        f"crash: {arguments.rounds} kills: {total['acknowledged']} acknowledged writes all there,"
        f" {total['lost'] + total['503']} in doubt settled, {total['settled']} of them had happened;"
        f" seconds to start: first {starts[0]:.1f}, then {min(starts[1:]):.1f} to {max(starts[1:]):.1f}"
    )


main()

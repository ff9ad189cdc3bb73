"""What `crash.py` knows of the service that it kills, and whether the service is as it must be. Standard library only."""

import collections
import concurrent.futures
import http.client
import json
import threading
import urllib.parse

# What the demo organization has from the start.
DEMO = {"access-ids": {123, 124, 125}, "vehicles": {20, 21}}

Write = collections.namedtuple("Write", "method path body key before")


def require(condition, *what):
    if not condition:
        raise SystemExit("crash: " + " ".join(str(part) for part in what))


class Client:
    """One connection to the service that these variables of its env file name. It is kept. None for an answer that did not come."""

    def __init__(self, variables):
        self.variables = variables
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(variables["API"]).netloc, timeout=30)

    def call(self, method, path, body=None, key=None):
        headers = {"Authorization": f"Bearer {self.variables['TOKEN']}"}
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
        path = urllib.parse.urlsplit(self.variables["RFID"]).path
        body = {"msg": "rfid", "id": tag, "chargebox": "EaJ7cU9NJ3YkTNgy", "type": kind}
        answer = self.send("POST", path, body, {})
        require(answer and answer[0] in (200, 403), "decision on", tag, answer)
        return answer


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


def verify(variables, known, choose):
    """Everything that must hold, of all that was ever written."""
    client = Client(variables)
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
            local.client = Client(variables)
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

"""What `crash.py` knows of the service that it kills, and whether the service is as it must be. Standard library only."""

import collections
import concurrent.futures
import datetime
import http.client
import json
import threading
import urllib.parse

# What the demo organization has from the start.
DEMO = {"access-ids": {123, 124, 125, 126}, "vehicles": {20, 21}}
NO_RULES = {"validFrom": None, "validUntil": None, "chargeBoxes": None}

Write = collections.namedtuple("Write", "method path body key before")


def require(condition, *what):
    if not condition:
        raise SystemExit("crash: " + " ".join(str(part) for part in what))


class Client:
    """One connection to the service that these variables of its env file name. It is kept. None for an answer that did not come."""

    def __init__(self, variables):
        self.variables = variables
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(variables["API"]).netloc, timeout=60)

    def call(self, method, path, body=None, key=None):
        headers = {"Authorization": f"Bearer {self.variables['TOKEN']}"}
        if key:
            headers["Idempotency-Key"] = key
        return self.send(method, path, body, headers)

    def send(self, method, path, body, headers):
        try:
            self.connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = self.connection.getresponse()
            content = response.read()
            return response.status, None if response.status == 204 else json.loads(content)
        except (OSError, http.client.HTTPException, ValueError):
            self.connection.close()
            return None

    def insist(self, method, path, body=None, key=None):
        """The same when nothing else is under way. On a busy machine a 503 may come of that alone, and is asked again."""
        for _ in range(5):
            answer = self.call(method, path, body, key)
            if answer and answer[0] != 503:
                break
        return answer

    def get(self, path):
        answer = self.insist("GET", path)
        require(answer and answer[0] == 200, "GET", path, answer)
        return answer[1]

    def ask(self, tag, kind, box):
        """Asks the authorizer."""
        path = urllib.parse.urlsplit(self.variables["RFID"]).path
        return self.send("POST", path, {"msg": "rfid", "id": tag, "chargebox": box, "type": kind}, {})

    def decide(self, tag, kind, box):
        """The same, as `insist` does it."""
        for _ in range(5):
            answer = self.ask(tag, kind, box)
            if answer and answer[0] != 503:
                break
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
        # id: the access ID's rules. One of the demo's cards may begin to charge in the depot alone.
        self.rules = {126: {"validFrom": None, "validUntil": "2090-01-01T00:00:00.000Z", "chargeBoxes": ["depot-*"]}}
        self.moved = set()  # access IDs whose time of update has moved by a change that did not say it
        self.deleted = []  # creations of access IDs that were deleted: path, key, body
        self.left = set()  # vehicles of access IDs that were deleted
        self.denied = {}  # tag: an object of its own since it was acknowledged as revoked or deleted
        self.tags = []  # tags of access IDs that were created
        self.changes = collections.Counter()  # (kind, id): how many entries the history has of it
        self.decisions = {}  # charge box: tag, type, answer (None at first) and its time, of this round
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

    def created_by(self, path, key, body, answer):
        """Takes over a creation."""
        record = self.learn(answer)
        self.created.append((path, key, body, answer))
        self.changes["accessId" if "accessId" in answer else "vehicle", record["id"]] += 1
        if "accessId" in answer:
            self.denied.pop(record["ocppIdTag"], None)
            self.tags.append(record["ocppIdTag"])
        return record

    def changed_by(self, answer):
        """Takes over a change. If it has changed anything, the history has an entry of it."""
        kind = "accessId" if "accessId" in answer else "vehicle"
        before = (self.access_ids if kind == "accessId" else self.vehicles)[answer[kind]["id"]]
        record = self.learn(answer)
        fields = ("name", "authorizationStatus") if kind == "accessId" else ("name", "make")
        self.changes[kind, record["id"]] += any(record[field] != before[field] for field in fields)
        if kind == "accessId" and record["authorizationStatus"] == "Revoked":
            self.denied[record["ocppIdTag"]] = object()
        return record

    def ruled_by(self, at, rules):
        """Takes over rules. The access ID's time of update has moved if they are others than before."""
        if self.rules.get(at, NO_RULES) != rules:
            self.changes["accessId", at] += 1
            self.moved.add(at)
        self.rules[at] = rules

    def deleted_by(self, at):
        """Takes over the deletion of an access ID."""
        record = self.access_ids.pop(at)
        self.changes["accessId", at] += 1
        self.rules.pop(at, None)
        self.moved.discard(at)
        self.touched.discard(at)
        self.denied[record["ocppIdTag"]] = object()
        if record["vehicle"]:
            self.left.add(record["vehicle"]["id"])
        gone = [made for made in self.created if made[3].get("accessId", {}).get("id") == at]
        self.created = [made for made in self.created if made not in gone]
        self.deleted += [made[:3] for made in gone]


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
    for at in known.moved - {write.before for write in known.unsettled}:
        reread(client, known, at)
    for write in [write for write in known.unsettled if write.method == "PATCH"]:
        (root, change), = write.body.items()
        expected = (known.access_ids if root == "accessId" else known.vehicles)[write.before]
        content = client.get(write.path)
        found = {key: value for key, value in content[root].items() if key in expected}
        if root == "accessId" and write.before in known.moved:
            expected = {**expected, "updatedAt": max(found["updatedAt"], expected["updatedAt"])}
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
        known.changed_by(content)
    for write in [write for write in known.unsettled if write.method == "PUT"]:
        before, wanted = known.rules.get(write.before, NO_RULES), {**NO_RULES, **write.body["rules"]}
        found = client.get(write.path)["rules"]
        require(found in (before, wanted), "half of", wanted, "on", before, "is", found)
        happened += found == wanted != before
        answer = client.insist("PUT", write.path, write.body)
        require(answer == (200, {"rules": wanted}), "the repetition of", write, "gave", answer)
        known.ruled_by(write.before, wanted)
        reread(client, known, write.before)
    for write in [write for write in known.unsettled if write.method == "DELETE"]:
        status, content = client.insist("GET", write.path)
        require(status in (200, 404), write.path, status, content)
        if status == 200 and write.before in known.moved:
            reread(client, known, write.before)
        elif status == 200:
            require(same(content["accessId"], known.access_ids[write.before]), content, "is half of", write)
        answer = client.insist("DELETE", write.path)
        require(answer and answer[0] in (404, 204 if status == 200 else 404), "the repetition of", write, "gave", answer)
        known.deleted_by(write.before)
        happened += status == 404
    known.moved.clear()
    return happened


def reread(client, known, at):
    """The access ID is as it was, but for the time of its update, which may have moved."""
    content = client.get(f"/api/access-ids/{at}")
    record, expected = content["accessId"], known.access_ids[at]
    is_same = same({**record, "updatedAt": expected["updatedAt"]}, expected)
    require(is_same and record["updatedAt"] >= expected["updatedAt"], record, "instead of", expected)
    known.learn(content)


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
            if found and "shared" in wanted["ocppIdTag"] and found["name"] != wanted["name"]:
                found = None  # that of another creation without an answer
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
        status, content = client.insist("POST", write.path, write.body, write.key)
        if status == 409:
            require(not found and "shared" in json.dumps(wanted), "taken by", found, ":", wanted)
            known.taken.add(wanted["ocppIdTag"])
            continue
        require(status == 201, "the repetition of", write, "gave", status, content)
        require(not found or content[root]["id"] == found["id"], "created twice:", found, content)
        happened += found is not None
        known.created_by(write.path, write.key, write.body, content)
        known.learn(client.get(f"{write.path}/{content[root]['id']}"))
    return happened


def same(found, expected):
    """The same record. What it shows of its vehicle changes with that, and is looked at apart."""
    number = lambda record: record["vehicle"]["id"] if record.get("vehicle") else None
    one, other = ({key: value for key, value in record.items() if key != "vehicle"} for record in (found, expected))
    return one == other and number(found) == number(expected)


def refusal(record, rules, box):
    """Why the access ID must not charge at this charge box now; None if it may."""
    if record["authorizationStatus"] == "Revoked":
        return "revoked"
    now = datetime.datetime.now(datetime.UTC).isoformat()
    if rules["validFrom"] and now < rules["validFrom"]:
        return "not_yet_valid"
    if rules["validUntil"] and now >= rules["validUntil"]:
        return "expired"
    patterns = rules["chargeBoxes"] or ["*"]
    is_here = any(box.startswith(pattern[:-1]) if pattern.endswith("*") else box == pattern for pattern in patterns)
    return None if is_here else "not_here"


def verify(variables, known, importers, round_, choose):
    """Everything that must hold, of all that was ever written."""
    client = Client(variables)
    figures = collections.Counter(settled=settle_changes(client, known) + settle_creations(client, known))
    known.unsettled.clear()
    listed, vehicles = walk(client, "/api/access-ids", 100), walk(client, "/api/vehicles", 100)
    for importer in importers:
        doubtful, happened = importer.resume(client, known, listed, vehicles, f"resume-{round_}")
        figures.update({"items in doubt": doubtful, "items that had happened": happened, "requests for many that were cut": doubtful > 0})
    listed, vehicles = walk(client, "/api/access-ids", 37), walk(client, "/api/vehicles", 41)
    with concurrent.futures.ThreadPoolExecutor(len(importers)) as pool:
        checked = [pool.submit(importer.check, Client(variables), listed, vehicles) for importer in importers]
        of_importers = set().union(*(vehicles_of.result() for vehicles_of in checked))
    imported = {importer.ids[tag] for importer in importers for tag, state in importer.states.items() if state}

    # Vehicles that came with an access ID, and access IDs that came with a vehicle, were not answered themselves.
    of_vehicles = {held["id"] for vehicle in known.vehicles for held in vehicles[vehicle]["accessIds"]}
    with_access_ids = {record["vehicle"]["id"] for record in known.access_ids.values() if record["vehicle"]}
    expected = known.access_ids.keys() | of_vehicles | imported | DEMO["access-ids"]
    require(listed.keys() == expected, "other access IDs are there:", listed.keys() ^ expected)
    expected = known.vehicles.keys() | with_access_ids | known.left | of_importers | DEMO["vehicles"]
    require(vehicles.keys() == expected, "other vehicles are there:", vehicles.keys() ^ expected)

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

    # A charge box of this round, so that no accepted start of before lets an `authorize` in.
    box = f"verify-{round_}"

    def decision(record):
        answer = own().decide(record["ocppIdTag"], kinds[record["id"]], box)
        shown = {key: record[key] for key in ("id", "name", "type")}
        reason = refusal(record, known.rules.get(record["id"], NO_RULES), box)
        refused = (403, {"authorized": False, "reason": reason})
        require(answer == (refused if reason else (200, {"authorized": True, "accessId": shown})), record, answer)

    def unknown(tag):
        answer = own().decide(tag, "start", box)
        require(answer == (403, {"authorized": False, "reason": "unknown"}), tag, "was deleted, and is", answer)

    def ruled(at):
        found = own().get(f"/api/access-ids/{at}/rules")["rules"]
        require(found == known.rules[at], "the rules of", at, "are", found, "instead of", known.rules[at])

    def reused(creation):
        answer = own().insist("POST", *creation[::2], creation[1])
        is_refused = answer and answer[0] == 409 and answer[1]["code"] == "idempotency_key_reused"
        require(is_refused, "the repetition of", creation, "which was deleted, gave", answer)

    def read(at):
        record = own().get(f"/api/access-ids/{at}")["accessId"]
        require(same(record, known.access_ids[at]), record, "instead of", known.access_ids[at])

    def repeat(creation):
        path, key, body, answer = creation
        again = own().insist("POST", path, body, key)
        require(again == (201, answer), "the repetition of", body, "gave", again, "after", answer)

    checks += [lambda at=at: read(at) for at in known.touched]
    repeated = choose.sample(known.created, min(30, len(known.created)))
    checks += [lambda creation=creation: repeat(creation) for creation in repeated]
    repeated = choose.sample(known.deleted, min(10, len(known.deleted)))
    checks += [lambda creation=creation: reused(creation) for creation in repeated]
    checks += [lambda at=at: ruled(at) for at in known.rules]
    checks += [lambda tag=tag: unknown(tag) for tag in known.denied if tag not in tags]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for check in [pool.submit(check) for check in checks]:
            check.result()
    known.touched.clear()
    return figures, listed, vehicles, of_vehicles

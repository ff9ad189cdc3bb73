"""The clients of `crash.py` that change many access IDs at once: batch imports, revocations of many, and deletions. Standard
library only."""

import collections
import random

from crash_verify import Client, require

IMPORTERS = 2
# How many tags an importer has, and how many vehicles of its own it links some of them to.
TAGS = 700
VEHICLES = 5
# How often a request is sent again, at most, when nothing else is under way.
RESENDINGS = 5

# What an access ID is as far as a batch says it. `vehicle` is the number of a vehicle that was there before, `make` that of one
# which came with it.
State = collections.namedtuple("State", "type name status customer make vehicle")
# A request, and of each tag that it is about what it is before and after. None is no access ID.
Request = collections.namedtuple("Request", "method path body expected")


def after(item, before):
    """What an item of a batch makes of an access ID."""
    customer = item["customer"]["name"] if item.get("customer") else None
    if before is None:
        before = State(item["type"], None, "Authorized", None, None, None)
    return before._replace(
        name=item["name"],
        status=item.get("authorizationStatus", before.status),
        customer=customer if "customer" in item else before.customer,
        make=item["vehicle"]["make"] if item.get("vehicle") else before.make,
        vehicle=item.get("vehicleId", before.vehicle),
    )


class Importer:
    """One request at a time, about tags that nobody else writes. It is kept over all rounds."""

    def __init__(self, number):
        self.number = number
        self.states = {}  # tag: State, as acknowledged
        self.ids = {}  # tag: id
        self.left = collections.Counter()  # tag: how many vehicles it has left behind when it was deleted
        self.vehicles = []
        self.pending = None  # the request that was not answered, or not for every tag
        self.steps = 0

    def run(self, variables, known, stop, seed):
        """Sends requests until the service is gone."""
        choose = random.Random(seed)
        client = Client(variables)
        while len(self.vehicles) < VEHICLES:
            body = {"vehicle": {"name": f"Van {self.number}.{len(self.vehicles)}"}}
            answer = client.call("POST", "/api/vehicles", body, f"van {self.number}.{len(self.vehicles)}")
            if answer is None:
                return
            if answer[0] == 201:
                self.vehicles.append(answer[1]["vehicle"]["id"])
        while not stop.is_set():
            request = self.pending or self.next(choose)
            if request and not self.send(client, known, request):
                return

    def next(self, choose):
        self.steps += 1
        what = choose.random()
        there = [tag for tag, state in self.states.items() if state]
        if what < 0.7 or len(there) < 100:
            return self.batch(choose)
        if what < 0.85:
            tags = choose.sample(there, choose.randint(20, 100))
            body = {"accessIds": [self.ids[tag] for tag in tags]}
            return self.revocation(body, tags)
        if what < 0.95:
            customer = choose.choice([self.states[tag].customer for tag in there])
            tags = [tag for tag in there if customer and self.states[tag].customer == customer]
            return self.revocation({"customer": {"name": customer}}, tags) if tags else None
        tag = choose.choice(there)
        return Request("DELETE", f"/api/access-ids/{self.ids[tag]}", None, {tag: (self.states[tag], None)})

    def revocation(self, body, tags):
        states = {tag: self.states[tag] for tag in tags}
        expected = {tag: (state, state._replace(status="Revoked")) for tag, state in states.items()}
        return Request("POST", "/api/revocations", {"revocation": body}, expected)

    def batch(self, choose):
        items, expected = [], {}
        for at in choose.sample(range(TAGS), choose.randint(200, 500)):
            tag = f"batch-{self.number}-{at}"
            before = self.states.get(tag)
            # What an access ID is, and to which vehicle it belongs, follows from its number.
            item = {"ocppIdTag": tag, "name": f"Batch {self.number}.{self.steps}.{at}", "type": "RFID"}
            if at % 4 == 0:
                item["type"] = "Vehicle"
                if at % 8:
                    item["vehicle"] = {"make": f"Make {self.number}.{self.steps}"}
            elif at % 20 == 7:
                item["vehicleId"] = self.vehicles[at // 20 % VEHICLES]
            if choose.random() < 0.5:
                item["authorizationStatus"] = choose.choice(["Authorized", "Authorized", "Revoked"])
            if choose.random() < 0.5:
                item["customer"] = choose.choice([None, {"name": f"Fleet {self.number}.{choose.randrange(12)}"}])
            if before and choose.random() < 0.2:
                item = {"ocppIdTag": tag, "name": before.name, "type": before.type}
            items.append(item)
            expected[tag] = (before, after(item, before))
        # One that is refused leaves the others alone, and is never there.
        items.insert(choose.randrange(len(items)), {"ocppIdTag": f"refused-{self.number}", "name": " ", "type": "RFID"})
        return Request("PUT", "/api/access-ids/batch", {"accessIds": items}, expected)

    def send(self, client, known, request):
        """Sends a request, or sends it again, and takes over what is acknowledged. False if there is no answer."""
        is_again, self.pending = self.pending is not None, request
        with known.lock:
            for tag, (_, wanted) in request.expected.items():
                if wanted and wanted.status == "Authorized":
                    known.denied.pop(tag, None)
        answers = self.answers(client, request, is_again)
        if answers is None:
            return False
        left = {tag: states for tag, states in request.expected.items() if tag not in answers}
        with known.lock:
            for tag, number in answers.items():
                self.settle(known, tag, number, request.expected[tag])
            kind = "batches" if request.method == "PUT" else "deletions" if request.method == "DELETE" else "revocations"
            known.counts[kind] += not left
            known.counts["items acknowledged"] += len(answers)
            known.counts["items to be sent again"] += len(left)
        self.pending = None
        if left and request.method == "PUT":
            items = [item for item in request.body["accessIds"] if item["ocppIdTag"] in left]
            self.pending = request._replace(body={"accessIds": items}, expected=left)
        elif left:
            self.pending = request
        return True

    def settle(self, known, tag, number, states):
        """The access ID with this tag is now as it was to become. If that is a change, the history has one entry of it."""
        before, wanted = states
        require(before is None or number in (self.ids[tag], None), tag, "was", self.ids.get(tag), "and is", number)
        known.changes["accessId", self.ids[tag] if before else number] += before != wanted
        if before is None:
            known.tags.append(tag)
        self.left[tag] += wanted is None and before.make is not None
        self.states[tag] = wanted
        if number:
            self.ids[tag] = number
        if wanted is None or wanted.status == "Revoked":
            known.denied[tag] = object()

    def answers(self, client, request, is_again):
        """The id of each access ID that the answer acknowledges, None if it is gone. None if there is no answer."""
        if request.path == "/api/revocations":
            return self.revoked(client, request, is_again)
        answer = client.call(request.method, request.path, request.body)
        if answer is None or answer[0] == 503:
            return answer and {}
        status, content = answer
        if request.method == "DELETE":
            require(status == 204 or (status == 404 and is_again), request, "gave", answer)
            return dict.fromkeys(request.expected)
        require(status == 200 and len(content["results"]) == len(request.body["accessIds"]), request.path, answer)
        found = {}
        for item, result in zip(request.body["accessIds"], content["results"]):
            tag = item["ocppIdTag"]
            require(result["ocppIdTag"] == tag, item, "gave", result)
            if result["outcome"] == "error":
                code = result["error"]["code"]
                allowed = ["invalid_request"] if tag.startswith("refused") else ["send_again", "service_unavailable"]
                require(code in allowed, item, "gave", result)
                continue
            before, wanted = request.expected[tag]
            outcome = "created" if before is None else "unchanged" if before == wanted else "updated"
            # Sent again, it may have happened before.
            require(result["outcome"] in {outcome} | ({"unchanged"} if is_again else set()), item, "gave", result)
            found[tag] = result["accessId"]["id"]
        return found

    def revoked(self, client, request, is_again):
        """Goes on to the end of a revocation, which may take several requests."""
        tags = {self.ids[tag]: tag for tag in request.expected}
        found, cursor = set(), None
        while True:
            revocation = {**request.body["revocation"], "nextPageCursor": cursor}
            answer = client.call("POST", request.path, {"revocation": revocation})
            if answer is None or answer[0] == 503:
                return answer and {}
            require(answer[0] == 200, request, "gave", answer)
            revocation = answer[1]["revocation"]
            for number in revocation["revoked"] + revocation["alreadyRevoked"]:
                require(number in tags and number not in found, request, "gave", answer)
                found.add(number)
            # What it says of each was true before, if nothing of it can have happened earlier.
            for number in () if is_again else revocation["revoked"]:
                require(request.expected[tags[number]][0].status == "Authorized", number, "in", answer)
            for number in () if is_again else revocation["alreadyRevoked"]:
                require(request.expected[tags[number]][0].status == "Revoked", number, "in", answer)
            cursor = revocation["nextPageCursor"]
            if not cursor:
                require(found == tags.keys(), request, "was about", found)
                return {tags[number]: number for number in found}

    def find(self, client, listed, vehicles, tags):
        """The access IDs that are there with these tags: tag, id and state."""
        numbers = {record["ocppIdTag"]: at for at, record in listed.items()}
        holders = {held["id"]: vehicle for vehicle in vehicles.values() for held in vehicle["accessIds"]}

        def find(tag):
            number = numbers.get(tag)
            if number is None:
                return tag, None, None
            record = client.get(f"/api/access-ids/{number}")["accessId"]
            vehicle = holders.get(number)
            is_own = vehicle and vehicle["id"] in self.vehicles
            state = State(
                record["type"],
                record["name"],
                record["authorizationStatus"],
                record["customer"] and record["customer"]["name"],
                None if is_own or not vehicle else vehicle["make"],
                vehicle["id"] if is_own else None,
            )
            shown = record["vehicle"] and record["vehicle"]["id"]
            linked = vehicle["id"] if vehicle and record["type"] == "Vehicle" else None
            require(shown == linked, record, "is held by", vehicle)
            return tag, number, state

        return [find(tag) for tag in tags]

    def resume(self, client, known, listed, vehicles, box):
        """After a crash: what was not answered is there whole or not at all. Sent again, it comes to what it would have come to.
        Returns of how many access IDs it was not known, and how many of them had changed."""
        pending = self.pending
        if not pending:
            return 0, 0
        happened = 0
        for tag, number, state in self.find(client, listed, vehicles, pending.expected):
            before, wanted = pending.expected[tag]
            require(state in (before, wanted), "half of", wanted, "on", before, "is", state)
            require(before is None or number in (self.ids[tag], None), tag, "was", self.ids.get(tag), "and is", number)
            happened += state == wanted != before
            status, answer = client.decide(tag, "start", box)
            shown = state and state.status == "Authorized" and {"id": number, "name": state.name, "type": state.type}
            reason = "revoked" if state else "unknown"
            expected = {"authorized": True, "accessId": shown} if shown else {"authorized": False, "reason": reason}
            require((status, answer) == (200 if shown else 403, expected), tag, state, "is decided as", answer)
        for _ in range(RESENDINGS):
            if not self.pending:
                return len(pending.expected), happened
            require(self.send(client, known, self.pending), pending.path, "has no answer")
        require(False, "not carried out after", RESENDINGS, "requests:", self.pending)

    def check(self, client, listed, vehicles):
        """All of its access IDs are as they were acknowledged, each once, and so are the vehicles that came with them."""
        for tag, number, state in self.find(client, listed, vehicles, self.states):
            require(state == self.states[tag], tag, "is", state, "instead of", self.states[tag])
            require(state is None or number == self.ids[tag], tag, "is", number, "instead of", self.ids[tag])
        # A vehicle that came with an access ID has its first name, and stays when that is deleted.
        names = collections.Counter()
        for vehicle in vehicles.values():
            kind, _, number = vehicle["name"].partition(" ")
            if kind == "Batch" and number.startswith(f"{self.number}."):
                names["-".join(["batch", str(self.number), number.rsplit(".", 1)[1]])] += 1
        expected = self.left + collections.Counter(tag for tag, state in self.states.items() if state and state.make)
        require(names == expected, "vehicles are missing, or there twice:", names - expected, expected - names)
        own = [vehicle["name"] for vehicle in vehicles.values() if vehicle["name"].startswith(f"Van {self.number}.")]
        require(len(own) == len(set(own)) >= len(self.vehicles), "created twice:", own)
        begins = f"Batch {self.number}.", f"Van {self.number}."
        return {at for at, vehicle in vehicles.items() if vehicle["name"].startswith(begins)}

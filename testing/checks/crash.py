"""Kills `cargo dev` with SIGKILL while it is written to, starts it again on the same data, and looks whether every
write that was acknowledged is there and nothing else is. Linux or macOS; standard library only.

    python3 testing/checks/crash.py [--rounds 20] [--seed N]

Rounds take turns: the program alone is killed (what it started must end by itself), or everything at once. Every
fourth time it is also killed once while it starts. A write is acknowledged, refused, or in doubt (the connection was
lost). One in doubt must have happened whole or not at all, and its repetition, of a creation with the same
`Idempotency-Key`, settles it. Eight clients write single records; two bring in batches of 200 to 500 access IDs, revoke many
and delete some; two ask the authorizer all the time.
"""

import argparse
import collections
import concurrent.futures
import datetime
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
import uuid

import service
from crash_batches import IMPORTERS, Importer
from crash_history import check_changes, check_journal, decider, pages
from crash_verify import NO_RULES, Client, Known, Write, require, verify

WRITERS = 8
DECIDERS = 2
GONE_WITHIN = 30
STARTS = 5
LOAD_WITHIN = 45
FOR_MANY = ("batches", "revocations", "deletions")
# What a run of 20 rounds must have seen.
MUST_HAPPEN = [
    *("batches", "revocations", "items acknowledged", "items in doubt", "items that had happened"),
    *("requests for many that were cut", "journalled", "decisions on what was revoked or deleted"),
]
# Some let a card charge where the checks ask, some do not.
RULES = [
    {"validFrom": "2090-01-01T00:00:00.000Z"},
    {"validUntil": "2020-01-01T00:00:00.000Z"},
    {"validUntil": "2090-01-01T00:00:00.000Z", "chargeBoxes": ["load-*", "verify-*"]},
    {"chargeBoxes": ["elsewhere"]},
    {},
]


class Service(service.Service):
    """`cargo dev` on a folder of its own, to be killed."""

    def __init__(self, folder):
        super().__init__(folder=folder, log=folder / "dev.log")

    @staticmethod
    def output(folder):
        """What all of its starts have printed."""
        return (folder / "dev.log").read_text(errors="replace")

    def lost(self):
        """How many decisions the authorizer has logged as not journalled since the start."""
        lines = "".join(log.read_text(errors="replace") for log in self.env.parent.glob("functions.log*"))
        return sum(int(lost) for lost in re.findall(r'"JournalLost":(\d+)', lines))

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
            require(not self.env.exists(), "the env file was left behind")
        return time.monotonic() - killed


def started(folder):
    """The service, ready, and the seconds that its start took. One that a busy machine keeps for too long from answering ends
    by itself, and is started again."""
    for _ in range(STARTS):
        running, before = Service(folder), len(Service.output(folder))
        try:
            return running, running.ready()
        except SystemExit as ended:
            require("does not answer after" in Service.output(folder)[before:], ended)
            print("crash: the machine was too busy for a start", flush=True)
        except KeyboardInterrupt:
            running.kill(everything=True)
            raise
    raise SystemExit(f"crash: no start in {STARTS} tries")


def alive(pid):
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return state not in ("", "Z", "Zs")


def writer(number, round_, variables, known, stop, seed):
    """Writes until the service is gone. What it has created it alone changes."""
    choose = random.Random(seed)
    client = Client(variables)
    cards, vehicles = [], []
    for step in range(1_000_000):
        if stop.is_set():
            return
        name = f"w{number} {round_}.{step}"
        what = choose.random()
        method, path, key, before = "POST", "/api/access-ids", str(uuid.UUID(int=choose.getrandbits(128))), None
        if what < 0.4 or not cards:
            shared = what < 0.1
            tag = f"shared-{round_}-{choose.randrange(200)}" if shared else f"own-{round_}-{number}-{step}"
            access_id = {"type": "RFID", "ocppIdTag": tag, "name": name}
            if choose.random() < 0.5:
                access_id["type"] = "Vehicle"
                access_id["vehicle"] = {"make": name}
            if choose.random() < 0.5:
                access_id["customer"] = {"name": f"Customer {choose.randrange(40)}"}
            body = {"accessId": access_id}
        elif what < 0.5 or not vehicles:
            path = "/api/vehicles"
            tags = [{"ocppIdTag": f"own-{round_}-{number}-{step}-{at}"} for at in range(choose.randrange(4))]
            body = {"vehicle": {"name": name, "accessIds": tags}}
        elif what < 0.7:
            method, key, before = "PATCH", None, choose.choice(cards)
            path = f"/api/access-ids/{before}"
            change = {"name": name, "authorizationStatus": choose.choice(["Revoked", "Authorized"])}
            body = {"accessId": dict(choose.sample(sorted(change.items()), choose.randint(1, 2)))}
        elif what < 0.85:
            method, key, before = "PUT", None, choose.choice(cards)
            path, body = f"/api/access-ids/{before}/rules", {"rules": choose.choice(RULES)}
        elif what < 0.92:
            method, key, before = "DELETE", None, choose.choice(cards)
            path, body = f"/api/access-ids/{before}", None
            if "shared" in known.access_ids[before]["ocppIdTag"]:
                continue  # another may have been told that it is taken
        else:
            method, key, before = "PATCH", None, choose.choice(vehicles)
            path = f"/api/vehicles/{before}"
            body = {"vehicle": {"name": name, "make": choose.choice([None, name])}}
        if method == "PATCH" and body.get("accessId", {}).get("authorizationStatus") == "Authorized":
            with known.lock:
                known.denied.pop(known.access_ids[before]["ocppIdTag"], None)
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
            require(status == {"POST": 201, "DELETE": 204}.get(method, 200), method, path, body, answer)
            known.counts["acknowledged"] += 1
            if method == "POST":
                record = known.created_by(path, key, body, content)
                (cards if path == "/api/access-ids" else vehicles).append(record["id"])
            elif method == "PATCH":
                known.changed_by(content)
            elif method == "PUT":
                require(content["rules"] == {**NO_RULES, **body["rules"]}, method, path, body, answer)
                known.ruled_by(before, content["rules"])
            else:
                known.deleted_by(before)
                cards.remove(before)


def load(running, round_, known, importers, choose, everything):
    """Writes and asks until it is killed. Returns when that was and how long it took to be gone."""
    stop = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(WRITERS + len(importers) + DECIDERS) as pool:
        seed, variables = lambda: choose.getrandbits(64), running.variables
        clients = [pool.submit(writer, at, round_, variables, known, stop, seed()) for at in range(WRITERS)]
        clients += [pool.submit(importer.run, variables, known, stop, seed()) for importer in importers]
        for at in range(DECIDERS):
            one = random.Random(seed())
            clients.append(pool.submit(decider, at, round_, Client(variables), known, stop, one, time.time))
        begun, seconds, acknowledged = time.monotonic(), choose.uniform(2, 8), choose.randrange(4)
        # A busy machine takes longer until something is acknowledged.
        while time.monotonic() < begun + seconds or (
            sum(known.counts[what] for what in FOR_MANY) < acknowledged and time.monotonic() < begun + LOAD_WITHIN
        ):
            time.sleep(0.01)
        killed, gone = time.time(), running.kill(everything)
        stop.set()
        for done in clients:
            done.result()
    return killed, gone


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = arguments.parse_args()
    choose = random.Random(arguments.seed)
    print(f"crash: seed {arguments.seed}", flush=True)
    known, importers = Known(), [Importer(number) for number in range(IMPORTERS)]
    running, starts, total = None, [], collections.Counter()
    began, killed, lost, before = None, None, 0, None
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        folder = pathlib.Path(folder)
        try:
            for round_ in range(arguments.rounds + 1):
                if round_ % 4 == 1:
                    running = Service(folder)
                    time.sleep(choose.uniform(0.05, max(0.1, starts[-1])))
                    running.kill(choose.random() < 0.5)
                running, seconds = started(folder)
                starts.append(seconds)
                variables = running.variables
                tokens = [variables["TOKEN"], variables["RFID"].rsplit("/", 1)[1]]
                require(round_ == 0 or tokens == before, "the credentials are not those of before")
                before = tokens
                counts, known.counts = known.counts, collections.Counter()
                if round_:
                    counts["journalled"], counts["not journalled"] = check_journal(
                        Client(variables), known, began, killed, lost
                    )
                figures, listed, vehicles, of_vehicles = verify(variables, known, importers, round_, choose)
                figures["history entries"] = check_changes(Client(variables), known, listed, of_vehicles)
                counts["items acknowledged when sent again"] = known.counts["items acknowledged"]
                known.counts.clear()
                total += counts + figures
                print(f"crash: start {round_}: ready after {starts[-1]:.1f} s; {told(counts + figures)};", flush=True)
                print(f"crash: {len(listed)} access IDs, {len(vehicles)} vehicles, all as they must be", flush=True)
                if round_ == arguments.rounds:
                    boxes = collections.Counter(entry["chargeBox"] for entry in pages(Client(variables), "/api/decisions"))
                    doubled = [box for box, count in boxes.items() if count > 1 and box.startswith("load-")]
                    require(not doubled, "decisions are in the journal twice:", doubled)
                    break
                began = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                everything = round_ % 2 == 1
                killed, gone = load(running, round_, known, importers, choose, everything)
                lost = running.lost()
                what = "everything was killed" if everything else "cargo dev was killed"
                print(f"crash: {what}; the last process of it was gone after {gone:.1f} s", flush=True)
        finally:
            if running and running.process.poll() is None:
                running.end()
    del total["history entries"]
    print(
        f"crash: {arguments.rounds} kills: {told(total)}; everything that was acknowledged is there, and the history has"
        f" {figures['history entries']} entries, one of each change;"
        f" seconds to start: first {starts[0]:.1f}, then {min(starts[1:]):.1f} to {max(starts[1:]):.1f}"
    )
    never = [what for what in MUST_HAPPEN if not total[what]]
    require(arguments.rounds < 20 or not never, "did not happen in all of the rounds:", never)


def told(figures):
    return ", ".join(f"{name}: {count}" for name, count in sorted(figures.items()) if count)


main()

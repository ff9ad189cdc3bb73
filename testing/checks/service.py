"""Starts the whole service with `cargo dev`, runs commands that use it, and ends it as Ctrl-C would. Linux or macOS; standard
library only.

    python3 testing/checks/service.py [COMMAND …]

Each COMMAND is a line for the shell. It finds the variables of the env file (API, TOKEN, RFID and the others) in its environment.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOG = ROOT / "target" / "service.log"
READY_WITHIN = 900
END_WITHIN = 20


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def variables(file):
    """The lines NAME=value of an env file."""
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


class Service:
    """`cargo dev`, started with these arguments on a port of its own. What it prints is added to the file `log`."""

    def __init__(self, *arguments, log, folder=ROOT / "target" / "local"):
        self.env, self.log = folder / "env", log
        port = free_port()
        self.api = f"http://127.0.0.1:{port}"
        command = ["cargo", "dev", "--folder", str(folder), "--port", str(port), *arguments]
        with open(log, "a") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)

    def ready(self):
        """Waits until it is ready. What it wrote into its env file is in `variables` then. Returns the seconds it took."""
        began = time.monotonic()
        while time.monotonic() - began < READY_WITHIN:
            if self.process.poll() is not None:
                raise SystemExit(f"service: cargo dev ended before it was ready: {self.log.read_text()[-2000:]}")
            try:
                self.variables = variables(self.env)
                # After a kill of everything, nobody has deleted the file of the run before.
                if self.variables["API"] == self.api:
                    return time.monotonic() - began
            except FileNotFoundError:
                pass
            time.sleep(0.02)
        raise SystemExit("service: cargo dev is not ready in time")

    def end(self):
        """Sends what Ctrl-C in a terminal would send, and holds it to a clean end."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            code = self.process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise SystemExit("service: cargo dev does not end on Ctrl-C")
        if code != 0 or self.env.exists():
            raise SystemExit(f"service: cargo dev ended with {code} and left its env file: {self.env.exists()}")


def main():
    failed = []
    LOG.unlink(missing_ok=True)
    service = Service("--in-memory", log=LOG)
    try:
        print(f"service: cargo dev, which prints to {LOG.relative_to(ROOT)}, is ready after {service.ready():.0f} s", flush=True)
        for command in sys.argv[1:]:
            began = time.monotonic()
            code = subprocess.run(command, shell=True, cwd=ROOT, env=os.environ | service.variables).returncode
            print(f"service: `{command}` ended with {code} after {time.monotonic() - began:.0f} s", flush=True)
            failed += [command] if code else []
    finally:
        service.end()
    print("service: cargo dev has ended")
    if failed:
        raise SystemExit(f"service: failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

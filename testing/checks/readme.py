"""Runs the examples of README.md over the running service and holds what they print against what README.md shows. Standard
library only.

    python3 testing/checks/service.py 'python3 testing/checks/readme.py'

All blocks of `sh` are run in one shell, from top to bottom. A block of `text` that follows one shows lines of its output, in
order; others may stand between them, and a line may be shown up to a certain point. Ids, times and tokens may differ.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
END = "-- end of example {} --"
WITHIN = 300
MASKS = [
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<request>"),
    (r"(api|rfid)_[0-9A-Za-z]+_[0-9A-Za-z]+", "<token>"),
    (r"[0-9A-Za-z]{12}\.[0-9a-f]{16}", "<credential>"),
    (r'(?<="organizationId":")[0-9A-Za-z]{12}', "<organization>"),
    (r"\b\d{12,16}\b", "<id>"),
]


def masked(text):
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return [line.strip() for line in text.splitlines() if line.strip()]


def examples(text):
    """Each block of `sh` with the block of `text` that follows it, or nothing."""
    found = []
    for language, content in BLOCK.findall(text):
        if language == "sh":
            found.append([content, ""])
        elif language == "text":
            found[-1][1] = content
    return found


def difference(shown, came):
    """The first line that is shown and did not come, if there is one."""
    rest = iter(masked(came))
    return next((line for line in masked(shown) if not any(one.startswith(line) for one in rest)), None)


def main():
    found = examples((ROOT / "README.md").read_text())
    # As in a terminal, a command that fails does not end the shell. Each echo begins a line of its own.
    script = "".join(f"{commands}\necho; echo '{END.format(at)}'\n" for at, (commands, _) in enumerate(found))
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    shell = subprocess.Popen(["bash", "-c", script], cwd=ROOT, text=True, start_new_session=True, **pipes)
    try:
        rest, errors = shell.communicate(timeout=WITHIN)
    finally:
        try:
            # what an example has left running
            os.killpg(shell.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
    failed = 0
    for at, (commands, shown) in enumerate(found):
        came, _, rest = rest.partition(END.format(at))
        missing = difference(shown, came)
        if missing:
            failed += 1
            print(f"readme: of\n{commands}this did not come:\n{missing}\ninstead:\n{came.strip()}", file=sys.stderr)
    if failed or not found:
        print(f"readme: on standard error came:\n{errors}", file=sys.stderr)
        raise SystemExit(f"readme: {failed} of {len(found)} examples do not do what is shown")
    print(f"readme: {len(found)} examples do what is shown")


main()

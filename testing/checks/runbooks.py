"""Runs every runbook of docs/operations.md, for each stage, with stubs in place of `aws`, `sam`, `cargo` and what else
would leave the machine. Afterwards each call of `aws` is held against AWS's own description of it, which the AWS SDK for
Python brings: that the command exists, that it takes these options and values, that none is missing. Each body that `curl` sends
is held against the schema of its request in openapi.json.

    target/sam/bin/python testing/checks/runbooks.py
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import botocore.session
import jsonschema
from botocore import xform_name

ROOT = pathlib.Path(__file__).resolve().parents[2]
STAGES = ["dev", "staging", "prod"]
STUBBED = ["aws", "cargo", "curl", "git", "openssl", "python3", "rustup", "sam", "sleep"]
# Under target/sam/bin and target/checkov/bin, where runbooks call them by their paths.
TOOLS = ["cfn-lint", "checkov", "pip", "python", "sam"]
# What a runbook asks its reader to have set.
READER = {
    "API_TOKEN": "api_x",
    "AWS_REGION": "eu-west-1",
    "BACKUP_PROFILE": "b",
    "BACKUP_REGION": "eu-west-1",
    "COPY": "arn:aws:backup:x",
    "DOMAIN": "charge.example",
    "MANAGEMENT_PROFILE": "m",
    "ORG": "abcdefghijkl",
    "PROVIDER": "arn:aws:iam::1:oidc-provider/x",
    "RESTORE_ROLE": "arn:aws:iam::1:role/r",
    "RFID_TOKEN": "rfid_x",
    "SUBJECT": "repo:o/r:environment:e",
    "WHEN": "2026-11-21T10:00:00Z",
}
# What the stubs keep when nothing has been called.
EMPTY = {"parameters": {}, "asked": {}, "table": None, "protected": True}
DOCUMENT = json.loads((ROOT / "openapi.json").read_text())
GLOBAL = {"--cli-binary-format", "--output", "--profile", "--query", "--region"}
DEPLOY = {"--capabilities", "--parameter-overrides", "--stack-name", "--template-file"}


def blocks():
    """The blocks of commands by their headings, in the order of the page."""
    found = {}
    for section in re.split(r"^## ", (ROOT / "docs/operations.md").read_text(), flags=re.M)[1:]:
        commands = re.findall(r"^```sh\n(.*?)^```", section, flags=re.M | re.S)
        if commands:
            found[section.splitlines()[0]] = commands
    return found


class World:
    """A folder like the repository's root, in which the stubs keep what the calls change."""

    def __init__(self, folder, stage):
        self.folder, self.stage = pathlib.Path(folder), stage
        self.log, self.state = self.folder / "log", self.folder / "state"
        for bin, names in {"bin": STUBBED, "target/sam/bin": TOOLS, "target/checkov/bin": TOOLS}.items():
            (self.folder / bin).mkdir(parents=True)
            for name in names:
                stub = self.folder / bin / name
                stub.write_text(f"#!{sys.executable} -IS\n" + (ROOT / "testing/checks/stubs/stub.py").read_text())
                stub.chmod(0o755)

    def run(self, *commands):
        """The exit code and the calls of one shell that runs these blocks."""
        self.log.write_text("")
        path = f"{self.folder}/bin:/usr/bin:/bin"
        environment = READER | {"PATH": path, "STUB_LOG": str(self.log), "STUB_STATE": str(self.state)}
        if self.stage:
            environment["STAGE"] = self.stage
        script = ["bash", "-c", "\n".join(commands)]
        shell = subprocess.run(script, cwd=self.folder, env=environment, capture_output=True, text=True)
        calls = [json.loads(line) for line in self.log.read_text().splitlines()]
        return shell.returncode, calls, shell.stdout + shell.stderr

    def table(self):
        return json.loads(self.state.read_text())["table"]


def must(holds, what):
    if not holds:
        raise SystemExit(f"runbooks: {what}")


session = botocore.session.get_session()


def check_value(shape, values, call):
    """Whether the values are of this shape, as far as the command line's short form shows it."""
    if shape.type_name == "list":
        for value in values:
            check_value(shape.member, [value], call)
    elif shape.type_name == "structure" and not values[0].startswith(("{", "file://")):
        for pair in values[0].split(","):
            key, _, value = pair.partition("=")
            must(key in shape.members, f"{call}: {key} is none of {list(shape.members)}")
            check_value(shape.members[key], [value], call)
    elif shape.type_name == "boolean":
        must(not values or values[0] in ("true", "false"), f"{call}: {values} is neither true nor false")
    elif shape.type_name in ("integer", "long", "double"):
        must(re.fullmatch(r"-?\d+(\.\d+)?", values[0]), f"{call}: {values} is no number")
    elif shape.type_name == "string" and shape.enum:
        must(values[0] in shape.enum, f"{call}: {values} is none of {shape.enum}")


def check_aws(words):
    call = "aws " + " ".join(words)
    service, operation = words[:2]
    options, positional = {}, []
    current = positional
    for word in words[2:]:
        if word.startswith("--"):
            current = options.setdefault(word, [])
        else:
            current.append(word)
    if operation == "wait":
        waiters = {xform_name(name, "-"): name for name in session.get_waiter_model(service).waiter_names}
        must(positional and positional[0] in waiters, f"{call}: there is nothing such to wait for")
        operation = session.get_waiter_model(service).get_waiter(waiters[positional.pop(0)]).operation
        operation = xform_name(operation, "-")
    if (service, operation) == ("lambda", "invoke"):
        must(len(positional) + len(options.get("--cli-binary-format", [])) == 2, f"{call}: needs a file for the answer")
    else:
        must(not positional, f"{call}: {positional}")
    if (service, operation) == ("cloudformation", "deploy"):
        must(options.keys() <= DEPLOY | GLOBAL, f"{call}: {options.keys()}")
        must((ROOT / options["--template-file"][0]).exists(), f"{call}: there is no such template")
        return
    model = session.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    must(operation in names, f"{call}: there is no such command")
    members = model.operation_model(names[operation]).input_shape
    known = {"--" + xform_name(name, "-"): shape for name, shape in members.members.items()}
    for option, values in options.items():
        plain = "--" + option.removeprefix("--no-")
        shape = known.get(option) or (known.get(plain) if option.startswith("--no-") else None)
        must(shape is not None or option in GLOBAL, f"{call}: there is no option {option}")
        if shape is not None:
            check_value(shape, values, call)
    for name in members.required_members:
        option = xform_name(name, "-")
        must({f"--{option}", f"--no-{option}"} & options.keys(), f"{call}: needs {name}")


def check_curl(words):
    """Whether the document knows this request, and allows the body if the request has one."""
    call = "curl " + " ".join(words)
    url = next(word for word in words if word.startswith("value-of-"))
    path = "/{secret}" if url.startswith("value-of-RfidUrl") else url.removeprefix("value-of-ApiUrl")
    method = words[words.index("-X") + 1].lower() if "-X" in words else "get"
    operation = DOCUMENT["paths"].get(path, {}).get(method)
    must(operation, f"{call}: there is no {method} {path} in openapi.json")
    must(("-d" in words) == ("requestBody" in operation), f"{call}: has a body or lacks one")
    if "-d" in words:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        validator = jsonschema.Draft202012Validator(DOCUMENT | schema)
        for error in validator.iter_errors(json.loads(words[words.index("-d") + 1])):
            must(False, f"{call}: {error.json_path}: {error.message}")


def check_calls(calls, stage):
    others = [f"charge-access-{other}" for other in STAGES if other != stage]
    for name, *words in calls:
        text = " ".join([name, *words])
        must(not any(other in text for other in others), f"{stage}: {text}: touches another stack")
        if name == "aws":
            check_aws(words)
        if name == "curl":
            check_curl(words)
        if name == "sam" and words[0] == "deploy":
            must(words[words.index("--config-env") + 1] == stage, f"{stage}: {text}: deploys another stage")


def follow(stage):
    runbooks = blocks()
    before = runbooks.pop("Before any runbook")[0]
    seen = 0
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        world, other_side = World(first, stage), World(second, stage)

        def done(world, *commands):
            nonlocal seen
            code, calls, output = world.run(before, *commands)
            must(code == 0, f"{stage}: ended with {code}: {output}\n{commands[-1]}")
            check_calls(calls, stage)
            seen += len(calls)
            return calls

        tear_down = runbooks.pop("Tear down")
        restore, undo = runbooks.pop("Restore the table")
        set_up, lost, moved = runbooks.pop("Lose a region or an account")
        for commands in runbooks.values():
            done(world, *commands)
        done(world, set_up)

        done(world, restore)
        restored = world.table()
        named = restored and restored.startswith(f"charge-access-{stage}-Table-ABCDEF-restored-")
        must(named, f"{stage}: {restored} is in use")
        done(world, *runbooks["Upgrade"])
        must(world.table() == restored, "a later deployment went back to the damaged table")
        code, _, _ = world.run(before, *runbooks["Deploy"])
        must(code != 0 and world.table() == restored, "the first deployment's runbook undid a restore")
        done(world, undo)
        must(world.table() is None, "the restore was not undone")

        # What does not get better ends the runbook before a deployment.
        for failure in [{"job": "FAILED"}, {"job": "ABORTED"}, {"no history": True}]:
            with tempfile.TemporaryDirectory() as folder:
                broken = World(folder, stage)
                broken.state.write_text(json.dumps(EMPTY | failure))
                code, calls, _ = broken.run(before, lost)
                must(code != 0 and ["sam", "build"] not in calls, f"{failure}: goes on")
        done(other_side, lost)
        must(other_side.table(), "the copy is not in use")
        done(other_side, moved)
        done(world, *tear_down)
    return seen


def main():
    for heading, commands in blocks().items():
        with tempfile.TemporaryDirectory() as folder:
            before = blocks()["Before any runbook"][0]
            code, calls, _ = World(folder, None).run(before, *commands)
            must(code != 0 and not calls, f"{heading}: goes ahead without a stage: {calls}")
    seen = {stage: follow(stage) for stage in STAGES}
    print(f"runbooks: {len(blocks())} sections, calls {seen}: all as they should be")


main()

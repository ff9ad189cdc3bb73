"""Stands in for `aws`, `sam` and whatever else a runbook calls that would leave the machine. It writes each call into a
log, and keeps in a file what the calls have changed, so that later ones see it. testing/checks/runbooks.py puts it under
their names.
"""

import json
import os
import pathlib
import re
import sys

STATE = pathlib.Path(os.environ["STUB_STATE"])
state = {"parameters": {}, "asked": {}, "table": None, "protected": True}
if STATE.exists():
    state = json.loads(STATE.read_text())
name, words = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
with open(os.environ["STUB_LOG"], "a") as log:
    log.write(json.dumps([name, *words]) + "\n")


def option(wanted):
    return words[words.index(wanted) + 1] if wanted in words else None


def end(text="", code=0):
    STATE.write_text(json.dumps(state))
    print(text)
    sys.exit(code)


def later(what, first, then):
    """The first answer once, as of something that takes its time."""
    asked = state["asked"][what] = state["asked"].get(what, 0) + 1
    return first if asked == 1 else then


def own_table():
    return f"{os.environ['STACK']}-Table-ABCDEF"


def stacks():
    query = option("--query") or ""
    output = re.search(r"OutputKey=='(\w+)'", query)
    if output and option("--stack-name") == os.environ["STACK"]:
        known = {"TableName": state["table"] or own_table(), "OwnTableName": own_table()}
        return known.get(output[1], f"value-of-{output[1]}")
    return f"value-of-{output[1]}" if output else "50"


def aws():
    match words[:2]:
        case ["cloudformation", "describe-stacks"]:
            end(stacks())
        case ["dynamodb", "describe-table"]:
            is_status = "TableStatus" in option("--query")
            arn = "arn:aws:dynamodb:region:1:table/t"
            end(later(option("--table-name"), "CREATING", "ACTIVE") if is_status else arn)
        case ["dynamodb", "update-continuous-backups"]:
            if later("history", True, False):
                end("ContinuousBackupsUnavailableException", 254)
            state["history"] = True
        case ["dynamodb", "describe-continuous-backups"]:
            end("ENABLED" if state.get("history") and not state.get("no history") else "DISABLED")
        case ["dynamodb", "update-table"]:
            state["protected"] = "--no-deletion-protection-enabled" not in words
        case ["dynamodb", "delete-table"] if state["protected"]:
            end("the table is protected", 254)
        case ["backup", "describe-restore-job"]:
            end(later("job", "RUNNING", state.get("job", "COMPLETED")))
        case ["backup", "start-restore-job"]:
            end("job-1")
        case ["sts", "get-caller-identity"]:
            end("123456789012")
        case ["lambda", "invoke"]:
            pathlib.Path(words[-1] if not words[-1].startswith("--") else words[-2]).write_text("null")
        case ["ssm", "put-parameter"]:
            if option("--name") in state["parameters"] and "--overwrite" not in words:
                end("ParameterAlreadyExists", 254)
            state["parameters"][option("--name")] = option("--value")
            end("2" if "--overwrite" in words else "1")
    end()


if name == "aws":
    aws()
elif name == "sam" and words[0] == "deploy":
    choice = state["parameters"].get(f"/{os.environ['STACK']}/restored-table")
    if choice is None:
        end("there is no such parameter in SSM", 1)
    state["table"] = None if choice == "none" else choice
elif name == "openssl":
    end("0123456789abcdef")
end()

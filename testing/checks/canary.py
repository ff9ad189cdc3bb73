"""Runs the canary's code, which stands in infra/canary.yaml, with stand-ins for the AWS SDK and the RFID URL.

    target/sam/bin/python testing/checks/canary.py
"""

import io
import json
import os
import pathlib
import sys
import threading
import types
from http.server import BaseHTTPRequestHandler, HTTPServer

from samcli.yamlhelper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "rfid_secret"
RIGHT = {
    "canary-revoked": (403, {"authorized": False, "reason": "revoked"}),
    "canary-active": (200, {"authorized": True, "accessId": {"id": 1, "name": "x", "type": "RFID"}}),
}


class Missing(Exception):
    pass


class World:
    """What the canary meets: a stored secret or none, answers by tag, and whether the new version fails."""

    def __init__(self, secret=TOKEN, answers=RIGHT, fails=False):
        self.secret, self.answers, self.fails = secret, answers, fails
        self.asked, self.reported = [], None
        self.exceptions = types.SimpleNamespace(ParameterNotFound=Missing)

    def answer(self, path, body, headers):
        question = json.loads(body)
        assert question.keys() == {"msg", "id", "chargebox", "type"} and question["type"] == "authorize", question
        self.asked.append((path, question["id"], headers.get("x-edge-secret")))
        return self.answers[question["id"]] if path == f"/{TOKEN}" else (401, {"code": "unauthorized"})

    # the AWS SDK's clients, all in one
    def get_parameter(self, Name, WithDecryption):
        assert Name == "/stack/canary-secret" and WithDecryption
        if self.secret is None:
            raise Missing
        return {"Parameter": {"Value": self.secret}}

    def get_function_url_config(self, FunctionName, Qualifier):
        assert (FunctionName, Qualifier) == ("stack-rfid-authorizer", "live")
        return {"FunctionUrl": self.url}

    def invoke(self, FunctionName, Payload):
        assert FunctionName == "arn:version:7"
        event = json.loads(Payload)
        if self.fails:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "crash"}')}
        status, body = self.answer(event["rawPath"], event["body"], event["headers"])
        return {"Payload": io.BytesIO(json.dumps({"statusCode": status, "body": json.dumps(body)}).encode())}

    def put_lifecycle_event_hook_execution_status(self, deploymentId, lifecycleEventHookExecutionId, status):
        assert (deploymentId, lifecycleEventHookExecutionId) == ("d-1", "e-1")
        self.reported = status


def serve(world):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            status, body = world.answer(self.path, self.rfile.read(int(self.headers["content-length"])), self.headers)
            body = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    world.url = f"http://127.0.0.1:{server.server_port}/"
    return server


def call(world, event):
    template = yaml_parse((ROOT / "infra/canary.yaml").read_text())
    code = template["Resources"]["Function"]["Properties"]["Code"]["ZipFile"]
    assert len(code) < 4096, f"{len(code)} characters do not fit into a template"
    sys.modules["boto3"] = types.SimpleNamespace(client=lambda _: world)
    os.environ |= {
        "AUTHORIZER": "stack-rfid-authorizer",
        "VERSION": "arn:version:7",
        "SECRET": "/stack/canary-secret",
        "EDGE_DOMAIN": "",
        "EDGE_SECRET": "edge",
    }
    module = {}
    exec(compile(code, "infra/canary.yaml", "exec"), module)
    server = serve(world)
    try:
        return module["handler"](event, None)
    finally:
        server.shutdown()


def raises(world):
    try:
        call(world, {})
    except Exception as error:
        return str(error)
    raise SystemExit("canary: it did not notice")


def hook(world):
    call(world, {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"})
    return world.reported


def main():
    wrong = RIGHT | {"canary-revoked": RIGHT["canary-active"]}
    unknown = RIGHT | {"canary-active": (403, {"authorized": False, "reason": "unknown"})}
    down = RIGHT | {"canary-revoked": (503, {"code": "service_unavailable"})}

    world = World()
    assert call(world, {}) is None
    assert world.asked == [(f"/{TOKEN}", "canary-revoked", None)], world.asked
    assert "200" in raises(World(answers=wrong)), "a revoked card that charges is the worst"
    assert "503" in raises(World(answers=down))
    assert "no secret" in raises(World(secret=None))
    assert "401" in raises(World(secret="rfid_old"))

    world = World()
    assert hook(world) == "Succeeded"
    assert [tag for _, tag, _ in world.asked] == ["canary-revoked", "canary-active"]
    assert {edge for *_, edge in world.asked} == {"edge"}
    for answers in (wrong, unknown, down):
        assert hook(World(answers=answers)) == "Failed"
    assert hook(World(fails=True)) == "Failed"
    assert hook(World(secret="rfid_old")) == "Failed"
    world = World(secret=None)
    assert hook(world) == "Succeeded" and world.asked == [("/", "canary-revoked", "edge")], "the first deployment"
    assert hook(World(secret=None, fails=True)) == "Failed"
    print("canary: it notices what it should")


main()

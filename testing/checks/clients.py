"""Holds openapi.json against two linters, generates clients of it in TypeScript and Python, and uses them on the running
service. Needs Python 3 and npm; installs the rest under target/.

    python3 testing/checks/service.py 'python3 testing/checks/clients.py'
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "openapi.json"
HERE = ROOT / "testing" / "checks" / "clients"
TARGET = ROOT / "target" / "clients"
PYTHON = TARGET / "python" / "bin"
NODE = TARGET / "node_modules" / ".bin"
WITHIN = 300


def run(*command, silent=False, **options):
    """Runs a command. One that must be silent fails if it says anything of its own about what it was given."""
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WITHIN, **options)
    if result.returncode or (silent and "arning" in result.stdout):
        raise SystemExit(f"clients: {' '.join(map(str, command))}: {result.returncode}\n{result.stdout}")
    return result.stdout


def is_installed(*files):
    """Whether what these files list was installed as they are now."""
    return all((TARGET / file.name).exists() and (TARGET / file.name).read_bytes() == file.read_bytes() for file in files)


def install():
    TARGET.mkdir(parents=True, exist_ok=True)
    requirements = HERE / "requirements.txt"
    if not is_installed(requirements):
        run(sys.executable, "-m", "venv", "--clear", PYTHON.parent)
        run(PYTHON / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements)
        shutil.copy(requirements, TARGET)
    packages = [HERE / "package.json", HERE / "package-lock.json"]
    if not (is_installed(*packages) and NODE.exists()):
        for file in packages:
            shutil.copy(file, TARGET)
        run("npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit", cwd=TARGET)


def lint():
    quiet = os.environ | {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    redocly = run(NODE / "redocly", "lint", "--config", HERE / "redocly.yaml", "--format", "json", DOCUMENT, env=quiet)
    if '"problems": []' not in redocly:
        raise SystemExit(f"clients: redocly: {redocly}")
    run(NODE / "spectral", "lint", "--ruleset", HERE / "spectral.yaml", "--fail-severity", "hint", DOCUMENT)
    print("clients: redocly and spectral have nothing to say", flush=True)


def typescript(env):
    folder = TARGET / "typescript"
    folder.mkdir(exist_ok=True)
    for file in ["client.ts", "tsconfig.json"]:
        shutil.copy(HERE / file, folder)
    run(NODE / "openapi-typescript", DOCUMENT, "--output", folder / "api.d.ts", silent=True)
    run(NODE / "tsc", "--project", folder)
    print(run("node", folder / "client.js", env=env), end="", flush=True)


def python(env):
    folder = TARGET / "generated"
    folder.mkdir(exist_ok=True)
    # ruff, with which the generator formats, is not needed to run the client.
    config = folder / "config.yaml"
    config.write_text("post_hooks: []\n")
    generate = ["generate", "--path", DOCUMENT, "--meta", "none", "--overwrite", "--output-path", folder / "access"]
    run(PYTHON / "openapi-python-client", *generate, "--config", config, "--fail-on-warning", silent=True)
    print(run(PYTHON / "python", HERE / "client.py", env=env | {"PYTHONPATH": str(folder)}), end="", flush=True)


def main():
    install()
    lint()
    # The secret is the last part of the authorizer's URL.
    url, secret = os.environ["RFID"].rsplit("/", 1)
    env = os.environ | {"RFID_URL": url, "SECRET": secret}
    typescript(env)
    python(env)


main()

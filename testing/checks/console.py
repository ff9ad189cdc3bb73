"""Uses the console of the running service in a browser: every view, by keyboard, on a small screen, in the dark, with texts that
try to become markup. A violation of the content security policy or an error in the browser's console fails. Needs Python 3 and
Chromium (`apt-get install chromium`); installs the rest under target/.

    python3 testing/checks/service.py 'python3 testing/checks/console.py'
    python3 testing/checks/service.py 'python3 testing/checks/console.py --pictures'

The second also writes the pictures of docs/images.
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "testing" / "checks" / "console"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PYTHON = ROOT / "target" / "console" / "python" / "bin" / "python"


def install():
    wanted, installed = HERE / "requirements.txt", PYTHON.parent / "installed.txt"
    if not (installed.exists() and installed.read_bytes() == wanted.read_bytes()):
        subprocess.run([sys.executable, "-m", "venv", "--clear", PYTHON.parent.parent], check=True)
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted]
        subprocess.run(pip, check=True)
        installed.write_bytes(wanted.read_bytes())

    if not any(map(shutil.which, BROWSERS)) and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", "chromium"], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    install()
    raise SystemExit(subprocess.run([PYTHON, HERE / "run.py", *sys.argv[1:]], env=os.environ | {"BROWSERS": " ".join(BROWSERS)}).returncode)

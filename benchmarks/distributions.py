"""Which real distributions an upload here refuses, and whether pip and uv would have installed them from an index.

python -m benchmarks.distributions /tmp/distributions

Fetches the files that distributions.txt lists (170 MB) into this folder, unless they are there, and examines each as an
upload is. What is refused is put into an index of its own, from which pip and uv are asked to install it: that runs the
code of its setup.py, so do it where that does no harm, or leave it out with --trust-me.
"""

import argparse
import functools
import hashlib
import http.server
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

import requests

from webapp.rules.archives import BadDistribution
from webapp.rules.distributions import examine

LIST = Path(__file__).with_suffix(".txt")
INDEX = "https://pypi.org/simple/"
JSON = "application/vnd.pypi.simple.v1+json"
TIMEOUT_S = 60


def main() -> None:
    """Fetch, examine, and print what was refused and what was warned about."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trust-me", action="store_true", help="do not ask pip and uv about what is refused")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    files = listed()
    fetch(
        {project: {name for name in names if not (options.folder / name).exists()} for project, names in files.items()},
        options.folder,
    )
    refused, warnings = examined(sorted(name for names in files.values() for name in names), options.folder)
    total = sum(map(len, files.values()))
    print(f"{total - len(refused):,} of {total:,} real distributions are taken, {len(refused)} are refused:\n")
    for name, reason in refused.items():
        project = next(each for each, names in files.items() if name in names)
        print(f"  {name}\n      {reason}")
        if not options.trust_me:
            for tool, said in installers_on(project, options.folder / name).items():
                print(f"      {tool}: {said}")
    print("\nWhat the uploaders of the others are warned about:\n")
    for warning, count in warnings.most_common():
        print(f"  {count:5,}  {warning}")


def listed() -> dict[str, set[str]]:
    """Return the names of the files by project."""
    found: dict[str, set[str]] = {}
    for line in LIST.read_text().splitlines():
        if not line.startswith("#"):
            project, name = line.split()
            found.setdefault(project, set()).add(name)
    return found


def fetch(missing: dict[str, set[str]], folder: Path) -> None:
    """Fetch files from the index, and compare their SHA-256."""
    with requests.Session() as session:
        for project, names in missing.items():
            if not names:
                continue
            page = session.get(f"{INDEX}{project}/", headers={"Accept": JSON}, timeout=TIMEOUT_S).json()
            for file in page["files"]:
                if file["filename"] in names:
                    content = session.get(file["url"], timeout=TIMEOUT_S).content
                    if hashlib.sha256(content).hexdigest() != file["hashes"]["sha256"]:
                        raise SystemExit(f"{file['filename']} is damaged; please try again")
                    (folder / file["filename"]).write_bytes(content)


def examined(names: list[str], folder: Path) -> tuple[dict[str, str], Counter[str]]:
    """Return why some of these files are refused, and how often others were warned about what."""
    refused: dict[str, str] = {}
    warnings: Counter[str] = Counter()
    for name in names:
        path = folder / name
        with path.open("rb") as file:
            try:
                found = examine(name, file, path.stat().st_size)
            except BadDistribution as error:
                refused[name] = str(error)
            else:
                warnings.update(warning[:90] for warning in found.warnings)
    return refused, warnings


def installers_on(project: str, file: Path) -> dict[str, str]:
    """Return what pip and uv make of a file that they find in an index."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = folder / "simple" / project
        page.mkdir(parents=True)
        (page / file.name).write_bytes(file.read_bytes())
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        python = str(folder / "venv" / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "-qq", "setuptools", "wheel"], check=True, capture_output=True)
        handler = functools.partial(_Quiet, directory=str(folder))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            index = f"http://127.0.0.1:{server.server_port}/simple/"
            common = ("--no-deps", "--no-build-isolation", "--target", str(folder / "got"), project)
            found = {
                "pip": _last_line(
                    sys.executable,
                    "-m",
                    "pip",
                    "--python",
                    python,
                    "install",
                    "--isolated",
                    "--no-cache-dir",
                    "--index-url",
                    index,
                    *common,
                ),
                "uv": _last_line(
                    sys.executable,
                    "-m",
                    "uv",
                    "pip",
                    "install",
                    "--no-config",
                    "--no-cache",
                    "--python",
                    python,
                    "--default-index",
                    index,
                    *common,
                ),
            }
            server.shutdown()
    return found


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _last_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    said = next(
        (line for line in reversed(lines) if "rror" in line or "cause:" in line or "Because" in line),
        lines[-1] if lines else "",
    )
    return "installs it" if done.returncode == 0 else f"refuses it: {said[:200]}"


if __name__ == "__main__":
    main()

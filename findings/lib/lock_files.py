"""Lock files (pylock.toml) of one project, kiln 1.0, and installers that install from them."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

FOLDER = pathlib.Path(os.environ["FOLDER"])
WHEEL = FOLDER / "kiln-1.0-py3-none-any.whl"
INDEX = FOLDER / "index"  # of the project that pdm installs for
INFO = "kiln-1.0.dist-info"
TEXTS = {
    "kiln.py": "",
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: kiln\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
PROJECT = """
[project]
name = "pottery"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["kiln"]
[tool.pdm]
distribution = false
[tool.pdm.lock]
format = "pylock"
[[tool.pdm.source]]
name = "pypi"
type = "find_links"
url = "file:///${PROJECT_ROOT}/../index"
"""


def wheel():
    """Build the wheel of kiln if it is not there yet, and return its SHA-256."""
    if not WHEEL.exists():
        with zipfile.ZipFile(WHEEL, "w") as archive:
            for name, text in TEXTS.items():
                archive.writestr(name, text)
            archive.writestr(f"{INFO}/RECORD", "".join(f"{name},,\n" for name in (*TEXTS, f"{INFO}/RECORD")))
    return hashlib.sha256(WHEEL.read_bytes()).hexdigest()


def lock(version="1.0", head="", package="", hashes="", place=None):
    """Return the text of a lock file with kiln in it.

    `head` and `package` are lines for the top of the file and for the package, `hashes` is put before the SHA-256 of
    the wheel, and `place` says where the wheel is, by default with its URL.
    """
    place = place or f'url = "{WHEEL.as_uri()}"'
    return f"""lock-version = "{version}"
{head}
created-by = "hand"

[[packages]]
name = "kiln"
version = "1.0"
{package}
wheels = [{{name = "{WHEEL.name}", {place}, hashes = {{{hashes}sha256 = "{wheel()}"}}}}]
"""


def install(tool, text, extra="", project=PROJECT):
    """Install from a lock file into a new environment.

    Returns "installed", "nothing installed", or "refused: " with the last line of the error. pdm needs a project beside
    the lock file: `project` is its pyproject.toml.
    """
    folder = FOLDER / "pottery"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    INDEX.mkdir(exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (folder / "pylock.toml").write_text(text)
    interpreter = folder / ".venv/bin/python"
    programs = pathlib.Path(sys.prefix, "bin")
    if tool == "pdm":
        (folder / "pyproject.toml").write_text(project)
        (folder / ".pdm-python").write_text(str(interpreter))
        command = [programs / "pdm", "sync", *(["--group", extra] if extra else [])]
    elif tool == "uv":
        command = [programs / "uv", "pip", "install", "--python", interpreter, "-r", "pylock.toml"]
        command += ["--extra", extra] if extra else []
    else:
        file = f"pylock.toml[{extra}]" if extra else "pylock.toml"
        command = [programs / "pip", "--python", interpreter, "install", "-r", file]
    environment = {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"}
    environment |= {"NO_COLOR": "1", "COLUMNS": "200", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment |= {"PDM_CHECK_UPDATE": "0", "PDM_CACHE_DIR": f"{FOLDER}/pdm", "UV_CACHE_DIR": f"{FOLDER}/uv"}
    environment |= {"PDM_LOG_DIR": f"{FOLDER}/log", "PDM_IGNORE_SAVED_PYTHON": "0"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        return f"refused: {lines[-1] if lines else ''}"
    return "installed" if list(folder.glob(".venv/lib/*/site-packages/kiln.py")) else "nothing installed"

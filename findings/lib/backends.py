"""A project, kiln, and the metadata that build backends write for it."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

BUILD = "import importlib, sys; importlib.import_module(sys.argv[1]).build_wheel('dist')"
CHOICES = """
[tool.flit.module]
name = "kiln"
[tool.poetry]
packages = [{include = "kiln"}]
[tool.hatch.build.targets.wheel]
packages = ["kiln"]
[tool.setuptools]
packages = ["kiln"]
[tool.uv.build-backend]
module-root = ""
"""


def fields(backend, table, *wanted, files=()):
    """Return the lines of the built METADATA that begin with one of `wanted`, or ["refused"].

    `table` are lines of [project], and `files` are the texts of more files by name.
    """
    folder = pathlib.Path(os.environ["FOLDER"], "project")
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("kiln", "dist"):
        (folder / name).mkdir(parents=True)
    build_system = f'[build-system]\nrequires = []\nbuild-backend = "{backend}"\n'
    project = f'[project]\nname = "kiln"\nversion = "1.0"\ndescription = "A kiln"\n{table}\n'
    texts = {"kiln/__init__.py": "", "pyproject.toml": build_system + project + CHOICES}
    for name, text in (texts | dict(files)).items():
        (folder / name).write_text(text)
    programs = f"{pathlib.Path(sys.prefix, 'bin')}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-c", BUILD, backend]
    done = subprocess.run(command, cwd=folder, capture_output=True, env=os.environ | {"PATH": programs})
    if done.returncode:
        return ["refused"]
    wheel = next(folder.glob("dist/*.whl"))
    metadata = zipfile.ZipFile(wheel).read("kiln-1.0.dist-info/METADATA").decode()
    return [line for line in metadata.splitlines() if line.startswith(wanted)]

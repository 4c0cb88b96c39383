#!/usr/bin/env bash
# pyroma 5.0.1 takes a project's only classifier for a list of letters, and finds each of them to be no classifier.
#
# It rates how well a project's metadata "complies with the best practices" of packaging. By the core metadata
# specification each Classifier holds one value, and there may be one or many. A field that occurs once becomes a text
# in pyroma, which it reads letter by letter: it asks for the Python version that the classifier names, and the rating
# falls. With a second classifier, which is of no interest to this check, the same one is found correct.
. "$(dirname "$0")/lib/setup.bash" \
    pyroma==5.0.1 build==1.6.1 docutils==0.23 packaging==26.4 setuptools==65.5.0 trove-classifiers==2026.9.21.13

python - <<'PYTHON'
import os
import pathlib

from pyroma import projectdata, ratings

BACKEND = """
import pathlib

def get_requires_for_build_wheel(config_settings=None):
    return []

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = pathlib.Path(folder, "kiln-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(pathlib.Path("fields").read_text())
    return info.name
"""
FIELDS = f"""Metadata-Version: 2.4
Name: kiln
Version: 1.0
Summary: Fires pots and keeps them warm
Author-Email: A. Potter <potter@example.com>
License-Expression: MIT
Keywords: pots
Requires-Python: >=3.11
Project-URL: Homepage, https://example.com
Description-Content-Type: text/plain
CLASSIFIERS

{20 * 'A kiln. '}
"""
project = pathlib.Path(os.environ["FOLDER"], "project")
project.mkdir()
(project / "backend.py").write_text(BACKEND)
build_system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
(project / "pyproject.toml").write_text(build_system)
seen = []
one = ["Programming Language :: Python :: 3.11"]
for classifiers in (one, [*one, "Topic :: Utilities"]):
    lines = "\n".join(f"Classifier: {classifier}" for classifier in classifiers)
    (project / "fields").write_text(FIELDS.replace("CLASSIFIERS", lines))
    data = projectdata.get_data(str(project))
    rating, complaints = ratings.rate(data, skip_tests=["DevStatusClassifier", "CheckManifest"])
    seen.append(f"{classifiers} {rating}")
    seen += [f"  {' '.join(complaint.split())}" for complaint in complaints]
pathlib.Path(os.environ["FOLDER"], "seen").write_text("".join(f"{line}\n" for line in seen))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
['Programming Language :: Python :: 3.11'] 8
  Some of your classifiers are not standard classifiers: P r o g r a m m i n g L a n g u a g e : : P y t h o n : : 3 . 1 1
  The classifiers should specify what Python versions you support.
['Programming Language :: Python :: 3.11', 'Topic :: Utilities'] 10
EXPECTED

"""Write a wheel whose RECORD differs from what build tools usually write."""

import base64
import hashlib
import os
import pathlib
import tempfile
import zipfile

INFO = "kiln-1.0.dist-info"
FILES = {
    "kiln.py": "",
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: kiln\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def write_wheel(size=True, signatures=()):
    """Write kiln 1.0 to a new folder and return its path.

    RECORD has the hashes of all files and, with `size`, their sizes; of the files named in `signatures`, which are put
    beside it, it says nothing.
    """
    wheel = pathlib.Path(tempfile.mkdtemp(dir=os.environ["FOLDER"]), "kiln-1.0-py3-none-any.whl")
    record = ""
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            record += f"{name},sha256={digest},{len(text) if size else ''}\n"
        archive.writestr(f"{INFO}/RECORD", f"{record}{INFO}/RECORD,,\n")
        for name in signatures:
            archive.writestr(f"{INFO}/{name}", "{}")
    return wheel

"""VERIFY_ATTESTATIONS."""

import subprocess
import sys

from tests.servers import ROOT


def test_site_starts_without_the_library_unless_it_is_to_verify() -> None:
    program = (
        "import sys; sys.modules['pypi_attestations'] = None\n"
        "from flask import Flask; from config import BadConfig; from webapp import publishing\n"
        "app = Flask('x')\n"
        "app.config['VERIFY_ATTESTATIONS'] = 0; publishing.init_app(app)\n"
        "app.config['VERIFY_ATTESTATIONS'] = 1\n"
        "try: publishing.init_app(app)\n"
        "except BadConfig as error: print(error)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == (
        "VERIFY_ATTESTATIONS needs requirements-attestations.txt to be installed (no module pypi_attestations)\n"
    )

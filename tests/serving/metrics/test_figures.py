"""The figures of all web processes are added up."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import database_uri
from tests.serving.metrics.reading import figures

ROOT = Path(__file__).resolve().parents[3]
PROCESS = """
import sys
from app import app
from webapp.documents import Package
with app.app_context():
    Package.objects.first()
client = app.test_client()
client.get("/ping")
print(client.get("/metrics").text, "# end", sep="", flush=True)
sys.stdin.read()
"""


def test_web_processes_add_up_and_the_dead_hold_no_connections(mongod_uri: str, tmp_path: Path) -> None:
    environment = {"MONGODB_URI": database_uri(mongod_uri, "larder_none"), "METRICS": "1", "LARDER_ENV": "testing"}
    # Prometheus is no member, either.
    environment |= {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "READ_ACCESS": "members"}

    def process() -> tuple[subprocess.Popen[str], dict[str, float]]:
        """A web process, and what it tells when it is asked."""
        started = subprocess.Popen(
            [sys.executable, "-c", PROCESS], env=os.environ | environment, cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert started.stdout
        return started, figures("".join(iter(started.stdout.readline, "# end\n")))

    def kill(started: subprocess.Popen[str]) -> None:
        started.kill()
        started.communicate()

    first, _ = process()
    second, both = process()
    kill(first)
    kill(second)
    third, after = process()
    kill(third)

    count, ping = "larder_database_command_seconds_count{command=find}", "{method=GET,route=/ping,status=200}"
    assert (both[count], both["larder_requests_total" + ping], both["larder_database_connections{}"]) == (2, 2, 2)
    assert (after[count], after["larder_requests_total" + ping], after["larder_database_connections{}"]) == (3, 3, 1)

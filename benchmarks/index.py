"""`make bench NAME=index`: uploads and downloads, and the pages of an index with 50,000 files, each beside its floor.

Everything runs on one machine: the clients, two web processes, MongoDB and, where it is installed, nginx.
"""

import argparse
import contextlib
import hashlib
import http.client
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import bson

from benchmarks.load import drive
from benchmarks.packages import made_up
from benchmarks.servers import SITE_TARGET, served
from config import Config
from tests.publishing.uploads import basic, metadata, wheel, wheel_name
from webapp import create_app
from webapp.changes import site_stats
from webapp.changes.pypi_json import store
from webapp.documents import DOCUMENTS, StoredFile, User, contents, ensure_indexes
from webapp.documents.base import utc_now
from webapp.documents.release import own_url
from webapp.members.api_tokens import make_token
from webapp.mongodb import embedded

SITE, ANEW, FLOOR = "http://127.0.0.1:5026", "http://127.0.0.1:5027", "http://127.0.0.1:5028"
NGINX = "http://127.0.0.1:5029"
SECRET = "a key for a benchmark, worth nothing"
CLIENTS = 4
PROJECTS, RELEASES, FILES_EACH = 2_500, 10, 2  # 50,000 files
MB = 1_000_000
LARGE_MB = 200
# Of a project that stands in the middle of the names.
SOME = "project-1250"


class Row(NamedTuple):
    """One figure, and what it is to reach."""

    name: str
    value: str
    floor: str = ""
    goal: str = ""


def main() -> None:
    """Measure, and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=5.0, help="length of one measurement of uploads or pages")
    options.add_argument(
        "--gigabyte", type=int, default=1000, help="MB of the file whose transfer's memory is measured"
    )
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        uri = embedded.acquire(place / "mongodb")
        with create_app(type("BenchmarkConfig", (Config,), {"MONGODB_URI": uri})).app_context():
            _fill()
            user = User(name="A publisher", created_date=utc_now())
            user.save()
            token, _ = make_token(user, name="bench", project=None, permissions=["upload"], expires_at=None)
            rows = list(_measured(place, uri, token, chosen))
        embedded.release()
    print(f"{PROJECTS * RELEASES * FILES_EACH:,} files in {PROJECTS:,} projects; granian, 2 workers of 4 threads\n")
    print(f"{'':46}{'measured':>16}{'floor':>34}{'goal':>10}")
    for row in rows:
        print(f"{row.name:46}{row.value:>16}{row.floor:>34}{row.goal:>10}")


def _fill() -> None:
    """Fill the index with projects whose files are kept here: 1 kB each."""
    ensure_indexes(DOCUMENTS)
    for number in range(PROJECTS):
        package = made_up(f"project-{number}", releases=RELEASES)
        stored, chunks = [], []
        for release in package.releases:
            for file in release.files:
                data = f"{package.name} {file.filename} ".encode() * 20
                file.sha256, file.size = hashlib.sha256(data).hexdigest(), len(data)
                file.url = own_url(file.sha256, file.filename)
                content_id = bson.ObjectId()
                chunks.append({"files_id": content_id, "n": 0, "data": data})
                known = {"size": bson.Int64(len(data)), "sha256": file.sha256, "content_id": content_id}
                owner = {"package": package.pk, "version": release.version, "state": "stored"}
                stored.append({"_id": file.filename, **owner, **known, "uploaded_at": file.uploaded_at})
        store(package)
        StoredFile._get_collection().insert_many(stored)
        contents.Chunk._get_collection().insert_many(chunks)
    site_stats.refresh()


def _measured(place: Path, uri: str, token: str, chosen: argparse.Namespace) -> Iterator[Row]:
    large = place / "large.bin"
    large.write_bytes(os.urandom(MB) * LARGE_MB)
    environment = os.environ | {"MONGODB_URI": uri, "SECRET_KEY": SECRET, "LARDER_ENV": "production"}
    environment |= {"MAX_FILE_BYTES": str(2_000 * MB), "FLOOR_FILE": str(large), "PYTHONPATH": str(place)}
    with (
        served(SITE_TARGET, SITE, environment) as server,
        served(SITE_TARGET, ANEW, environment | {"PAGE_CACHE_S": "0"}),
        served("benchmarks.floor:app", FLOOR, environment),
        _nginx(place) as nginx,
    ):
        yield from _uploads(token, chosen.seconds)
        yield from _pages(chosen.seconds)
        yield from _starts()
        yield from _large_file(token, nginx=nginx)
        yield from _memory(token, server, chosen.gigabyte)


def _uploads(token: str, seconds: float) -> Iterator[Row]:
    site = uploads_per_second(SITE, "/legacy/", token, "a", seconds)
    floor = uploads_per_second(FLOOR, "/form", token, "b", seconds)
    found = f"{floor:,.0f}/s taken, not looked at"
    yield Row(f"small uploads, {CLIENTS} clients", f"{site:,.0f}/s", found, "100/s")
    one = uploads_per_second(SITE, "/legacy/", token, "c", seconds, projects=1)
    yield Row(f"the same, all to one project, {CLIENTS} clients", f"{one:,.0f}/s")


def uploads_per_second(
    base: str, path: str, token: str, name: str, seconds: float, projects: int = 100, series: int = 1
) -> float:
    """Return how many small wheels the clients upload per second, each as a new release.

    Each client has this many `projects`, which exist already if an earlier call had the same `name`. The versions are
    those of a `series` of their own.
    """
    done = [0] * CLIENTS

    def client(number: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(base).netloc)
        for upload in range(1_000_000):
            project = f"upload-{name}-{number if projects > 1 else 0}-{upload % projects}"
            version = f"{series}.{number}.{upload}"
            form, headers = form_of(wheel_name(project, version), _small_wheel(project, version), token)
            connection.request("POST", path, form, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                sys.exit(f"an upload was answered {answer.status}: {said.decode()}")
            if time.perf_counter() > end:
                break
            done[number] += 1
        connection.close()

    end = time.perf_counter() + seconds
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


def _small_wheel(project: str, version: str) -> bytes:
    text = metadata(project, version, "Summary: Small", "Classifier: Topic :: Internet", description="# Small\n" * 20)
    return wheel(project, version, text=text, extra={"small/data.py": "x = 1\n" * 1000})


def form_of(filename: str, content: bytes, token: str) -> tuple[bytes, dict[str, str]]:
    """Return the form that uploads a file, and its headers."""
    fields = {":action": "file_upload", "protocol_version": "1", "sha256_digest": hashlib.sha256(content).hexdigest()}
    parts = [
        f'--bench\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{text}\r\n' for key, text in fields.items()
    ]
    parts.append(f'--bench\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n')
    headers = {"Content-Type": "multipart/form-data; boundary=bench", "Authorization": basic(token)}
    return "".join(parts).encode() + content + b"\r\n--bench--\r\n", headers


def _pages(seconds: float) -> Iterator[Row]:
    for path in (f"/project/{SOME}/", f"/simple/{SOME}/"):
        floor = drive(f"{FLOOR}/bare", seconds=seconds / 2, connections=CLIENTS)
        for base, kind in ((SITE, "kept"), (ANEW, "made anew")):
            drive(base + path, seconds=0.5, connections=CLIENTS)
            measured = drive(base + path, seconds=seconds / 2, connections=CLIENTS)
            beside = f"{floor.percentile(50):.2f} ms a bare view"
            yield Row(f"{path}, {kind}, p50", f"{measured.percentile(50):.2f} ms", beside, "10 ms")


def _starts() -> Iterator[Row]:
    """How long it takes from the request for a file to the first of its bytes; each file is another one."""
    files = StoredFile.objects(state="stored", size__lt=10_000).limit(500)
    paths = [own_url(file.sha256, file.filename) for file in files]
    site = [_first_byte(SITE, path)[0] for path in paths]
    floor = [_first_byte(FLOOR, "/file")[0] for _ in range(50)]
    beside = f"{statistics.median(floor) * 1000:.2f} ms of a file on the disk"
    for percent in (50, 99):
        value = sorted(site)[int(len(site) * percent / 100)] * 1000
        yield Row(f"start of a download, p{percent}", f"{value:.2f} ms", beside, "20 ms")


def _first_byte(base: str, path: str) -> tuple[float, float, int]:
    """Return the seconds to the first byte of an answer and to its last one, and its length."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc)
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    length = len(answer.read(1))
    first = time.perf_counter() - began
    if answer.status != 200:
        sys.exit(f"{base}{path} was answered {answer.status}")
    while part := answer.read(MB):
        length += len(part)
    last = time.perf_counter() - began
    connection.close()
    return first, last, length


def _large_file(token: str, *, nginx: bool) -> Iterator[Row]:
    path = _send_large(token, LARGE_MB, "large-file")[1]
    sources: dict[str, Callable[[], tuple[float, float, int]]] = {
        "GridFS": lambda: _first_byte(SITE, path),
        "WSGI": lambda: _first_byte(FLOOR, "/file"),
    }
    if nginx:
        sources["nginx"] = lambda: _first_byte(NGINX, "/large.bin")
    rates: dict[str, list[float]] = {name: [] for name in sources}
    for _ in range(3):
        for name, fetch in sources.items():
            _, seconds, length = fetch()
            rates[name].append(length / MB / seconds)
    found = {name: statistics.median(measured) for name, measured in rates.items()}
    beside = ", ".join(f"{found[name]:,.0f} {name}" for name in found if name != "GridFS")
    yield Row(f"download of {LARGE_MB} MB", f"{found['GridFS']:,.0f} MB/s", beside)


def _send_large(token: str, megabytes: int, name: str) -> tuple[float, str]:
    """Upload a wheel of so many MB; return the seconds that it took, and the path of the file."""
    content = wheel(name, extra={"noise.bin": os.urandom(MB) * megabytes})
    filename = wheel_name(name)
    form, headers = form_of(filename, content, token)
    digest = hashlib.sha256(content).hexdigest()
    del content
    connection = http.client.HTTPConnection(urlsplit(SITE).netloc, timeout=600)
    began = time.perf_counter()
    connection.request("POST", "/legacy/", form, headers)
    answer = connection.getresponse()
    said = answer.read().decode()
    if answer.status != 200:
        sys.exit(f"an upload was answered {answer.status}: {said}")
    connection.close()
    return time.perf_counter() - began, own_url(digest, filename)


def _memory(token: str, server: int, megabytes: int) -> Iterator[Row]:
    before = _peak_mb(server)
    seconds, path = _send_large(token, megabytes, "gigabyte")
    uploaded = _peak_mb(server)
    yield Row(f"upload of {megabytes} MB with all checks", f"{megabytes / seconds:,.0f} MB/s")
    began = _first_byte(SITE, path)
    yield Row(f"download of {megabytes} MB", f"{megabytes / began[1]:,.0f} MB/s")
    for name, peak in (("upload", uploaded), ("download", _peak_mb(server))):
        beside = f"{before:,.0f} MB before"
        yield Row(f"peak memory of a web process, {megabytes} MB {name}", f"{peak:,.0f} MB", beside)


def _peak_mb(server: int) -> float:
    """Return the most memory that one of the server's web processes ever had, in MB."""
    peaks = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            if int(fields["PPid"]) == server and "VmHWM" in fields:
                peaks.append(int(fields["VmHWM"].split()[0]) / 1000)
    return max(peaks)


@contextlib.contextmanager
def _nginx(place: Path) -> Iterator[bool]:
    """Serve the folder by nginx; False where it is not installed."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not program:
        yield False
        return
    settings = place / "nginx.conf"
    settings.write_text(
        f"daemon off; pid {place}/nginx.pid; error_log {place}/nginx.log; events {{}} user root;\n"
        f"http {{ access_log off; sendfile on; server {{ listen {urlsplit(NGINX).netloc}; root {place}; }} }}\n"
    )
    process = subprocess.Popen([program, "-c", str(settings), "-p", str(place)], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        yield process.poll() is None
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main()

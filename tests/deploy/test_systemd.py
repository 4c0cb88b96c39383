import re
import subprocess
from pathlib import Path

import pytest

from config import settings
from tests.deploy.conftest import DEPLOY, tool

UNITS = sorted(path.name for path in (DEPLOY / "systemd").iterdir())


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with programs that are there on this machine."""
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text()
        (tmp_path / name).write_text(re.sub(r"(?m)^(ExecStart\w*=)\S+", r"\1/bin/true", text))
    return tmp_path


@pytest.mark.parametrize("name", UNITS)
def test_unit_is_accepted_without_a_warning(units: Path, name: str) -> None:
    done = subprocess.run(
        [tool("systemd-analyze", "apt-get install systemd"), "verify", "--man=no", str(units / name)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0
    assert name not in done.stderr


@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_service_has_little_power(units: Path, name: str) -> None:
    """systemd's own measure, from 0 (none) to 10 (all); its threshold is a whole number of tenths."""
    done = subprocess.run(
        [tool("systemd-analyze", "apt-get install systemd"), "security", "--offline=true", "--threshold=20",
         str(units / name)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-300:]


@pytest.mark.parametrize("name", UNITS)
def test_every_setting_in_a_unit_is_one(name: str) -> None:
    text = (DEPLOY / "systemd" / name).read_text()
    given = re.findall(r"([A-Z_]+)=", " ".join(re.findall(r"^Environment=(.*)$", text, re.MULTILINE)))

    assert set(given) <= {*settings(), "LARDER_ENV", "PYTHONDONTWRITEBYTECODE"}

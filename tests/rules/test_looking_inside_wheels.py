"""What a wheel says about itself, and where its RECORD and its files differ."""

import ensurepip
import io
from pathlib import Path

import pytest

from tests.publishing import uploads
from webapp.rules.looking_inside import open_archive
from webapp.rules.looking_inside_wheels import WheelContents, wheel_contents

INFO = "larder_probe-1.0.dist-info"


def look(content: bytes) -> WheelContents:
    return wheel_contents(open_archive(uploads.wheel_name(), io.BytesIO(content)))


def test_tags_fields_entry_points_and_digests_are_shown() -> None:
    found = look(uploads.wheel(extra={f"{INFO}/entry_points.txt": "[console_scripts]\nprobe = larder_probe:main\n"}))

    assert found.tags == ["py3-none-any"]
    assert found.fields == [("Wheel-Version", "1.0"), ("Generator", "tests"), ("Root-Is-Purelib", "true")]
    assert found.entry_points == ["console_scripts: probe = larder_probe:main"]
    # The SHA-256 of 'VERSION = "1.0"\n', as sha256sum and base64 write it.
    assert found.digests["larder_probe.py"] == "sha256=kfSPccpbQGPCgsnC4YS-Yq3LyvPDEWioO7RxwVPtmbA"
    assert found.problems == []


def test_real_wheel_has_no_problems() -> None:
    wheel = next(iter(sorted(BUNDLED.glob("setuptools-*.whl"))), None)
    if wheel is None:
        pytest.skip("this Python brings no wheel along")
    with wheel.open("rb") as file:
        found = wheel_contents(open_archive(wheel.name, file))

    assert found.tags == ["py3-none-any"]
    assert "distutils.commands: build = setuptools.command.build:build" in found.entry_points
    assert found.problems == []


BUNDLED = Path(ensurepip.__file__).parent / "_bundled"


def test_differences_to_record_are_named() -> None:
    contents = uploads.wheel_contents()
    record = f"{INFO}/RECORD"
    contents["more.py"] = ""
    contents[record] = str(contents[record]).replace(f"{INFO}/WHEEL,sha256=", "gone.py,sha256=") + f"{INFO}/WHEEL,,\n"

    assert look(uploads.zipped(contents)).problems == [
        "RECORD does not list more.py.",
        "RECORD lists what is not in the wheel: gone.py.",
        f"RECORD has no digest of {INFO}/WHEEL.",
    ]


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        ({"a.py": ""}, "The wheel has no .dist-info/WHEEL."),
        ({"a-1.dist-info/WHEEL": "Tag: x"}, "The wheel has no RECORD."),
        ({"a-1.dist-info/WHEEL": "", "a-1.dist-info/RECORD": b"\xff"}, "The wheel's RECORD cannot be read"),
        ({"a-1.dist-info/WHEEL": "", "a-1.dist-info/RECORD": "x" * 3_000_001}, "The wheel's RECORD is too long"),
        (
            {"a-1.dist-info/WHEEL": "", "a-1.dist-info/RECORD": "a", "a-1.dist-info/entry_points.txt": "[[["},
            "RECORD does not list a-1.dist-info/WHEEL and 1 more.",
        ),
    ],
)
def test_wheel_that_no_installer_takes_is_shown_all_the_same(contents: dict[str, str | bytes], problem: str) -> None:
    assert look(uploads.zipped(contents)).problems[0].startswith(problem)

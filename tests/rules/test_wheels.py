"""RECORD and entry points of wheels: what installers rely on, and what only looks like it."""

import base64
import hashlib
import io

import pytest

from tests.publishing import uploads
from tests.publishing.uploads import wheel, wheel_name, zipped
from webapp.rules.archives import BadDistribution
from webapp.rules.distributions import examine

INFO = "larder_probe-1.0.dist-info"


def refusal(content: bytes) -> str:
    with pytest.raises(BadDistribution) as refused:
        examine(wheel_name(), io.BytesIO(content), len(content))
    return str(refused.value)


def warnings(content: bytes) -> tuple[str, ...]:
    return examine(wheel_name(), io.BytesIO(content), len(content)).warnings


def with_record(change: "dict[str, str] | str | bytes") -> bytes:
    """A wheel with another RECORD, or with other lines for some of its files; an empty line is left out."""
    contents = uploads.wheel_contents()
    if isinstance(change, dict):
        lines = str(contents[f"{INFO}/RECORD"]).splitlines()
        by_path = {line.partition(",")[0]: line for line in lines} | change
        change = "".join(f"{line}\n" for line in by_path.values() if line)
    return zipped(contents | {f"{INFO}/RECORD": change})


def digest(name: str, data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.new(name, data).digest()).rstrip(b"=").decode()


MODULE = b'VERSION = "1.0"\n'


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("", "RECORD is empty"),
        ("\n\n", "RECORD is empty"),
        (b"\xff\xfe", "RECORD cannot be read"),
        ('"larder_probe.py', "RECORD cannot be read"),
        ({"larder_probe.py": ""}, "RECORD does not list 'larder_probe.py'."),
        ({"larder_probe.py": "", f"{INFO}/WHEEL": ""}, "'larder_probe-1.0.dist-info/WHEEL' and 1 more."),
        (
            {"larder_probe.py": f"larder_probe.py,sha256={digest('sha256', b'x')},16"},
            "another digest of 'larder_probe.py'",
        ),
        ({"larder_probe.py": f"larder_probe.py,sha256={'0' * 64},16"}, "another digest of 'larder_probe.py'"),
        ({"larder_probe.py": f"larder_probe.py,md5={digest('md5', MODULE)},16"}, "a kind that is not allowed"),
        ({"larder_probe.py": f"larder_probe.py,sha1={digest('sha1', MODULE)},16"}, "a kind that is not allowed"),
        ({"larder_probe.py": "larder_probe.py,shake_128=x,16"}, "a kind that is not allowed"),
        (
            {
                "twice": f"larder_probe.py,sha256={digest('sha256', b'x')},16",
                "larder_probe.py": f"larder_probe.py,sha256={digest('sha256', MODULE)},16",
            },
            "another digest of 'larder_probe.py'",
        ),
    ],
)
def test_record_that_does_not_tell_the_truth_is_refused(record: dict[str, str] | str | bytes, reason: str) -> None:
    assert reason in refusal(with_record(record))


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512", "blake2b", "sha3_256"])
def test_record_may_use_every_digest_that_is_good_enough(name: str) -> None:
    line = f"larder_probe.py,{name}={digest(name, MODULE)},16"

    assert warnings(with_record({"larder_probe.py": line})) == ()


def test_record_that_is_odd_but_true_is_taken_with_a_warning() -> None:
    # flit 0.x wrote hexadecimal digits, for instance in ptyprocess 0.5.1.
    hexadecimal = f"larder_probe.py,sha256={hashlib.sha256(MODULE).hexdigest()},16"

    assert warnings(with_record({"larder_probe.py": hexadecimal})) == (
        "RECORD writes digests in hexadecimal, not in base64: 'larder_probe.py'.",
    )
    assert warnings(with_record({"larder_probe.py": "larder_probe.py,,"})) == (
        "RECORD has no digest of 'larder_probe.py'.",
    )
    assert warnings(with_record({"gone": "gone.py,,"})) == ("RECORD lists what is not in the wheel: 'gone.py'.",)


def test_signatures_of_a_record_need_not_be_in_it() -> None:
    contents = uploads.wheel_contents() | {f"{INFO}/RECORD.jws": "{}", f"{INFO}/RECORD.p7s": ""}

    assert warnings(zipped(contents)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "[console_scripts]\nprobe = larder_probe:main\nother=larder_probe.sub:main.run\n",
        "[console_scripts]\nprobe = larder_probe:main [extra]\n",
        "# a comment\n[gui_scripts]\nprobe.exe = larder_probe : main\n\n[some.group]\nwhatever = any text / at all\n",
        "\ufeff[console_scripts]\nprobe = larder_probe:main\n",
        "[console_scripts]\nPROBE = a:b\nprobe = a:b\n",
        "",
    ],
)
def test_entry_points_of_every_form_are_taken(text: str) -> None:
    assert warnings(wheel(extra={f"{INFO}/entry_points.txt": text})) == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("probe = larder_probe:main\n", "entry_points.txt cannot be read"),
        ("[console_scripts\nprobe = a:b\n", "entry_points.txt cannot be read"),
        ("[console_scripts]\nprobe\n", "entry_points.txt cannot be read"),
        ("[console_scripts]\nprobe = a:b\nprobe = c:d\n", "entry_points.txt cannot be read"),
        (b"[console_scripts]\nprobe = \xff:b\n", "entry_points.txt cannot be read"),
        ("[console_scripts]\nprobe = larder_probe\n", "a script that cannot be made: 'probe = larder_probe'"),
        ("[console_scripts]\nprobe = larder probe:main\n", "a script that cannot be made"),
        ("[console_scripts]\nprobe = :main\n", "a script that cannot be made"),
        ("[gui_scripts]\n../probe = a:b\n", "a script that cannot be made: '../probe = a:b'"),
        ("[gui_scripts]\n.. = a:b\n", "a script that cannot be made"),
        ("[gui_scripts]\na\\b = a:b\n", "a script that cannot be made"),
    ],
)
def test_entry_points_that_installers_cannot_read_are_refused(text: str | bytes, reason: str) -> None:
    assert reason in refusal(wheel(extra={f"{INFO}/entry_points.txt": text}))


def test_data_folder_of_another_version_is_a_warning() -> None:
    content = wheel(extra={"larder_probe-1.0.dev3.data/scripts/probe": "#!python\n"})

    assert warnings(content) == (
        (
            "Not every installer knows 'larder_probe-1.0.dev3.data' for the wheel's own .data folder, "
            "'larder_probe-1.0.data'."
        ),
    )
    assert warnings(wheel(extra={"larder_probe-1.0.data/scripts/probe": "#!python\n"})) == ()

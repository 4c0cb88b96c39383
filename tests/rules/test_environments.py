"""Which requirements apply where. The expectations are pip's: `pip install --dry-run --python-version ...`."""

import pytest
from packaging.markers import default_environment

from webapp.rules.environments import LINUX, MACOS, PLATFORMS, PYTHONS, WINDOWS, applies, environment_of, read


@pytest.mark.parametrize(
    ("text", "name", "asked", "extras", "condition"),
    [
        ("Flask", "flask", "", set(), ""),
        ("zope.interface (>=5,<6)", "zope-interface", "<6,>=5", set(), ""),
        ("requests[socks,Use_Chardet]>=2", "requests", ">=2", {"socks", "use-chardet"}, ""),
        ("colorama; sys_platform == 'win32'", "colorama", "", set(), 'sys_platform == "win32"'),
        ("a @ https://example.org/a.whl", "a", "@ https://example.org/a.whl", set(), ""),
    ],
)
def test_requirement_is_read(text: str, name: str, asked: str, extras: set[str], condition: str) -> None:
    found = read(text)

    assert found is not None
    assert found[:4] == (name, asked, frozenset(extras), condition)


@pytest.mark.parametrize(
    "text", ["", "-", "a>>1", "a; b", "x" * 2000, "a; " + "(" * 400 + "os_name == 'nt'" + ")" * 400, "a\0b"]
)
def test_what_cannot_be_read_is_none(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("condition", "python", "platform", "extras", "expected"),
    [
        ("python_version < '3.11'", "3.10", LINUX, (), True),
        ("python_version < '3.11'", "3.9", LINUX, (), True),
        ("python_version < '3.11'", "3.11", LINUX, (), False),
        ("python_full_version >= '3.13.1'", "3.13", LINUX, (), False),
        ("sys_platform == 'win32'", "3.14", WINDOWS, (), True),
        ("sys_platform == 'win32'", "3.14", MACOS, (), False),
        ("platform_system == 'Darwin' and platform_machine == 'arm64'", "3.14", MACOS, (), True),
        ("os_name == 'posix' and implementation_name == 'cpython'", "3.14", LINUX, (), True),
        ("extra == 'test'", "3.14", LINUX, (), False),
        ("extra == 'test'", "3.14", LINUX, ("test", "docs"), True),
        ("extra == 'Test_All' and python_version < '3'", "3.14", LINUX, ("test-all",), False),
        ("extra == 'Test_All'", "3.14", LINUX, ("test-all",), True),
        ("platform_release >= '20'", "3.14", LINUX, (), False),
    ],
)
def test_condition_decides(
    condition: str, python: str, platform: str, extras: tuple[str, ...], *, expected: bool
) -> None:
    needed = read(f"a; {condition}")

    assert needed is not None
    assert applies(needed, environment_of(python, platform), extras) is expected


def test_every_marker_of_the_standard_has_a_value() -> None:
    for python in PYTHONS:
        for platform in PLATFORMS:
            assert environment_of(python, platform).keys() == default_environment().keys()

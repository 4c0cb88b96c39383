from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.version import Version

from webapp.rules import naming


@pytest.mark.parametrize(
    ("name", "normalized"),
    [
        ("flask", "flask"),
        ("Flask-Login", "flask-login"),
        ("Flask_Login", "flask-login"),
        ("zope.interface", "zope-interface"),
        ("a-_.b", "a-b"),
        ("3to2", "3to2"),
        ("x", "x"),
        ("A" * 200, "a" * 200),
    ],
)
def test_every_spelling_of_a_name_has_one_normalized_form(name: str, normalized: str) -> None:
    assert naming.normalize_name(name) == normalized


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "../etc/passwd",
        "a/b",
        "a\\b",
        "-flask",
        "flask-",
        "_",
        "fl ask",
        "flask\n",
        "flask\0",
        "flask\r\nSet-Cookie: a=b",
        "flask%2e",
        "naïve",
        "\ufb02ask",  # with a ligature
        "\u017f",  # the long s, which upper() makes an "S"
        "\u212a",  # the Kelvin sign, which lower() makes a "k"
        "\u0661",  # an Arabic digit
        "<script>",
        "\ud800",
        "a" * 201,
    ],
)
def test_what_is_no_project_name_is_refused(name: str) -> None:
    with pytest.raises(naming.InvalidName):
        naming.normalize_name(name)


@given(st.text(max_size=20))
def test_a_normalized_name_is_its_own_normalized_form(text: str) -> None:
    try:
        once = naming.normalize_name(text)
    except naming.InvalidName:
        return

    assert naming.normalize_name(once) == once
    assert once.isascii()
    assert once == once.lower()


@pytest.mark.parametrize(
    ("requirement", "names"),
    [
        ("Flask", ["flask"]),
        ("zope.interface", ["zope-interface"]),
        (" Flask_Login >= 3.0, < 4", ["flask-login"]),
        ("requests[socks,security]>=2", ["requests"]),
        ("old (>=1.0)", ["old"]),
        ("pip @ https://example.org/pip.zip", ["pip"]),
        ('tomli; python_version < "3.11"', ["tomli"]),
        ("pytest>=7; extra == 'test'", []),
        ('pytest>=7; python_version > "3" and (extra == "test")', []),
        ("celery[extra]", ["celery"]),
        ("two words", []),
        ("-e .", []),
        ("", []),
        ("flask-", []),
        ("x" * 201, []),
        ("a;" + "(" * 100_000, ["a"]),
        (";" * 1_000_000, []),
        ("a" * 1_000_000 + "!", []),
    ],
    ids=lambda value: str(value)[:40],
)
def test_names_are_read_out_of_requirements(requirement: str, names: list[str]) -> None:
    assert naming.required_names([requirement]) == names


def test_project_that_is_required_twice_is_named_once() -> None:
    requirements = ['numpy>=1; python_version < "3.9"', "click", 'NumPy>=2; python_version >= "3.9"']

    assert naming.required_names(requirements) == ["numpy", "click"]


@pytest.mark.parametrize("version", ["1.0", "v1.0", "1!2.0rc1.post2.dev3+local.7", " 1.0 ", "2024.1", "1" * 200])
def test_versions_of_pep_440_are_parsed(version: str) -> None:
    assert naming.parse_version(version) == Version(version)


@pytest.mark.parametrize(
    "version", ["", "dev", "1.0-beta-2-final", "2004-01-01-x", "1.0+", "1..0", "1" * 201, "\ud800"]
)
def test_other_versions_are_not_parsed(version: str) -> None:
    assert naming.parse_version(version) is None
    assert not naming.is_prerelease(version)


@pytest.mark.parametrize("version", ["1.0a1", "1.0b2", "1.0rc3", "1.0.dev4", "1.0.post1.dev2", "1.0-alpha", "1.0c1"])
def test_alphas_betas_candidates_and_development_releases_are_prereleases(version: str) -> None:
    assert naming.is_prerelease(version)


@pytest.mark.parametrize("version", ["1.0", "1.0.post1", "1.0+rc1", "0"])
def test_other_releases_are_no_prereleases(version: str) -> None:
    assert not naming.is_prerelease(version)


numbers = st.one_of(
    st.integers(0, 12), st.integers(0, 10**40), st.sampled_from([9, 10, 99, 100, 10**24, 10**25 - 1, 10**25, 10**26])
)
local_parts = st.one_of(numbers.map(str), st.text("abyz019", min_size=1, max_size=3))


@st.composite
def versions(draw: st.DrawFn) -> str:
    """A version of PEP 440, in any of its spellings, short enough to be kept."""
    text = draw(st.sampled_from(["", "v"]))
    if draw(st.booleans()):
        text += f"{draw(numbers)}!"
    text += ".".join(str(draw(numbers)) for _ in range(draw(st.integers(1, 3))))
    if draw(st.booleans()):
        word = draw(st.sampled_from(["a", "b", "rc", "alpha", "beta", "c", "pre", "preview", "RC"]))
        text += draw(st.sampled_from(["", ".", "-", "_"])) + word + draw(st.sampled_from(["", str(draw(numbers))]))
    if draw(st.booleans()):
        text += draw(st.sampled_from(["-5", ".post", ".rev3", "-r4", f".post{draw(numbers)}"]))
    if draw(st.booleans()):
        text += draw(st.sampled_from([".dev", "dev0", f".dev{draw(numbers)}"]))
    if draw(st.booleans()):
        text += "+" + ".".join(draw(st.lists(local_parts, min_size=1, max_size=3)))
    return text if len(text) <= naming.MAX_VERSION_LENGTH else "1.0"


@given(versions(), versions())
@example("1.0", "1.0.0")
@example("1.0.dev1", "1.0a1.dev1")
@example("1.9", "1.10")
@example("1.0", "1.0+0")
@example("1.0+abc", "1.0+1")
@example("1.0+a.1", "1.0+a")
@example("0!5", "1!0")
@example("1.0.post1.dev1", "1.0")
@example("1" + "0" * 25, "9" * 25)
def test_keys_sort_as_pep_440_orders_versions(one: str, other: str) -> None:
    keys = naming.sort_key(one), naming.sort_key(other)

    if Version(one) < Version(other):
        assert keys[0] < keys[1]
    elif Version(one) == Version(other):
        assert keys[0] == keys[1]
    else:
        assert keys[0] > keys[1]


@given(versions(), versions())
def test_keys_sort_as_utf_8_in_the_order_in_which_they_sort_as_text(one: str, other: str) -> None:
    keys = naming.sort_key(one), naming.sort_key(other)

    assert (keys[0] < keys[1]) == (keys[0].encode() < keys[1].encode())


def test_the_order_that_pep_440_gives_as_its_example_is_kept() -> None:
    in_order = [
        *("1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2"),
        *("1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0+abc.7"),
        *("1.0+5", "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1"),
    ]

    keys = [naming.sort_key(version) for version in in_order]

    assert all(one < other for one, other in pairwise(keys))


@given(st.text(max_size=230), versions())
@example("1.0-final-2", "0.dev0")
@example("zzzz", "0.dev0")
@example("9" * 230, "0.dev0")
def test_what_cannot_be_parsed_sorts_below_all_that_can(text: str, version: str) -> None:
    if naming.parse_version(text) is None:
        assert naming.sort_key(text) < naming.sort_key(version)


def test_what_cannot_be_parsed_sorts_by_its_words_and_numbers() -> None:
    assert naming.sort_key("build-9-x") < naming.sort_key("build-10-x")
    assert naming.sort_key("build-9-x") == naming.sort_key("BUILD-9-X")


def latest(*releases: tuple[str, bool]) -> str:
    """The version that is shown first, of some (version, yanked)."""
    ranks = [
        naming.rank_release(version, naming.sort_key(version), yanked=yanked, prerelease=naming.is_prerelease(version))
        for version, yanked in releases
    ]
    return max(ranks).version


@pytest.mark.parametrize(
    ("releases", "expected"),
    [
        ([("1.9", False), ("1.10", False)], "1.10"),
        ([("1.0", False), ("2.0rc1", False)], "1.0"),
        ([("1.0", False), ("2.0", True)], "1.0"),
        ([("1.0a1", False), ("2.0", True)], "1.0a1"),
        ([("1.0a1", True), ("0.9", True)], "0.9"),
        ([("1.0a1", False), ("1.0a2", False)], "1.0a2"),
        ([("final", False), ("0.1", False)], "0.1"),
        ([("final", False), ("0.1a1", False)], "0.1a1"),
        ([("final", False), ("0.1", True)], "final"),
        ([("1!0.1", False), ("2024.1", False)], "1!0.1"),
        ([("1.0", False), ("1.0.post1", False), ("1.0+local", False)], "1.0.post1"),
    ],
)
def test_latest_is_not_yanked_then_stable_then_highest(releases: list[tuple[str, bool]], expected: str) -> None:
    assert latest(*releases) == expected
    assert latest(*reversed(releases)) == expected


@pytest.mark.parametrize(
    ("license", "expression", "classifiers", "expected"),
    [
        ("mit", None, [], "MIT"),
        ("BSD", "apache-2.0 or mit", [], "Apache-2.0 OR MIT"),
        ("BSD 3-Clause License", None, [], "BSD-3-Clause"),
        ("mit license", None, [], "MIT"),
        ("Our Own License 7", None, [], "Our Own License 7"),
        (" ISC \n", None, [], "ISC"),
        ("", None, ["Topic :: Internet", "License :: OSI Approved :: MIT License"], "MIT"),
        ("UNKNOWN", None, ["License :: Public Domain"], "Public Domain"),
        ("Permission is hereby granted...\n" * 9, None, ["License :: OSI Approved :: ISC"], "ISC"),
        ("two\nlines", None, [], None),
        ("x" * 64, None, [], "x" * 64),
        ("x" * 65, None, [], None),
        (None, "", [], None),
    ],
)
def test_a_licence_is_listed_under_its_shortest_name(
    license: str | None, expression: str | None, classifiers: list[str], expected: str | None
) -> None:
    assert naming.license_id(license, expression, classifiers) == expected


@given(st.one_of(st.text(max_size=70), st.text("()+ANDORWITH mit-2.0:", max_size=70)))
@example("(" * 60)
@example("MIT AND")
@example("()")
def test_no_licence_text_is_too_odd(text: str) -> None:
    found = naming.license_id(text, text, [f"License :: {text}"])

    assert found is None or found.strip()


@pytest.mark.parametrize(
    ("classifier", "expected"),
    [
        ("Programming Language :: Python", "python"),
        ("Programming Language :: Python :: 3.4", "python-3.4"),
        ("Programming Language :: Python :: 3 :: Only", "python-3-only"),
        ("Programming Language :: C", "c"),
        ("Programming Language :: C++", "c++"),
        ("Programming Language :: C#", "c#"),
        ("Programming Language :: Unix Shell", "unix-shell"),
        ("Programming Language :: ", None),
        ("Programming Language :: ///", None),
        ("Programming Language", None),
        ("Topic :: Internet", None),
        ("", None),
    ],
)
def test_the_id_of_a_language_keeps_what_tells_languages_apart(classifier: str, expected: str | None) -> None:
    assert naming.language_id(classifier) == expected

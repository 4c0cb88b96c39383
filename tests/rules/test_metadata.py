"""Core metadata: old ones are taken as installers take them, new ones must be valid."""

import io

import pytest

from tests.publishing import uploads
from tests.publishing.uploads import sdist, sdist_name, wheel, wheel_name
from webapp.changes.core_metadata import package_from_metadata
from webapp.rules.archives import BadDistribution
from webapp.rules.distributions import examine

INFO = "larder_probe-1.0.dist-info"


def text(version: str, *lines: str, description: str = "") -> str:
    head = [f"Metadata-Version: {version}", "Name: larder-probe", "Version: 1.0", *lines]
    return "\n".join(head) + f"\n\n{description}"


def warnings_of_wheel(metadata: str, extra: dict[str, str] | None = None) -> tuple[str, ...]:
    content = wheel(text=metadata, extra=extra)
    return examine(wheel_name(), io.BytesIO(content), len(content)).warnings


def warnings_of_sdist(metadata: str | bytes) -> tuple[str, ...]:
    content = sdist(text=metadata)
    return examine(sdist_name(), io.BytesIO(content), len(content)).warnings


# What published files say; the projects in the comments are installed by pip and uv.
OLD = {
    "2.0, as wheel wrote it before 0.31 (six 1.10.0)": text("2.0", "Summary: x"),
    "2.0 with an odd extra (pyserial 3.5)": text("2.0", "Provides-Extra: a b"),
    "2.3 with License-Expression (docker 7.1.0)": text("2.3", "License-Expression: MIT"),
    "2.1 with License-Expression (iniconfig 2.0.0)": text("2.1", "License-Expression: MIT"),
    "content type UNKNOWN (Django 1.11.10)": text("2.1", "Description-Content-Type: UNKNOWN"),
    "1.0 with Classifier (termcolor 1.1.0)": text("1.0", "Classifier: Programming Language :: Python"),
    "1.0 with Download-URL": text("1.0", "Download-URL: https://example.org/"),
    "1.2 with Description-Content-Type": text("1.2", "Description-Content-Type: text/markdown"),
    "Requires-Python with a star": text("2.1", "Requires-Python: >=3.6.*"),
    "Requires-Python in quotes (shellingham 1.0)": text("2.1", "Requires-Python: >= '2.7'"),
    "two descriptions": text("2.1", "Description: x", description="y"),
    "a summary of two lines": text("2.1", "Summary: x\n        y"),
    "a star where none can be": text("2.1", "Requires-Dist: six (>=1.*)"),
    "a comparison of old": text("2.1", "Requires-Dist: pytz (>dev)"),
    "a comma too few": text("2.1", "Requires-Dist: a (>=7.2.0<8.0.0) ; python_version < '3'"),
    "a tilde too many": text("2.1", "Requires-Dist: jupyter-core[x] (!=~5.0,>=4.12)"),
    "a stray quote (boto3 1.2.0)": text("2.0", "Requires-Dist: botocore>=1.3.0,<1.4.0',"),
}


@pytest.mark.parametrize("kind", OLD)
def test_old_metadata_that_installers_take_are_taken_with_a_warning(kind: str) -> None:
    in_wheel, in_sdist = warnings_of_wheel(OLD[kind]), warnings_of_sdist(OLD[kind])

    assert in_wheel == in_sdist
    assert in_wheel
    assert all(each.startswith("Metadata: ") for each in in_wheel)


@pytest.mark.parametrize("kind", OLD)
def test_new_metadata_with_the_same_mistakes_are_refused(kind: str) -> None:
    new = OLD[kind].replace(OLD[kind].partition("\n")[0], "Metadata-Version: 2.4")
    # What was only too early, or only in 2.0, is right by now.
    if any(each in kind for each in ("1.0 ", "1.2 ", "License-Expression", "as wheel wrote it")):
        assert warnings_of_wheel(new) == ()
        return

    with pytest.raises(BadDistribution, match="The metadata is not valid"):
        warnings_of_wheel(new)


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"])
def test_metadata_of_every_version_are_taken(version: str) -> None:
    assert warnings_of_wheel(text(version, "Summary: Probes")) == ()


def test_nobody_is_warned_of_what_is_everywhere() -> None:
    assert warnings_of_wheel(text("2.1", "License-File: LICENSE", "X-Own: field")) == ()


@pytest.mark.parametrize(
    "metadata",
    [
        text("3.0"),
        text("x"),
        "Name: larder-probe\nVersion: 1.0\n",
        text("2.1", "Name: other"),
        text("2.1", "Version: 2.0"),
        text("2.1", "Requires-Dist: a b"),
        text("2.1", "Requires-Dist: a (>=1.0; python_version < '3'"),
        text("2.1", "Requires-Dist: six (>=1.*); nonsense"),
        text("2.1", "Requires-Dist: a >="),
    ],
)
def test_old_metadata_of_a_wheel_that_no_installer_reads_are_refused(metadata: str) -> None:
    with pytest.raises(BadDistribution, match="The metadata is not valid"):
        warnings_of_wheel(metadata)


def test_installers_do_not_read_the_metadata_of_an_old_sdist() -> None:
    assert len(warnings_of_sdist(text("2.1", "Requires-Dist: a b"))) == 1
    assert len(warnings_of_sdist("Name: larder-probe\nVersion: 1.0\n")) == 1
    with pytest.raises(BadDistribution, match="'name' has invalid data"):
        warnings_of_sdist(text("2.1", "Name: other"))


def test_wheel_with_metadata_that_are_not_utf_8_is_refused() -> None:
    content = wheel(text=text("2.1").encode() + b"\xfc")

    with pytest.raises(BadDistribution, match="not in UTF-8"):
        examine(wheel_name(), io.BytesIO(content), len(content))


LICENSED = text("2.4", "License-Expression: MIT", "License-File: LICENSE", "License-File: third/NOTICE.txt")


def test_license_files_stand_where_pep_639_puts_them() -> None:
    files = {f"{INFO}/licenses/LICENSE": "MIT", f"{INFO}/licenses/third/NOTICE.txt": ""}

    assert warnings_of_wheel(LICENSED, files) == ()


@pytest.mark.parametrize("missing", ["LICENSE", "third/NOTICE.txt"])
def test_license_file_that_is_not_in_the_wheel_is_refused(missing: str) -> None:
    files = {f"{INFO}/licenses/LICENSE": "MIT", f"{INFO}/licenses/third/NOTICE.txt": ""}
    files[f"{INFO}/{missing}"] = files.pop(f"{INFO}/licenses/{missing}")

    with pytest.raises(BadDistribution, match=f"License-File that is not in the archive.*{missing}"):
        warnings_of_wheel(LICENSED, files)


def test_license_files_of_an_sdist_stand_in_its_folder() -> None:
    with pytest.raises(BadDistribution, match=r"larder_probe-1\.0/LICENSE"):
        warnings_of_sdist(text("2.4", "License-File: LICENSE"))
    assert warnings_of_sdist(text("2.4", "License-File: setup.py")) == ()


def test_license_beside_license_expression_is_refused_in_new_metadata() -> None:
    both = ("License: MIT", "License-Expression: MIT")

    with pytest.raises(BadDistribution, match="both License and License-Expression"):
        warnings_of_wheel(text("2.4", *both))
    assert warnings_of_wheel(text("2.3", *both))


def test_license_classifier_beside_license_expression_is_warned_about() -> None:
    lines = ("License-Expression: MIT", "Classifier: License :: OSI Approved :: MIT License")

    [warning] = warnings_of_wheel(text("2.4", *lines))

    assert "'License :: OSI Approved :: MIT License'" in warning


def test_old_metadata_with_too_much_are_taken_and_shown_in_part() -> None:
    # SE 2.3 has a whole list as one classifier; pip and uv install it.
    classifiers = [f"Classifier: Topic :: {number}" for number in range(300)]
    lines = (f"Summary: {'x' * 2000}", f"Classifier: {'y' * 240}", *classifiers)

    said, package = warnings_of_sdist(text("1.1", *lines)), package_from_metadata(text("1.1", *lines))

    assert all("The rest is left out." in each for each in said)
    assert len(said) == 2
    assert (len(package.summary), len(package.classifiers)) == (1000, 200)
    assert package.classifiers[0] == "Topic :: 0"


def test_warnings_are_few_and_short() -> None:
    content = uploads.wheel(text=text("2.1", *[f"Requires-Python: {'x' * 5000}"], f"Summary: {'y' * 900}\n z"))

    found = examine(wheel_name(), io.BytesIO(content), len(content)).warnings

    assert all(len(each) <= 300 for each in found)


HOSTILE = ("a" + " >=1   " * 5000 + "!", "a (" + ">=1," * 5000, "a >=" + "1." * 20_000 + "!", "a[" + "b," * 20_000)


@pytest.mark.parametrize("requirement", HOSTILE, ids=("blanks", "clauses", "digits", "extras"))
def test_no_requirement_takes_long_to_judge(requirement: str) -> None:
    # An expression that tries again what it gave back would not be through today.
    with pytest.raises(BadDistribution):
        warnings_of_wheel(text("2.1", f"Requires-Dist: {requirement}"))

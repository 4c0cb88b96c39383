"""The version of a release, from the name of its file; `verify` finds the same in its own way."""

import pytest
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from migrations_sql_to_mongo.verify.versions import version_of
from migrations_sql_to_mongo.versions import file_of, recover
from tests.migrations_sql_to_mongo.file_names import made_up
from webapp.rules.naming import parse_version

FILES = "https://files.pythonhosted.org/packages/aa/bb/cc/"


@pytest.mark.parametrize(
    ("package", "filename", "numbers", "version", "packagetype"),
    [
        ("flask", "flask-1.0.2.tar.gz", (1, 0, 2), "1.0.2", "sdist"),
        ("pytz", "pytz-2004b.tar.gz", (None, None, None), "2004b", "sdist"),
        ("pytz", "pytz-2004b-2.zip", (0, 0, 0), "2004b-2", "sdist"),
        ("psycopg2", "psycopg2-2.7.3.2.tar.gz", (0, 0, 0), "2.7.3.2", "sdist"),
        ("scipy", "scipy-1.1.0rc1.tar.gz", (1, 1, None), "1.1.0rc1", "sdist"),
        ("selenium", "selenium-2.0-rc-2.tar.gz", (None, None, None), "2.0-rc-2", "sdist"),
        ("boto", "boto-1.9b.tar.gz", (1, None, None), "1.9b", "sdist"),
        ("paramiko", "paramiko-0.9-ivysaur.zip", (0, None, None), "0.9-ivysaur", "sdist"),
        ("paramiko", "paramiko-0.9-ivysaur.zip", (0, 9, 0), "0.9.0", "sdist"),
        ("zope.interface", "zope_interface-4.0-cp27-none-win32.whl", (4, 0, 0), "4.0", "bdist_wheel"),
        ("foo-bar", "Foo_Bar-1.0-py2.7.egg", (1, 0, 0), "1.0", "bdist_egg"),
        ("foo", "foo-1.0.win32-py2.7.exe", (1, 0, 0), "1.0", "bdist_wininst"),
        ("foo", "foo-1.0.win-amd64-py2.7.msi", (1, 0, 0), "1.0", "bdist_msi"),
        ("foo", "foo-1.0.linux-x86_64.tar.gz", (1, 0, 0), "1.0", "bdist_dumb"),
        ("foo", "foo-1.0.sunos-5.10.tar.gz", (1, 0, 0), "1.0", "bdist_dumb"),
        ("foo", "foo-1.0-1.noarch.rpm", (1, 0, 0), "1.0", "bdist_rpm"),
        # A local version may hold dots and dashes by PEP 440, but what follows it here is a platform.
        ("torch", "torch-2.0.1+cu118-cp310-cp310-linux_x86_64.whl", (2, 0, 1), "2.0.1+cu118", "bdist_wheel"),
        ("torch", "torch-2.0.1%2Bcu118-cp310-cp310-linux_x86_64.whl", (0, 0, 0), "2.0.1+cu118", "bdist_wheel"),
        ("torch", "torch-2.0.1+cu118-py3.8-win-amd64.egg", (2, 0, 1), "2.0.1+cu118", "bdist_egg"),
        ("torch", "torch-2.0.1+cu118.win-amd64-py3.8.exe", (2, 0, 1), "2.0.1+cu118", "bdist_wininst"),
        ("torch", "torch-2.0.1+cu118.linux-x86_64.tar.gz", (2, 0, 1), "2.0.1+cu118", "bdist_dumb"),
        ("torch", "torch-2.0.1+linux.tar.gz", (2, 0, 1), "2.0.1+linux", "sdist"),
        ("foo", "foo-1.0-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", (1, 0, 0), "1.0", "bdist_wheel"),
        # All that follows the package's own name is its version, read from the left.
        ("cloud-kiln", "cloud-kiln-2004-05-06.tar.gz", (None, None, None), "2004-05-06", "sdist"),
        ("cloud-kiln", "cloud-kiln-2004-05-06.tar.gz", (6, 0, 0), "6.0.0", "sdist"),
        ("cloud-kiln", "cloud_kiln-2004-05.tar.gz", (2004, 5, 0), "2004-05", "sdist"),
        ("foo", "foo-bar-1.5.tar.gz", (1, 5, 0), "1.5", "sdist"),
        ("py3.1_linux", "py3--1.linux-1.5.tar.gz", (1, 5, 0), "1.5", "bdist_dumb"),
        ("foo", "foo-1.0.tar.gz#md5=123", (1, 0, 0), "1.0", "sdist"),
        ("foo", "foo-1.0%2Blocal.zip", (1, 0, 0), "1.0+local", "sdist"),
        ("pil", "Imaging-1.1.7.tar.gz", (1, 1, 7), "1.1.7", "sdist"),
        ("pil", "Imaging-1.1.7.tar.gz", (0, 0, 0), "1.1.7", "sdist"),
        ("pil", "other-9.9.9.tar.gz", (1, 1, 7), "1.1.7", "sdist"),
        ("foo", "foo-1.0-beta1.tar.gz", (1, 0, None), "1.0-beta1", "sdist"),
        ("foo", "download.html", (3, 2, 1), "3.2.1", None),
        ("foo", ".tar.gz", (3, 2, None), "3.2.0", None),
        ("foo", "", (None, None, None), "0.0.0", None),
        ("foo", "foo-.tar.gz", (0, 0, 0), "0.0.0", "sdist"),
        ("foo", "foo.tar.gz", (0, 0, 0), "0.0.0", "sdist"),
    ],
)
def test_version_is_recovered(
    package: str,
    filename: str,
    numbers: tuple[int | None, int | None, int | None],
    version: str,
    packagetype: str | None,
) -> None:
    file = file_of(FILES + filename)

    assert recover(package, file, *numbers) == version
    assert (file.packagetype if file else None) == packagetype
    assert version_of(package, FILES + filename, *numbers) == (version, file.filename if file else None, packagetype)


def test_release_without_url_has_its_numbers() -> None:
    assert file_of(None) is None
    assert recover("foo", None, 1, None, 3) == "1.0.3"
    assert version_of("foo", None, 1, None, 3) == ("1.0.3", None, None)


def test_names_that_packaging_parses_have_the_version_that_it_finds() -> None:
    checked = 0
    for release in made_up(5_000, seed=19):
        file = file_of(release.url)
        try:
            if file and file.packagetype == "bdist_wheel":
                name, version, *_ = parse_wheel_filename(file.filename)
            elif file and file.packagetype == "sdist" and file.extension in (".tar.gz", ".zip"):
                name, version = parse_sdist_filename(file.filename)
            else:
                continue
        except ValueError:
            continue
        if name == canonicalize_name(release.package):
            checked += 1
            assert parse_version(recover(release.package, file, *release.numbers)) == version, file
    assert checked > 250

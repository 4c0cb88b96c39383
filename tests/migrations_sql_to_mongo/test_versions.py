"""The version of a release, from the name of its file; `verify` finds the same in its own way."""

import pytest

from migrations_sql_to_mongo.verify.versions import version_of
from migrations_sql_to_mongo.versions import file_of, recover

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

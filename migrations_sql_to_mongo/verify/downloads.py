"""`downloads`: each names the version of its release."""

from migrations_sql_to_mongo.rows import Row
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.conversions import key
from migrations_sql_to_mongo.verify.files import kind_of_file
from migrations_sql_to_mongo.verify.findings import Expected
from migrations_sql_to_mongo.verify.rules import name_of
from migrations_sql_to_mongo.verify.versions import version_of


def expected_download(context: Context, _: str, row: Row, __: bytes) -> Expected:
    """Return the document expected for a row."""
    sql_id, created, package_id, release_id, address, agent, *of_release = row
    of_package, url, major, minor, build, version, filename = of_release
    odd: Expected = {}
    expected: Expected = {"_id": context.id_of("downloads", sql_id)}
    expected["created_date"] = context.date("downloads", "created_date", created, odd)
    expected["package"] = name_of(context.text(package_id))
    expected["version"] = None
    if isinstance(version, str) and version:
        expected["version"] = version.strip()
    elif isinstance(of_package, str) and (url is None or isinstance(url, str)):
        link = filename if isinstance(filename, str) and kind_of_file(filename) else url
        numbers = [number if isinstance(number, int) else None for number in (major, minor, build)]
        expected["version"] = version_of(of_package, link, *numbers)[0]
    expected |= {"ip_address": context.text(address), "user_agent": context.text(agent)}
    expected["legacy"] = {"package_id": context.text(package_id), "release_id": key(context.text, release_id), **odd}
    if not f"{expected['_id']}".isdigit():
        expected["legacy"]["sql_id"] = key(context.text, sql_id)
    return expected

import re
from pathlib import Path

import pytest
from flask import Flask

import config
from config import BadConfig, Config, config_from_environment
from webapp import create_app

DOCS = Path(config.__file__).with_name("docs") / "settings.md"
LONG_SECRET = "x" * 32


def documented() -> dict[str, str]:
    """The settings listed in docs/settings.md, with their defaults: | `NAME` | `default` or empty | meaning |."""
    rows = re.findall(r"^\|\s*`([A-Z0-9_]+)`\s*\|\s*([^|]*?)\s*\|[^|]+\|\s*$", DOCS.read_text("utf-8"), re.MULTILINE)
    names = [name for name, _ in rows]
    assert len(names) == len(set(names))
    return dict(rows)


def shown(default: str | int) -> str:
    """A default as the table shows it."""
    if default == "":
        return "empty"
    return f"`{str(default).removeprefix(f'{config.ROOT}/')}`"


def test_docs_list_exactly_the_settings_that_there_are() -> None:
    assert set(documented()) == {"LARDER_ENV", *config.settings()}


@pytest.mark.parametrize("name", [name for name in config.settings() if name != "SECRET_KEY"])
def test_docs_tell_the_default_of_each_setting(name: str) -> None:
    # Numbers may be grouped for the reader.
    told = re.sub(r"(?<=\d)[,_](?=\d{3})", "", documented()[name])

    assert told.split(" ")[0].rstrip(",;") == shown(getattr(Config, name))


def test_docs_tell_the_default_environment() -> None:
    assert documented()["LARDER_ENV"] == "`development`"
    assert config_from_environment({}).__name__ == "DevelopmentConfig"


@pytest.mark.parametrize("name", config.settings())
def test_every_setting_is_read_from_the_environment(name: str) -> None:
    is_number = isinstance(getattr(Config, name), int)

    made = config_from_environment({name: "77" if is_number else "seventy-seven"})

    assert getattr(made, name) == (77 if is_number else "seventy-seven")


@pytest.mark.parametrize("name", ["development", "testing", "production"])
def test_environment_chooses_the_configuration(name: str) -> None:
    made = config_from_environment({"LARDER_ENV": name, "SITE_NAME": "Pantry", "PATH": "/bin", "TESTING": "1"})

    assert issubclass(made, config.CONFIGURATIONS[name])
    assert made.SITE_NAME == "Pantry"
    assert not hasattr(made, "PATH")
    assert getattr(made, "TESTING", False) is (name == "testing")


@pytest.mark.parametrize("name", ["", "prod", "Production", "development "])
def test_unknown_environment_is_refused_by_name(name: str) -> None:
    with pytest.raises(BadConfig, match=f"LARDER_ENV is '{name}'; expected one of development, testing, production"):
        config_from_environment({"LARDER_ENV": name})


@pytest.mark.parametrize("name", [name for name in config.settings() if isinstance(getattr(Config, name), int)])
@pytest.mark.parametrize("text", ["many", "1.5", "5s", "0x10"])
def test_setting_that_is_no_number_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(BadConfig, match=f"{name} is '{text}'; expected a whole number"):
        config_from_environment({name: text})


@pytest.mark.parametrize("environment", config.CONFIGURATIONS)
@pytest.mark.parametrize("name", [name for name in config.settings() if name not in config.MAY_BE_EMPTY])
def test_setting_without_a_value_is_as_if_it_were_not_there(name: str, environment: str) -> None:
    without = config_from_environment({"LARDER_ENV": environment})

    made = config_from_environment({"LARDER_ENV": environment, name: ""})

    assert getattr(made, name) == getattr(without, name)


def test_limit_without_a_value_is_none() -> None:
    made = config_from_environment({"SEARCH_LIMIT": "", "SUGGESTION_LIMIT": ""})

    assert (made.SEARCH_LIMIT, made.SUGGESTION_LIMIT) == ("", "")


def production(**environ: str) -> type[Config]:
    return config_from_environment({"LARDER_ENV": "production"} | environ)


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"MONGODB_URI": "mongodb://127.0.0.1/x"}, "SECRET_KEY"),
        ({"MONGODB_URI": "mongodb://127.0.0.1/x", "SECRET_KEY": ""}, "SECRET_KEY"),
        ({"MONGODB_URI": "mongodb://127.0.0.1/x", "SECRET_KEY": "x" * 31}, "SECRET_KEY"),
        ({"MONGODB_URI": "mongodb://127.0.0.1/x", "SECRET_KEY": Config.SECRET_KEY}, "SECRET_KEY"),
        ({"MONGODB_URI": "mongodb://127.0.0.1/x", "SECRET_KEY": config.TestingConfig.SECRET_KEY}, "SECRET_KEY"),
        ({"SECRET_KEY": LONG_SECRET}, "MONGODB_URI"),
        ({"SECRET_KEY": LONG_SECRET, "MONGODB_URI": ""}, "MONGODB_URI"),
        ({"SECRET_KEY": LONG_SECRET, "MONGODB_URI": "mongodb://127.0.0.1/x", "MAIL_SERVER": "localhost"}, "SITE_URL"),
    ],
    ids=str,
)
def test_production_does_not_start_without_a_secret_a_database_and_an_address_of_its_own(
    environ: dict[str, str], reason: str
) -> None:
    with pytest.raises(BadConfig, match=f"production .*needs .*{reason}"):
        create_app(production(**environ))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SITE_URL", "packages.example.org", "expected an address such as https://packages.example.org"),
        ("SITE_URL", "//packages.example.org", "expected an address"),
        ("SITE_URL", "ftp://packages.example.org", "expected an address"),
        ("SITE_URL", "https://", "expected an address"),
        ("SITE_URL", "https://packages.example.org:port", "expected an address"),
        ("SITE_URL", "https://packages.example.org/?x", "expected an address"),
        ("MONGODB_POOL", "0", "MONGODB_POOL is 0; it must be at least 1"),
        ("MONGODB_TIMEOUT_MS", "0", "MONGODB_TIMEOUT_MS is 0; it must be at least 1"),
    ],
)
def test_value_that_cannot_work_is_refused(name: str, value: str, message: str) -> None:
    environ = {"SECRET_KEY": LONG_SECRET, "MONGODB_URI": "mongodb://127.0.0.1/x", name: value}

    with pytest.raises(BadConfig, match=message):
        create_app(production(**environ))


def test_message_about_a_secret_does_not_tell_it() -> None:
    with pytest.raises(BadConfig) as refused:
        create_app(production(MONGODB_URI="mongodb://ada:pass@127.0.0.1/x", SECRET_KEY="hunter2"))

    assert "hunter2" not in str(refused.value)
    assert "pass" not in str(refused.value)


def test_settings_reach_the_application(app: Flask) -> None:
    assert app.config["TESTING"] is True
    assert app.config["PAGE_CACHE_S"] == 0
    assert app.extensions["page_cache"] is None
    for name in config.settings():
        assert name in app.config

"""TRUSTED_ISSUERS and TRUSTED_AUDIENCE."""

import pytest
from flask import Flask

from config import BadConfig, TestingConfig
from webapp import trusted


@pytest.mark.parametrize(
    ("settings", "audience"),
    [
        ({"SITE_URL": "https://packages.example.org/x"}, "packages.example.org"),
        ({"SITE_URL": "https://packages.example.org", "TRUSTED_AUDIENCE": "larder"}, "larder"),
    ],
)
def test_audience_is_the_host_of_the_site(settings: dict[str, str], audience: str) -> None:
    site = Flask("another")
    site.config.from_object(TestingConfig)
    site.config |= {"TRUSTED_ISSUERS": "https://gitlab.com, https://gitlab.example.org", **settings}

    trusted.init_app(site)

    assert site.extensions["trusted_audience"] == audience
    assert list(site.extensions["trusted_issuers"]) == ["https://gitlab.com", "https://gitlab.example.org"]


def test_issuers_without_an_audience_are_refused_at_the_start() -> None:
    site = Flask("another")
    site.config.from_object(TestingConfig)
    site.config["TRUSTED_ISSUERS"] = "https://gitlab.com"

    with pytest.raises(BadConfig, match="TRUSTED_ISSUERS needs SITE_URL, or TRUSTED_AUDIENCE"):
        trusted.init_app(site)

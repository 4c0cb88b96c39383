import pytest
from packaging.licenses import canonicalize_license_expression

from webapp.rules.license_names import _NAMES, _WRITTEN, license_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("MIT", "MIT"),
        ("MIT License", "MIT"),
        ("The MIT License", "MIT"),
        ("The MIT License (MIT)", "MIT"),
        ("Expat licence", "MIT"),
        ("Apache 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache Software License 2.0", "Apache-2.0"),
        ("apache-2.0", "Apache-2.0"),
        ("BSD 3-Clause License", "BSD-3-Clause"),
        ("new BSD License", "BSD-3-Clause"),
        ("BSD", "BSD License"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("GNU GPL v3", "GPL-3.0-only"),
        ("GPL-3.0", "GPL-3.0-only"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
        ("LGPLv2.1", "LGPL-2.1-only"),
        ("GNU LGPL", "GNU Library or Lesser General Public License (LGPL)"),
        ("PSF license", "PSF-2.0"),
        ("mit or apache-2.0", "MIT OR Apache-2.0"),
    ],
)
def test_texts_that_mean_one_licence_have_its_name(text: str, name: str) -> None:
    assert license_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "Our own",
        "Amazon Software License",
        "BSD-like",
        "GPL (>= 2)",
        "лицензия MIT",
        "BSD or Apache License, Version 2.0",
        "ASL",
        "License",
        "",
        ".",
    ],
)
def test_texts_that_may_mean_several_or_none_stay_as_they_are(text: str) -> None:
    assert license_name(text) == text


def test_table_has_names_of_spdx_and_no_text_stands_for_two() -> None:
    for name, texts in _WRITTEN.items():
        assert {license_name(text) for text in (name, *texts)} == {name}
        if " " not in name:
            assert canonicalize_license_expression(name) == name
    assert frozenset() not in _NAMES

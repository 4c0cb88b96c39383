"""One name for each licence, however authors write it. Pure functions: no Flask, no MongoDB."""

import re
from functools import lru_cache

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

# What authors and classifiers write, where it means one licence of SPDX. Only the words count, in any order: see
# `_key`. Source for the classifiers: PEP 639, "Mapping license classifiers to SPDX identifiers".
_WRITTEN = {
    "AGPL-3.0-only": (
        "AGPLv3",
        "GNU Affero General Public License v3",
        "GNU Affero General Public License v3 (AGPLv3)",
    ),
    "AGPL-3.0-or-later": ("AGPLv3+", "GNU Affero General Public License v3 or later (AGPLv3+)"),
    "Apache-2.0": ("Apache 2", "ASL 2"),
    "BlueOak-1.0.0": ("Blue Oak Model License (BlueOak-1.0.0)",),
    "BSD-2-Clause": ("2-Clause BSD", "Simplified BSD", "FreeBSD"),
    "BSD-3-Clause": ("3-Clause BSD", "New BSD", "Modified BSD", "Revised BSD"),
    "BSL-1.0": ("Boost 1.0", "Boost Software License 1.0 (BSL-1.0)"),
    "CC0-1.0": ("CC0", "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication"),
    "EPL-2.0": ("Eclipse Public License 2.0", "Eclipse Public License 2.0 (EPL-2.0)"),
    "EUPL-1.2": ("European Union Public Licence 1.2", "European Union Public Licence 1.2 (EUPL 1.2)"),
    "GPL-2.0-only": ("GPLv2", "GNU General Public License v2", "GNU General Public License v2 (GPLv2)"),
    "GPL-2.0-or-later": ("GPLv2+", "GPLv2 or later", "GNU General Public License v2 or later (GPLv2+)"),
    "GPL-3.0-only": ("GPLv3", "GNU General Public License v3", "GNU General Public License v3 (GPLv3)"),
    "GPL-3.0-or-later": ("GPLv3+", "GPLv3 or later", "GNU General Public License v3 or later (GPLv3+)"),
    "ISC": ("ISC License", "ISC License (ISCL)"),
    "LGPL-2.1-only": ("LGPLv2.1", "GNU Lesser General Public License v2.1"),
    "LGPL-2.1-or-later": ("LGPLv2.1+", "LGPLv2.1 or later"),
    "LGPL-3.0-only": (
        "LGPLv3",
        "GNU Lesser General Public License v3",
        "GNU Lesser General Public License v3 (LGPLv3)",
    ),
    "LGPL-3.0-or-later": ("LGPLv3+", "LGPLv3 or later", "GNU Lesser General Public License v3 or later (LGPLv3+)"),
    "MIT": ("MIT License", "Expat License", "MIT/Expat"),
    "MIT-0": ("MIT No Attribution License (MIT-0)",),
    "MPL-1.1": ("Mozilla Public License 1.1", "Mozilla Public License 1.1 (MPL 1.1)"),
    "MPL-2.0": ("MPL 2", "Mozilla Public License 2.0", "Mozilla Public License 2.0 (MPL 2.0)"),
    "MulanPSL-2.0": ("Mulan Permissive Software License v2 (MulanPSL-2.0)",),
    "PSF-2.0": ("PSF", "PSFL", "Python Software Foundation License"),
    "Unlicense": ("Unlicense", "The Unlicense (Unlicense)"),
    "UPL-1.0": ("Universal Permissive License (UPL)",),
    "ZPL-2.1": ("Zope Public License 2.1",),
    "Zlib": ("zlib/libpng License",),
    # Which version is meant is unknown: these are the names of classifiers.
    "Apache Software License": ("Apache",),
    "BSD License": ("BSD",),
    "GNU General Public License (GPL)": ("GPL", "GNU General Public License"),
    "GNU Library or Lesser General Public License (LGPL)": ("LGPL", "GNU Lesser General Public License"),
    "Zope Public License": ("ZPL",),
}
_SAYS_NOTHING = {"a", "an", "gnu", "licence", "license", "licensed", "software", "the", "under", "version"}
_WORDS = re.compile(r"[\w.+<>=~!&|*]+")
_VERSIONED = re.compile(r"(?<=[a-z])[-\s]?v?(?=[0-9])")
_WHOLE = re.compile(r"(?<![0-9.])v?([0-9]+)(?:\.0)*(?![0-9.])")


def _key(text: str) -> frozenset[str]:
    """Return the words that tell licences apart: "The GNU GPL, version 3.0" and "gplv3" -> {"gpl", "3"}."""
    spaced = _WHOLE.sub(r"\1", _VERSIONED.sub(" ", text.casefold()))
    words = (word.strip(".") for word in _WORDS.findall(spaced))
    return frozenset(word for word in words if word and word not in _SAYS_NOTHING)


_NAMES = {_key(text): name for name, texts in _WRITTEN.items() for text in (name, *texts)}


@lru_cache(maxsize=2000)
def license_name(text: str) -> str:
    """Return the name of SPDX for a licence or an expression, if the text means one: "The MIT License" -> "MIT".

    A licence whose version is not said has the name of its classifier: "BSD" -> "BSD License". Other text is returned
    as it is.
    """
    if known := _NAMES.get(_key(text)):
        return known
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return text

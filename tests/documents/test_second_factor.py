"""What can be a second factor."""

import pytest
from mongoengine.errors import ValidationError

from webapp.documents.second_factor import RecoveryCode, SecondFactor


@pytest.mark.parametrize("kind", ["app", "passkey"])
def test_app_and_passkey_are_second_factors(kind: str) -> None:
    SecondFactor(factor_id="1", kind=kind).validate()


@pytest.mark.parametrize("fields", [{"factor_id": "1", "kind": "sms"}, {"factor_id": "1"}, {"kind": "app"}])
def test_other_kinds_and_factors_without_an_id_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SecondFactor(**fields).validate()


def test_recovery_code_has_a_digest() -> None:
    RecoveryCode(digest="a" * 64).validate()

    with pytest.raises(ValidationError, match="digest"):
        RecoveryCode().validate()

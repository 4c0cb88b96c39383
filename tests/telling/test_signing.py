"""Signatures, as Standard Webhooks says."""

import base64

from webapp.telling.signing import headers_of, new_secret

# Another implementation made this one: the test of the libraries of Standard Webhooks.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_signature_is_that_of_other_implementations() -> None:
    headers = headers_of("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY, [SECRET])

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_message_is_signed_with_each_key_while_the_secret_changes() -> None:
    headers = headers_of("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY, [new_secret(), SECRET])

    assert len(headers["webhook-signature"].split()) == 2
    assert headers["webhook-signature"].endswith(SIGNATURE)


def test_secret_has_32_random_bytes() -> None:
    secret = new_secret()

    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert secret != new_secret()

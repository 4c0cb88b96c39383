"""What a user proves besides a password: embedded in `users`."""

import mongoengine as me

# How many second factors a user can have.
MOST_FACTORS = 10

APP, PASSKEY = "app", "passkey"


class SecondFactor(me.EmbeddedDocument):
    """An authenticator app (TOTP, RFC 6238) or a passkey (WebAuthn); 0.3 kB, a few per user."""

    factor_id = me.StringField(required=True)  # of a passkey: the id of its credential, in base64url
    kind = me.StringField(choices=(APP, PASSKEY), required=True)
    name = me.StringField()  # chosen by the user
    secret = me.StringField()  # of an app: 20 bytes in base32
    last_step = me.LongField()  # of an app: the 30 seconds whose code was used last, counted from 1970
    public_key = me.StringField()  # of a passkey: COSE (RFC 9052), in base64url
    sign_count = me.LongField()  # of a passkey: how often it signed; always 0 if it is synchronized
    created_at = me.DateTimeField()
    last_used_at = me.DateTimeField()


class RecoveryCode(me.EmbeddedDocument):
    """A code that replaces a second factor once; 0.1 kB, at most ten per user."""

    digest = me.StringField(required=True)  # SHA-256 of the code, which is not stored
    used_at = me.DateTimeField()

"""Which texts can be stored."""


def is_encodable(text: str) -> bool:
    """Tell whether UTF-8, and so MongoDB, can hold a text: it cannot hold lone surrogates.

    JSON allows them, and Python makes them of bytes in arguments that are not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Which texts can be stored, and how errors and numbers of things are written."""


def is_encodable(text: str) -> bool:
    """Tell whether UTF-8, and so MongoDB, can hold a text: it cannot hold lone surrogates.

    JSON allows them, and Python makes them of bytes in arguments that are not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def said_by(error: Exception) -> str:
    """Return what an error says, without the number and the path that Python adds to what the system says."""
    return getattr(error, "strerror", None) or str(error)


def counted(number: int, names: str) -> str:
    """Return a number and what it counts, given in the plural: "2,000 users", "1 user", "1 entry"."""
    if number != 1:
        return f"{number:,} {names}"
    return f"1 {names.removesuffix('ies')}y" if names.endswith("ies") else f"1 {names.removesuffix('s')}"

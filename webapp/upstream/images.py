"""Fetch the images of descriptions from other hosts, once."""

import logging
import threading
from collections.abc import Callable

from flask import Flask

from webapp.documents.base import Plain
from webapp.documents.description_image import DescriptionImage
from webapp.rules.images import content_type_of
from webapp.serving.per_app import PerApp
from webapp.serving.slow_clients import waiting_for_upstream
from webapp.upstream.errors import UpstreamBusy, UpstreamFailed
from webapp.upstream.fetching import Fetcher, host_of

log = logging.getLogger(__name__)

MAX_IMAGE_BYTES = 3_000_000
TIMEOUT_S, MOST_S = 5.0, 15.0
# So many are fetched at a time by each process, and so long others wait for their turn.
AT_A_TIME, PATIENCE_S = 4, 10.0
HEADERS = {
    "Accept": "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8",
    # Without compression, nothing small becomes large here.
    "Accept-Encoding": "identity",
    "User-Agent": "Larder",
}


class Images:
    """Images that are kept here, or fetched."""

    def __init__(self, most_bytes: int, allows_private: Callable[[], bool] = lambda: False) -> None:
        """Keep at most so many bytes."""
        self._most_bytes = most_bytes
        self._fetcher = Fetcher(TIMEOUT_S, "", hosts=None, allows_private=allows_private)
        self._turns = threading.BoundedSemaphore(AT_A_TIME)

    def image(self, url: str) -> Plain | None:
        """Return an image, {content_type, data}, or None if there is none at this address.

        Raises UpstreamBusy and ServiceUnavailable if too many are being fetched.
        """
        found = DescriptionImage.kept(url)
        if found is None:
            with waiting_for_upstream():
                has_turn = self._turns.acquire(timeout=PATIENCE_S)
            if not has_turn:
                raise UpstreamBusy("too many images are being fetched")
            try:
                # While this request waited, another one may have fetched it.
                found = DescriptionImage.kept(url) or self._fetched(url)
            finally:
                self._turns.release()
        return found if "content_type" in found and "data" in found else None

    def _fetched(self, url: str) -> Plain:
        try:
            content_type, data = self._fetch(url)
        except UpstreamFailed as error:
            log.info("An image is not shown: %s", error)
            DescriptionImage.keep_problem(url, str(error))
            return {}
        DescriptionImage.keep(url, content_type, data, self._most_bytes)
        return {"content_type": content_type, "data": data}

    def _fetch(self, url: str) -> tuple[str, bytes]:
        with self._fetcher.open(url, HEADERS) as answer:
            host = host_of(answer.url)
            if answer.status_code != 200:
                raise UpstreamFailed(f"{host} answered {answer.status_code} for an image")
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise UpstreamFailed(f"{host} sent an image in a form that was not asked for")
            data = bytearray()
            with waiting_for_upstream():
                for part in self._fetcher.parts(answer, MOST_S):
                    data += part
                    if len(data) > MAX_IMAGE_BYTES:
                        raise UpstreamFailed(f"{host} sent an image of more than {MAX_IMAGE_BYTES:,} bytes")
        content_type = content_type_of(bytes(data))
        if content_type is None:
            raise UpstreamFailed(f"{host} sent something other than an image")
        return content_type, bytes(data)


images = PerApp[Images]("images")


def init_app(app: Flask) -> None:
    """Make what fetches images."""
    images.set(app, Images(app.config["DESCRIPTION_IMAGES_BYTES"]))

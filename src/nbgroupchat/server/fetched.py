"""Attachments that the service keeps, fetched for a page of this server's owner.

This module touches trust. It covers: the service is asked as the owner, so it gives what the owner may see. It does not
cover others whom the owner lets into this server: they may run code there, and so are the owner already.
"""

from __future__ import annotations

from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from nbgroupchat.errors import Code, Refusal
from nbgroupchat.server.uplink import Service

_SECONDS = 30.0


class FetchedAttachments:
    """What `server.handlers` reads attachments from where the rooms are the service's."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def read(self, room: str, id_: str) -> bytes:
        """Give an attachment of a room. Raises Refusal: `not_found`, or `unavailable` while the service is away."""
        base = self._service.url.removesuffix("/hub")
        request = HTTPRequest(
            f"{base}/attachments/{quote(room, safe='')}/{quote(id_, safe='')}",
            headers={"Authorization": f"token {self._service.token}"},
            request_timeout=_SECONDS,
            follow_redirects=False,
        )
        try:
            return (await AsyncHTTPClient().fetch(request)).body
        except HTTPClientError as error:
            if error.code == 404:
                raise Refusal(Code.NOT_FOUND, "There is no such attachment in this room.") from None
            raise Refusal(Code.UNAVAILABLE, f"The attachment cannot be fetched now ({error.code}).") from error
        except OSError as error:
            raise Refusal(Code.UNAVAILABLE, "The attachment cannot be fetched now: no service answers.") from error

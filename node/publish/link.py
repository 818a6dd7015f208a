"""HTTP to one publishing target: its secret, its certificate, its patience, and no more read than is of use."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.errors import printable
from node.keys.secrets import Secret, SecretUrl
from node.publish.target import AwayError, RefusedError, TargetError

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER: Final = 1 << 20
"""Bytes of an answer that are read; a dozen lines of JSON have some thousand."""
_SAID: Final = 200
"""Characters of a target's own words that are passed on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: its status and its body, `MAX_ANSWER` bytes of it at the most."""

    status: int
    body: bytes

    def document(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Link:
    """Requests to one target. A request is given up when the target shows no sign of life for `silent_s`."""

    def __init__(
        self,
        name: str,
        url: SecretUrl,
        *,
        token: Secret | None = None,
        username: str | None = None,
        ca: Path | None = None,
        silent_s: float = 120.0,
    ) -> None:
        self.name = name
        self._base = url.reveal().rstrip("/")
        self._token = token
        self._username = username
        self._ca = ca
        self._silent = silent_s

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        document: object = None,
        form: AsyncGenerator[bytes, None] | None = None,
    ) -> Answer:
        """Send one request, with a JSON document or a file in a form, and read its answer.

        Raises AwayError where there is none, and for answers that say so (401, 403, 404 of the whole API, 429, 5xx
        without words); what else its status means is the caller's to judge.
        """
        try:
            async with AsyncExitStack() as stack:
                session = await stack.enter_async_context(self._session())
                limit = await stack.enter_async_context(asyncio.timeout(self._silent))
                body: Any = None
                if form is not None:
                    body = _form(self._lively(form, limit))
                response = await stack.enter_async_context(
                    session.request(
                        method, self._base + path, params=query, json=document, data=body, allow_redirects=False
                    )
                )
                return Answer(response.status, await self._read(response, limit))
        except TargetError:
            raise
        except TimeoutError:
            raise AwayError(f"{self.name}: no sign of life for {self._silent:g} s") from None
        except OSError as error:
            raise AwayError(f"{self.name}: cannot be reached ({_reason(error)})") from None
        except Exception as error:
            if not _is_of_http(error):
                raise
            raise AwayError(f"{self.name}: cannot be reached ({_reason(error)})") from None

    def judge(self, answer: Answer, what: str, said: str) -> TargetError:
        """The error that an answer other than success stands for; `said` are the target's own words."""
        words = f": {printable(said, _SAID)}" if said else ""
        if answer.status in (401, 403):
            return AwayError(
                f"{self.name}: does not take the token (HTTP {answer.status}){words}; see token_file and username"
            )
        if 300 <= answer.status < 400:
            return AwayError(f"{self.name}: sends us elsewhere (HTTP {answer.status}); correct its url")
        if answer.status in (404, 405, 429) or (answer.status >= 500 and not said):
            return AwayError(f"{self.name}: HTTP {answer.status} when asked to {what}{words}")
        return RefusedError(f"{self.name}: HTTP {answer.status} when asked to {what}{words}")

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        import aiohttp

        headers = {"User-Agent": "patina", "Accept-Encoding": "identity"}
        if self._token is not None:
            secret = self._token.reveal()
            if self._username is None:
                headers["Authorization"] = f"Bearer {secret}"
            else:
                pair = base64.b64encode(f"{self._username}:{secret}".encode()).decode("ascii")
                headers["Authorization"] = f"Basic {pair}"
        context: ssl.SSLContext | bool = True
        if self._ca is not None:
            try:
                context = await asyncio.to_thread(ssl.create_default_context, cafile=str(self._ca))
            except (OSError, ssl.SSLError):
                raise AwayError(f"{self.name}: {self._ca} is no CA certificate in PEM; correct ca") from None
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=2),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        ) as session:
            yield session

    def _alive(self, limit: asyncio.Timeout) -> None:
        limit.reschedule(asyncio.get_running_loop().time() + self._silent)

    async def _lively(self, pieces: AsyncGenerator[bytes, None], limit: asyncio.Timeout) -> AsyncGenerator[bytes, None]:
        async for piece in pieces:
            # Asked for the next piece, the target has taken those before.
            self._alive(limit)
            yield piece

    async def _read(self, response: aiohttp.ClientResponse, limit: asyncio.Timeout) -> bytes:
        self._alive(limit)
        body = bytearray()
        async for piece in response.content.iter_any():
            self._alive(limit)
            body += piece
            if len(body) > MAX_ANSWER:
                raise AwayError(f"{self.name}: answers with more than {MAX_ANSWER} bytes; is it what its kind says?")
        return bytes(body)


def _form(pieces: AsyncGenerator[bytes, None]) -> aiohttp.MultipartWriter:
    import aiohttp

    form = aiohttp.MultipartWriter("form-data")
    part = form.append(pieces, {"Content-Type": "application/vnd.ipld.car"})
    part.set_content_disposition("form-data", name="file", filename="patina.car")
    return form


def _is_of_http(error: Exception) -> bool:
    import aiohttp

    return isinstance(error, aiohttp.ClientError | ValueError | EOFError)


def _reason(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(said or type(error).__name__, _SAID)

"""A client's side of digest authentication over SIP and HTTP (RFC 7616, RFC 8760), as far as tests
need it."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence

from tests.support.httptext import Answer
from tests.support.siptext import Received

#: What hashes are called in challenges, and in C{hashlib}; the strongest first.
HASHES = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}

Parameters = dict[str, str]

_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')


def challenges(answer: Received | Answer) -> list[Parameters]:
    """
    @return: the challenges of a 401 or 407, in their order; those of other schemes are left out.
    """
    name = {401: "www-authenticate", 407: "proxy-authenticate"}[answer.status]
    values = [value for key, value in answer.headers if key == name]
    return [
        {key.lower(): quoted or plain for key, quoted, plain in _PARAMETER.findall(value)}
        for value in values
        if value.startswith("Digest ")
    ]


class Digest:
    """A user with a password, and the last challenge that was put to him.

    @ivar count: how many requests have been sent for this challenge.
    """

    def __init__(self, user: str, password: str, algorithms: Sequence[str] = tuple(HASHES)) -> None:
        """
        @param algorithms: those that this client knows.
        """
        self.user = user
        self.count = 0
        self._password = password
        self._algorithms = algorithms
        self._challenge: Parameters = {}
        self._header = ""

    @property
    def nonce(self) -> str:
        return self._challenge["nonce"]

    def challenged(self, answer: Received | Answer) -> Parameters:
        """Take over the first challenge whose algorithm this client knows (RFC 8760 §2.4).

        @return: it.
        """
        offered = challenges(answer)
        known = [each for each in offered if each.get("algorithm", "MD5") in self._algorithms]
        assert known, offered
        self._challenge = known[0]
        self._header = "Authorization" if answer.status == 401 else "Proxy-Authorization"
        self.count = 0
        return self._challenge

    def proof(
        self, method: str, uri: str, body: bytes = b"", *, count: int | None = None
    ) -> tuple[str, str]:
        """
        @param count: the nonce count, if it is not to be the next one.
        @return: the header field that goes into a request.
        """
        self.count += 1
        challenge = self._challenge
        algorithm = challenge.get("algorithm", "MD5")
        # What is offered last covers most.
        qop = challenge.get("qop", "").split(",")[-1].strip()
        nc = f"{count or self.count:08x}"
        cnonce = secrets.token_hex(8)

        def hashed(*texts: str) -> str:
            data = ":".join(texts).encode()
            return hashlib.new(HASHES[algorithm], data).hexdigest()

        a1 = hashed(self.user, challenge["realm"], self._password)
        about = [method, uri]
        if qop == "auth-int":
            about.append(hashlib.new(HASHES[algorithm], body).hexdigest())
        between = [nc, cnonce, qop] if qop else []
        response = hashed(a1, challenge["nonce"], *between, hashed(*about))
        values = [
            f'username="{self.user}"',
            f'realm="{challenge["realm"]}"',
            f'nonce="{challenge["nonce"]}"',
            f'uri="{uri}"',
            f'response="{response}"',
            f"algorithm={algorithm}",
        ]
        if qop:
            values += [f"qop={qop}", f"nc={nc}", f'cnonce="{cnonce}"']
        if "opaque" in challenge:
            values.append(f'opaque="{challenge["opaque"]}"')
        return self._header, f"Digest {', '.join(values)}"

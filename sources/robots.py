"""What a website's robots.txt lets us read (RFC 9309)."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from protego import Protego

from net.client import HttpClient
from net.errors import HttpStatus, NetError, NotSent, RateLimited
from sources.pages import decode

__all__ = ["Robots"]

_MAX_BYTES = 2_000_000


@dataclass
class _Rules:
    rules: Protego | None
    """None: everything is forbidden, because the file could not be had."""
    problem: str = ""


@dataclass
class Robots:
    """The rules of every origin asked about, each fetched once.

    Args:
        client: fetches the files.
        user_agent: sent with each request; its first word is what the rules are asked for.
    """

    client: HttpClient
    user_agent: str
    _known: dict[str, _Rules] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """The name that rules in robots.txt are matched with."""
        return self.user_agent.split("/")[0].split(" ")[0]

    def allows(self, url: str) -> bool:
        """Whether this address may be read.

        Raises:
            NotSent: the server cannot be reached at all.
        """
        rules = self._of(url).rules
        return rules is not None and bool(rules.can_fetch(url, self.token))

    def problem(self, url: str) -> str:
        """Why the file of this origin could not be had; empty if it could."""
        return self._of(url).problem

    def delay(self, url: str) -> float:
        """The pause that the site asks for, in seconds; 0 if it asks for none."""
        rules = self._of(url).rules
        asked = rules.crawl_delay(self.token) if rules is not None else None
        return float(asked or 0.0)

    def _of(self, url: str) -> _Rules:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._known:
            self._known[origin] = self._fetch(f"{origin}/robots.txt")
        return self._known[origin]

    def _fetch(self, url: str) -> _Rules:
        """4xx: no rules. 5xx, 429, no answer, too large: assume that all is forbidden."""
        try:
            response = self.client.request(
                "GET",
                url,
                may_have_effect=False,
                headers={"user-agent": self.user_agent},
                max_bytes=_MAX_BYTES,
            )
        except NotSent:
            raise
        except RateLimited as error:
            return _Rules(None, str(error))
        except HttpStatus as error:
            if 400 <= error.status < 500:
                return _Rules(Protego.parse(""))
            return _Rules(None, str(error))
        except NetError as error:
            return _Rules(None, str(error))
        return _Rules(Protego.parse(decode(response.body, "charset=utf-8")))

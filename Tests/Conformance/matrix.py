"""The same exchange of every client under every fault: what all clients have in common, and the cuts at every message.

A client is described by one async function that runs its exchange once with a key and says what came of it. From it follow, for
each client: a normal exchange, refusals by status, close codes, and the connection ended before (`cut`) and in the middle of
(`reset`) every message of the answer. In each the client must come to an end by itself, with an error or with a correct part of
the whole; the cuts go on until one comes too late to be met.
"""

import asyncio
import time
from dataclasses import dataclass, field

from suite import CUTS, KEY, case, plain


@dataclass
class Outcome:
    """What came of one exchange, as the client itself tells it."""

    text: str = ""
    interims: int = 0
    audio: int = 0
    calls: list = field(default_factory=list)
    error: object = None
    # The client's own sign that it has the whole answer.
    whole: bool = False
    status: int = 0

    @classmethod
    def failed(cls, error, **more):
        return cls(error=error or "error", status=status_of(error), **more)


def status_of(error) -> int:
    for name in ("status_code", "status", "code"):
        found = getattr(error, name, None)
        if isinstance(found, int):
            return found
    response = getattr(error, "response", None)
    return getattr(response, "status_code", 0) or 0


def caught(function):
    """Runs an exchange that raises; what it has gathered until then stays in its first argument, an `Outcome`."""

    async def run(emulators, key=KEY):
        outcome = Outcome()
        try:
            await function(emulators, key, outcome)
            outcome.whole = True
        except AssertionError:
            raise
        except Exception as error:
            outcome.error, outcome.status = error, status_of(error)
        return outcome

    return run


async def ended(exchange, emulators, key, limit):
    """One exchange that must come to an end by itself."""
    start = time.monotonic()
    try:
        return await asyncio.wait_for(exchange(emulators, key), limit)
    except (asyncio.TimeoutError, TimeoutError):
        raise AssertionError(f"{key}: the client hung for {time.monotonic() - start:.0f} s") from None


def is_part(part: Outcome, whole: Outcome) -> bool:
    """All there is of it stands in the whole, in order, from its beginning."""
    return plain(whole.text).startswith(plain(part.text)) and part.audio <= whole.audio


def matrix(client, exchange, *, said=None, wants=None, interims=False, statuses=(401, 429, 503),
           closes=(), known_statuses=(), limit=20.0, most=48, lanes=6, repeats=False):
    """Declares the cases of one client.

    - said: the words a recogniser must have heard; wants: a check of the normal outcome
    - known_statuses: those of `statuses` that the client tells to its caller
    - repeats: it connects again by itself, so that what it has heard may come twice
    """

    async def normal(emulators):
        outcome = await ended(exchange, emulators, KEY, limit)
        assert outcome.whole and not outcome.error, outcome
        if said is not None:
            assert plain(outcome.text) == said, outcome
        if wants is not None:
            assert wants(outcome), outcome

    case(client, "matrix: normal")(normal)
    if interims:
        async def grows(emulators):
            assert (await ended(exchange, emulators, KEY, limit)).interims >= 2

        case(client, "matrix: interim results before the final one")(grows)
    for status in statuses:
        async def refused(emulators, status=status):
            outcome = await ended(exchange, emulators, f"fault-status-{status}", limit)
            assert outcome.error and not outcome.text, outcome
            if status in known_statuses:
                assert outcome.status == status, outcome

        case(client, f"matrix: {status}")(refused)
    for code in closes:
        async def closed(emulators, code=code):
            outcome = await ended(exchange, emulators, f"fault-piece-0-close-{code}", limit)
            assert outcome.error or not outcome.whole, outcome

        case(client, f"matrix: close {code}")(closed)

    for word in ("cut", "reset"):
        async def cuts(emulators, word=word):
            whole = await ended(exchange, emulators, KEY, limit)
            assert whole.whole and not whole.error, whole
            met = 0

            async def one(piece):
                outcome = await ended(exchange, emulators, f"fault-piece-{piece}-{word}", limit)
                if outcome.whole and not outcome.error and is_part(whole, outcome):
                    return False
                assert outcome.error or repeats or is_part(outcome, whole), (piece, outcome)
                return True

            for first in range(0, most, lanes):
                found = await asyncio.gather(*(one(p) for p in range(first, first + lanes)))
                met += sum(found)
                if not all(found):
                    break
            assert met > 0, "no cut was met"
            CUTS[client] = CUTS.get(client, 0) + met

        name = "before" if word == "cut" else "in the middle of"
        case(client, f"matrix: the connection ends {name} every message", limit=240)(cuts)

"""What each failure of the inference service means: a reason for machines, words for people, and when to try again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError, RepositoryNotFoundError

from ..moods import Failure, in_seconds
from .limits import Refused, Unacceptable

LONGEST_REST = timedelta(minutes=5)  # no service is believed that wants to be left alone for longer

HOW_TO_GIVE_ONE = (
    "Make one at https://huggingface.co/settings/tokens (permission: make calls to Inference Providers), "
    "put HF_TOKEN=hf_... into the app's environment on the VM and restart it; or push MODE=local."
)
HOW_TO_PAY = (
    "Buy some at https://huggingface.co/settings/billing, or wait until those of the next month are there; "
    "or push MODE=local."
)
OTHER_MODEL = "choose another: API_MODEL, THOUGHT_MODEL."

# reason, words, the status we give, whether time may cure it
Meaning = tuple[str, str, int, bool]
REFUSED_TEXT: Meaning = ("TextRefused", "The model could not read this text.", 502, False)
DOWN: Meaning = ("UpstreamDown", "The inference service does not answer.", 502, True)
SLOW: Meaning = ("UpstreamTimeout", "The inference service took too long.", 504, True)
GONE: Meaning = ("ModelGone", f"The model is not served there (any more); {OTHER_MODEL}", 503, False)
UNUSABLE: Meaning = (
    "UnusableAnswer",
    f"The inference service gave no usable answer for this model; try again, or {OTHER_MODEL}",
    502,
    True,
)
OF_STATUS: dict[int, Meaning] = {
    400: REFUSED_TEXT,
    401: ("TokenRejected", f"The inference service does not accept the token. {HOW_TO_GIVE_ONE}", 503, False),
    402: ("OutOfCredits", f"The account's credits for inference are used up. {HOW_TO_PAY}", 503, True),
    403: ("TokenForbidden", f"The token may not call Inference Providers. {HOW_TO_GIVE_ONE}", 503, False),
    404: GONE,
    408: SLOW,
    410: GONE,
    413: REFUSED_TEXT,
    422: REFUSED_TEXT,
    429: ("RateLimited", "Too many requests just now; try again in a minute.", 429, True),
    504: SLOW,
}
SERVER_ERROR = 500


def usable(token: str | None, api_url: str | None) -> str:
    """The token, once it looks like one. Raises Failure."""
    if token is None:
        raise Failure("TokenMissing", f"MODE=api needs a Hugging Face token. {HOW_TO_GIVE_ONE}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Failure("TokenMalformed", f"The token has a space or a foreign character inside. {HOW_TO_GIVE_ONE}")
    if api_url is None and not token.startswith("hf_"):
        raise Failure("TokenMalformed", f"The token does not begin with hf_. {HOW_TO_GIVE_ONE}")
    return token


@contextmanager
def in_our_words() -> Iterator[None]:
    """The library's own texts can hold the request's headers, and with them the token: none of them passes."""
    try:
        yield
    except Refused as refusal:
        raise of_status(refusal.status, refusal.retry_after) from None
    except RepositoryNotFoundError:
        raise failure(GONE) from None
    except HfHubHTTPError as error:  # of the Hub, asked once which task the model is for
        raise of_status(error.response.status_code, error.response.headers.get("retry-after")) from None
    except (InferenceTimeoutError, httpx2.TimeoutException):
        raise failure(SLOW) from None
    except UnicodeEncodeError:  # half a surrogate pair
        raise failure(REFUSED_TEXT) from None
    except (Unacceptable, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        # The client's parser stumbles in all these ways; ValueError is also its refusal of a model no provider serves.
        raise failure(UNUSABLE) from None
    except (httpx2.HTTPError, OSError):
        raise failure(DOWN) from None


def of_status(status: int, retry_after: str | None) -> Failure:
    """What an HTTP status that is no success tells."""
    rest = parse_retry_after(retry_after, datetime.now(UTC))
    return failure(OF_STATUS.get(status, DOWN if status >= SERVER_ERROR else UNUSABLE), rest)


def failure(meaning: Meaning, retry_after: timedelta | None = None) -> Failure:
    reason, message, status, passing = meaning
    if reason == "RateLimited" and retry_after is not None:
        message = f"Too many requests just now; try again in {in_seconds(retry_after)} s."
    return Failure(reason, message, status=status, passing=passing, retry_after=retry_after)


def parse_retry_after(header: str | None, now: datetime) -> timedelta | None:
    """Seconds or an HTTP date (RFC 9110, 10.2.3), at most LONGEST_REST; None for anything else."""
    value = (header or "").strip()
    if value.isascii() and value.isdecimal():
        return LONGEST_REST if len(value) > len("86400") else min(timedelta(seconds=int(value)), LONGEST_REST)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return min(max(date.replace(tzinfo=date.tzinfo or UTC) - now, timedelta()), LONGEST_REST)

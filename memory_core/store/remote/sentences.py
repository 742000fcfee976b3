"""What is told when the place that holds a shared store does not answer."""

from __future__ import annotations

from memory_core.addresses import is_database
from memory_core.store.faults import says

_DENIED = ("403 forbidden", "401 unauthorized", "accessdenied", "signaturedoesnotmatch")
_NO_BUCKET = ("nosuchbucket", "containernotfound")
_NO_KEYS = ("imds", "instance metadata", "metadata.google", "credential", "account must be")
_KEY = ("unauthorized", "forbidden", "api_key is required", "invalid api key")
_KEY_STATUS = (401, 403)
_HTTP_OK = 200


def is_no_bucket(error: BaseException) -> bool:
    """Tell whether the bucket itself is missing, and not an object in it."""
    return says(error, _NO_BUCKET)


def sentence(url: str, error: BaseException) -> str:
    """Give what is wrong with the bucket or the database, and the next move."""
    first = (str(error).splitlines() or [""])[0]
    if is_database(url):
        status = getattr(error, "status_code", None)
        if status in _KEY_STATUS or says(error, _KEY):
            return (
                f"The database of {url} refuses this key. Set LANCEDB_API_KEY to one that may read"
                " and write there, and LANCEDB_REGION, or LANCEDB_HOST for a server of your own."
            )
        if isinstance(status, int) and status >= _HTTP_OK:
            return (
                f"The database of {url} answered with {status}: {first[:200]}. Try again; if it"
                " stays so, look at what the service says of this request."
            )
        return (
            f"The database of {url} cannot be reached: {first[:200]}. Check the network,"
            " LANCEDB_REGION and LANCEDB_HOST."
        )
    if says(error, _NO_BUCKET):
        return f"There is no bucket for {url}. Create it, or set LESSONBANK_STORE to another."
    if says(error, _DENIED):
        return (
            f"The bucket of {url} refuses these credentials. Check the variables AWS_*, GOOGLE_*"
            " or AZURE_* and that they may read, write, list and delete under this prefix."
        )
    if says(error, _NO_KEYS):
        return (
            f"No credentials were found for {url}. Set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY (or GOOGLE_*, AZURE_*) where lessonbank starts."
        )
    return (
        f"The bucket of {url} cannot be reached: {first[:200]}. Check the network and the variables"
        " AWS_*, GOOGLE_* or AZURE_*."
    )

"""Page blobs and the append blobs of run commands, below any path that is not ARM's.

https://learn.microsoft.com/rest/api/storageservices : Get Blob, Get Blob Properties, Get Page Ranges, Put Page,
Put Page From URL, Put Blob, Append Block; errors are XML and an `x-ms-error-code`.
The blob of a disk is its bytes and the footer of a fixed VHD (footer.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email.utils import formatdate
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from bootmend.clouds.azure.simulate import shares
from bootmend.clouds.azure.simulate.blob_bytes import Blob, FileBlob, PageBlob, file_blob, find_blob
from bootmend.clouds.azure.simulate.wire import Answer, Call
from bootmend.clouds.azure.simulate.world import World

PAGE = 512
_MOST_PAGES = 4 << 20
_PIECE = 1 << 20
_VERSION = "2021-12-02"


class BlobError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(
            status,
            f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code>'
            f"<Message>{escape(message)}</Message></Error>".encode(),
            {"x-ms-error-code": code, "Content-Type": "application/xml", "x-ms-version": _VERSION},
        )


def answer(world: World, call: Call) -> Answer:
    """What the storage service says to a call."""
    try:
        if call.method in ("GET", "HEAD"):
            # ASSUMPTION on the safe side: the link of an upload shows what AzCopy asks for (properties and page ranges:
            # https://github.com/Azure/azure-storage-azcopy, ste/sender-pageBlob.go) and none of the blob's bytes.
            about = call.method == "HEAD" or call.query.get("comp") == "pagelist"
            _need_share(world, call, "wr" if about else "r")
            blob = _find(world, call.path)
            return _page_list(blob, call) if call.query.get("comp") == "pagelist" else _get(blob, call)
        if call.method == "PUT":
            return _put(world, call)
        raise BlobError(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
    except BlobError as error:
        return error.answer


def _put(world: World, call: Call) -> Answer:
    _need_share(world, call, "w")
    if call.query.get("comp") == "appendblock" or call.headers.get("x-ms-blob-type") == "AppendBlob":
        return _append(world, call)
    blob = _find(world, call.path)
    if call.query.get("comp") != "page" or not isinstance(blob, PageBlob):
        raise BlobError(409, "InvalidBlobType", "The blob type is invalid for this operation.")
    _conditions(blob, call)
    start, end = _whole_pages(call.headers.get("x-ms-range") or call.headers.get("range"), blob.size)
    if call.headers.get("x-ms-page-write", "").lower() == "clear":
        with world.lock:
            blob.write(start, bytes(end - start), clear=True)
        return _done(blob)
    # https://learn.microsoft.com/rest/api/storageservices/put-page : 4 MiB a call; the same from a URL.
    if end - start > _MOST_PAGES:
        raise BlobError(
            413, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit."
        )
    source = call.headers.get("x-ms-copy-source")
    data = call.body if source is None else _from_url(world, call, source, end - start)
    if len(data) != end - start:
        raise BlobError(400, "InvalidHeaderValue", "The Content-Length is not that of the page range.")
    with world.lock:
        blob.write(start, data)
    return _done(blob)


def _append(world: World, call: Call) -> Answer:
    """https://learn.microsoft.com/rest/api/storageservices/append-block"""
    with world.lock:
        if call.query.get("comp") != "appendblock":
            return _done(file_blob(world, call.path, b"", "AppendBlob"))
        blob = _find(world, call.path)
        if not isinstance(blob, FileBlob) or blob.blob_type != "AppendBlob":
            raise BlobError(409, "InvalidBlobType", "The blob type is invalid for this operation.")
        blob.append(call.body)
        return _done(blob)


def _from_url(world: World, call: Call, source: str, length: int) -> bytes:
    """https://learn.microsoft.com/rest/api/storageservices/put-page-from-url : from a blob that the link may read."""
    path, _, query = source.removeprefix(call.base).partition("?")
    pairs = dict(parse_qsl(query))
    try:
        _need_share(world, Call("GET", path, pairs, {}), "r")
        blob = _find(world, path)
    except BlobError as error:
        # https://github.com/Azure/azure-sdk-for-java/issues/15414
        raise BlobError(error.answer.status, "CannotVerifyCopySource", str(error)) from error
    if blob.incremental:
        # https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
        raise BlobError(
            409,
            "CopySourceCannotBeIncrementalCopyBlob",
            "Source blob of a copy operation cannot be non-finalized incremental copy blob.",
        )
    start, end = _whole_pages(call.headers.get("x-ms-source-range"), blob.size)
    if end - start != length:
        raise BlobError(400, "InvalidHeaderValue", "The source range is not as long as the range.")
    return blob.read(start, end - start)


def _get(blob: Blob, call: Call) -> Answer:
    _conditions(blob, call)
    asked = call.headers.get("x-ms-range") or call.headers.get("range")
    headers = _headers(blob)
    start, end, status = 0, blob.size, 200
    if asked:
        start, end = _range(asked, blob.size)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{blob.size}"
        status = 206
    headers["Content-Length"] = str(end - start)
    headers["Content-Type"] = "application/octet-stream"
    return Answer(status, None if call.method == "HEAD" else _pieces(blob.read, start, end), headers)


def _pieces(read: Callable[[int, int], bytes], start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, _PIECE):
        yield read(at, min(_PIECE, end - at))


def _page_list(blob: Blob, call: Call) -> Answer:
    """https://learn.microsoft.com/rest/api/storageservices/get-page-ranges"""
    _conditions(blob, call)
    if not isinstance(blob, PageBlob):
        raise BlobError(409, "InvalidBlobType", "The blob type is invalid for this operation.")
    asked = call.headers.get("x-ms-range") or call.headers.get("range")
    start, end = _range(asked, blob.size) if asked else (0, blob.size)
    ranges = "".join(
        f"<PageRange><Start>{first}</Start><End>{last - 1}</End></PageRange>" for first, last in blob.pages(start, end)
    )
    body = f'<?xml version="1.0" encoding="utf-8"?><PageList>{ranges}</PageList>'.encode()
    return Answer(
        200, body, {**_headers(blob), "Content-Type": "application/xml", "x-ms-blob-content-length": str(blob.size)}
    )


def _need_share(world: World, call: Call, rights: str) -> None:
    """One of these rights. The same answer to a wrong, an expired and a revoked link:
    https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes"""
    policy, signature = call.query.get("si", ""), call.query.get("sig", "")
    if not any(shares.allows(world, call.path, policy, signature, right) for right in rights):
        raise BlobError(
            403,
            "AuthenticationFailed",
            "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
            "correctly including the signature.",
        )


def _find(world: World, path: str) -> Blob:
    with world.lock:
        blob = find_blob(world, path)
        closed = world.blobs.get(path, {}).get("open") is False
    if closed:
        # ASSUMPTION: what storage accounts behind a firewall answer
        # (https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes).
        raise BlobError(403, "AuthorizationFailure", "This request is not authorized to perform this operation.")
    if blob is None:
        raise BlobError(404, "BlobNotFound", "The specified blob does not exist.")
    return blob


def _conditions(blob: Blob, call: Call) -> None:
    """https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations"""
    wanted = call.headers.get("if-match")
    if wanted not in (None, "*", blob.etag):
        raise BlobError(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")


def _range(text: str, size: int) -> tuple[int, int]:
    """[start, end) of bytes=A-B."""
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", text)
    if found is None:
        raise BlobError(
            400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format."
        )
    start = int(found[1])
    end = min(int(found[2]) + 1 if found[2] else size, size)
    if start >= end:
        raise BlobError(416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
    return start, end


def _whole_pages(text: str | None, size: int) -> tuple[int, int]:
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", text or "")
    start, end = (int(found[1]), int(found[2]) + 1) if found else (1, 0)
    if start % PAGE or end % PAGE or not start < end <= size:
        raise BlobError(416, "InvalidPageRange", "The page range specified is invalid.")
    return start, end


def _headers(blob: Blob) -> dict[str, str]:
    return {
        "ETag": blob.etag,
        "Last-Modified": formatdate(usegmt=True),
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": blob.blob_type,
        "x-ms-version": _VERSION,
    }


def _done(blob: Blob) -> Answer:
    return Answer(201, b"", _headers(blob))

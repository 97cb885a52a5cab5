"""A small Hub on this machine: the endpoints that an upload uses, with what they were asked."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml

TOKEN = "hf_" + "x" * 34
LARGE = 1000
"""Bytes from which a file is stored apart."""


class FakeHub:
    """One repository, its large files, and a log of requests."""

    def __init__(self) -> None:
        self.log: list[str] = []
        """`METHOD path`, in the order of arrival."""
        self.files: dict[str, bytes] = {}
        """What the last commit left: path to content."""
        self.stored: dict[str, bytes] = {}
        """Large files by their checksum, committed or not."""
        self.commits = 0
        self.breaks_after: int | None = None
        """How many large files are taken before every further one is cut off."""
        self.writers = {TOKEN}
        self.address = ""

    def answer(self, method: str, path: str, body: bytes, token: str | None) -> tuple[int, Any]:
        """Status and JSON."""
        self.log.append(f"{method} {path}")
        if path.startswith("/store/"):
            return self._store(path.rpartition("/")[2], body)
        if path == "/api/validate-yaml":
            return self._validated(json.loads(body)["content"])
        if token not in self.writers:
            return 403, {"error": "not allowed"}
        if path == "/api/repos/create":
            asked = json.loads(body)
            url = f"{self.address}/{asked['organization']}/{asked['name']}"
            return (409 if self.commits else 200), {"url": url}
        if "/preupload/" in path:
            return 200, {"files": [self._mode(file) for file in json.loads(body)["files"]]}
        if path.endswith("/info/lfs/objects/batch"):
            return 200, {"objects": [self._action(each) for each in json.loads(body)["objects"]]}
        if "/commit/" in path:
            return self._commit([json.loads(line) for line in body.splitlines()])
        return 200, {"id": "a/b", "sha": f"{self.commits:040d}"}

    def _validated(self, content: str) -> tuple[int, Any]:
        """The Hub's first rules: front matter between two lines, a license, results with a value."""
        found = re.match(r"\A---\n(.*?)\n---\n", content, re.DOTALL)
        front = yaml.safe_load(found[1]) if found else {}
        errors = [f'"{field}" is required' for field in ("license",) if not front.get(field)]
        for model in front.get("model-index", []):
            for result in model["results"]:
                missing = {"task", "dataset", "metrics"} - set(result)
                errors += [f"{name} is missing" for name in missing]
                errors += ["dataset.type is missing"] if "type" not in result["dataset"] else []
        return (400 if errors else 200), {"errors": [{"message": e} for e in errors], "warnings": []}

    def _mode(self, file: dict[str, Any]) -> dict[str, Any]:
        mode = "lfs" if file["size"] >= LARGE and not file["path"].endswith((".md", ".json", ".yaml")) else "regular"
        known = self.files.get(file["path"])
        blob = b"" if known is None else b"blob %d\0" % len(known) + known
        oid = None if known is None else hashlib.sha1(blob).hexdigest()
        if mode == "lfs" and known is not None:
            oid = hashlib.sha256(known).hexdigest()
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid}

    def _action(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["oid"] in self.stored:
            return asked
        return {**asked, "actions": {"upload": {"href": f"{self.address}/store/{asked['oid']}"}}}

    def _store(self, oid: str, body: bytes) -> tuple[int, Any]:
        if self.breaks_after is not None and len(self.stored) >= self.breaks_after:
            return 0, None
        if hashlib.sha256(body).hexdigest() != oid:
            return 400, {"error": "the content is not what was announced"}
        self.stored[oid] = body
        return 200, {}

    def _commit(self, lines: list[dict[str, Any]]) -> tuple[int, Any]:
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.files[value["path"]] = self.stored[value["oid"]]
        self.commits += 1
        oid = f"{self.commits:040d}"
        return 200, {"commitUrl": f"{self.address}/a/b/commit/{oid}", "commitOid": oid}


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self._body()
            token = (self.headers.get("authorization") or "").removeprefix("Bearer ") or None
            status, value = hub.answer(self.command, self.path.partition("?")[0], body, token)
            if status == 0:  # the line goes dead
                self.close_connection = True
                return
            said = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 (the names that http.server looks for)

        def _body(self) -> bytes:
            if "chunked" not in (self.headers.get("transfer-encoding") or ""):
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing on the terminal."""

    return Handler


@contextmanager
def running(patch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A Hub that huggingface_hub takes for the real one, and no other is reached."""
    from huggingface_hub import constants

    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    patch.setattr(constants, "ENDPOINT", hub.address)
    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    patch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    patch.setenv("HF_TOKEN", TOKEN)
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

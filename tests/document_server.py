"""`limbeck serve` and `curl` of the documents: a server in a process of its own, at any port that is free."""

import re
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import httpx2 as httpx


class Server:
    """At most one at a time: the next command of this kind stops the last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._url = ""

    def start(self, arguments: list[str]) -> tuple[int, str]:
        """Waits until it serves; otherwise its exit code and what it said."""
        self.stop()
        command = [sys.executable, "-m", "limbeck", *arguments, "--port", "0"]
        self._process = subprocess.Popen(command, cwd=self._folder, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        said = ""
        for line in self._process.stderr:
            said += line
            if found := re.match(r"serving on (\S+)", line):
                self._url = found[1].replace("0.0.0.0", "127.0.0.1")
                self._listener = threading.Thread(target=self._process.stderr.read)
                self._listener.start()
                return 0, said
        self._process.stderr.close()
        return self._process.wait(), said

    def stop(self) -> None:
        """A server that does not stop when it is told to is found here."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            assert self._process.wait(60) == 0
            assert self._listener is not None
            assert self._process.stderr is not None
            self._listener.join()
            self._process.stderr.close()

    def here(self, address: str) -> str:
        """The document's port stands for the one that was free."""
        return re.sub(r"^http://127\.0\.0\.1:\d+", self._url, address)

    def curl(self, words: list[str]) -> str:
        """What it answers."""
        named = [word for word in words if word.startswith("http://127.0.0.1")]
        assert len(named) == 1, "curl asks the server that the document started"
        headers = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")
        bodies = [word for flag, word in pairwise(words) if flag == "-d"]
        method = "POST" if bodies else "GET"
        response = httpx.request(method, self.here(named[0]), headers=headers, content="".join(bodies), timeout=60)
        assert response.status_code == 200, response.text
        return response.text

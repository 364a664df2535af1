"""Places behind URLs: fsspec's memory, and a server of files on this machine that knows ranges."""

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Site:
    """A server's address, the files that it has by name, and how many bytes of them it has sent. `refuses`: the status
    of all its answers. `says`: whether it says how many bytes a file has. `mute`: it never answers."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    refuses: int = 0
    says: bool = True
    mute: threading.Event | None = None
    sent: int = 0


@contextmanager
def site() -> Iterator[Site]:
    """A server while inside."""
    found = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            if found.mute:
                found.mute.wait(60)
                return
            data = found.files.get(self.path.lstrip("/"))
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if found.ranges else None
            part = b"" if data is None else data
            if asked and data is not None:
                part = data[int(asked[1]) : int(asked[2]) + 1 if asked[2] else None]
            self.send_response(found.refuses or (404 if data is None else 206 if asked else 200))
            if found.says:
                self.send_header("Content-Length", str(len(part)))
            else:
                self.send_header("Connection", "close")
            self.send_header("Accept-Ranges", "bytes" if found.ranges else "none")
            self.end_headers()
            if body:
                self.wfile.write(part)
                found.sent += len(part)

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        found.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield found
        server.shutdown()

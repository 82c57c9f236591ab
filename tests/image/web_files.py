"""A web server for the box's updates."""

import contextlib
import functools
import http.server
import re
import threading
from pathlib import Path


class Files:
    """A web server for the box's updates: at http://10.0.2.2 in QEMU's network. Knows ranges, as streaming needs."""

    def __init__(self, folder):
        class Handler(http.server.SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
                path = Path(self.translate_path(self.path))
                if not path.is_file():
                    return self.send_error(404)
                size = path.stat().st_size
                first, last = (int(wanted[1]), min(int(wanted[2] or size - 1), size - 1)) if wanted else (0, size - 1)
                if first >= size:
                    return self.send_error(416)
                self.send_response(206 if wanted else 200)
                if wanted:
                    self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(last - first + 1))
                self.end_headers()
                with path.open("rb") as file, contextlib.suppress(ConnectionError):
                    file.seek(first)
                    left = last - first + 1
                    while left > 0 and (block := file.read(min(left, 1 << 20))):
                        self.wfile.write(block)
                        left -= len(block)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, name):
        return f"http://10.0.2.2:{self.server.server_address[1]}/{name}"

    def close(self):
        self.server.shutdown()

"""A folder as a web site: the pages of a browser program, on an origin of their own."""
import contextlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Pages(SimpleHTTPRequestHandler):
    """Files as they are, `extra` before them; any other path is the program's own and gets its first page."""

    protocol_version = 'HTTP/1.1'
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {'.wasm': 'application/wasm', '.mjs': 'text/javascript'}

    def __init__(self, *arguments, extra, **named):
        self.extra = extra
        super().__init__(*arguments, **named)

    def do_GET(self):
        path = self.path.partition('?')[0]
        if path in self.extra:
            body = self.extra[path].encode()
            self.send_response(200)
            self.send_header('Content-Type', self.guess_type(path))
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        if not Path(self.translate_path(path)).is_file():
            self.path = '/index.html'
        super().do_GET()

    def log_message(self, *_arguments):
        pass


class Site(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, _request, _address):
        """A browser hangs up as it likes."""


@contextlib.contextmanager
def serve(folder, extra):
    """Serves a folder on a free port; gives its origin. `extra` is files by path."""
    server = Site(('127.0.0.1', 0), partial(Pages, directory=str(folder), extra=extra))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f'http://127.0.0.1:{server.server_address[1]}'
    finally:
        server.shutdown()
        server.server_close()

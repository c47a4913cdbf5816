"""A program that takes webhooks: `hooks.py FOLDER SECRET` (base64). Says its port on a line of its own.

It checks each signature by itself and keeps the body in FOLDER/N.json, with its headers in FOLDER/N.headers.
FOLDER/status: what it answers. FOLDER/hang: it answers nothing, and keeps nothing.
"""

import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import sys
import threading
import time

folder = pathlib.Path(sys.argv[1])
secret = base64.b64decode(sys.argv[2])
lock = threading.Lock()
taken = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global taken
        body = self.rfile.read(int(self.headers["Content-Length"]))
        while (folder / "hang").exists():
            time.sleep(0.1)
        signed = b".".join([self.headers["webhook-id"].encode(), self.headers["webhook-timestamp"].encode(), body])
        mine = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        fresh = abs(time.time() - int(self.headers["webhook-timestamp"])) < 60
        if not hmac.compare_digest(mine, self.headers["webhook-signature"]) or not fresh:
            self.send_response(401)
            self.end_headers()
            return
        json.loads(body)
        with lock:
            taken += 1
            name = f"{taken:03}"
            (folder / f"{name}.headers").write_text(json.dumps(dict(self.headers.items())))
            (folder / f"{name}.part").write_bytes(body)
            (folder / f"{name}.part").rename(folder / f"{name}.json")
        status = folder / "status"
        self.send_response(int(status.read_text()) if status.exists() else 204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()

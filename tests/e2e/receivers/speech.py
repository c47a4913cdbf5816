"""A service that writes down what is said, of the shape of `/v1/audio/transcriptions`: `speech.py FOLDER KEY`.

The words are those that PocketSphinx understands; its English model comes with it. Says its port on a line of its own, and
keeps what it answered in FOLDER/N.text. FOLDER/status: what it answers instead.
"""

import email.parser
import email.policy
import http.server
import io
import json
import pathlib
import sys
import threading
import wave

import pocketsphinx

folder = pathlib.Path(sys.argv[1])
key = sys.argv[2]
lock = threading.Lock()
taken = 0


def fields(headers, body):
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    parts = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in form.iter_parts()}
    return parts


def understood(wav):
    with wave.open(io.BytesIO(wav)) as sound:
        rate, frames = sound.getframerate(), sound.readframes(sound.getnframes())
        assert sound.getnchannels() == 1 and sound.getsampwidth() == 2
    decoder = pocketsphinx.Decoder(samprate=float(rate), nfft=1024, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(frames, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global taken
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = folder / "status"
        if status.exists():
            return self.answer(int(status.read_text()), {"error": "busy"})
        if self.headers["Authorization"] != f"Bearer {key}":
            return self.answer(401, {"error": "who are you?"})
        form = fields(self.headers, body)
        if form.get("model") != b"whisper-1" or "file" not in form:
            return self.answer(400, {"error": "model and file are needed"})
        with lock:
            text = understood(form["file"])
            taken += 1
            (folder / f"{taken:03}.wav").write_bytes(form["file"])
            (folder / f"{taken:03}.text").write_text(text)
        self.answer(200, {"text": text})

    def answer(self, status, answer):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()

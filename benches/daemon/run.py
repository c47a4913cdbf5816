#!/usr/bin/env python3
"""Measures the running daemon from outside: run.py [concurrent|setups|latency|start|talks ...]. See README.md beside it."""

import argparse
import base64
import csv
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DAEMON = ROOT / "target/release/frontdesk"
PAIRS = ROOT / "target/release/examples/bench_pairs"
SINK = ROOT / "target/release/examples/bench_sink"
SIP = ("127.0.0.1", 5070)
CALLER_PORT = 6070
HEAR_AT = 9070
TELEPHONES = ("127.0.0.1", 5091)
SERVER_CORE, LOAD_CORE = "0", "1"


# Master key and salt.
KEY_BYTES = {
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_256_CM_HMAC_SHA1_80": 46,
    "AEAD_AES_128_GCM": 28,
    "AEAD_AES_256_GCM": 44,
}


def tell(**figures):
    print(json.dumps(figures), flush=True)


PERSON = """[[person]]
extension = "{extension}"
name = "Anna {extension}"
duty = ["receptionist"]
hunt = ["sip:{extension}@127.0.0.1:{port}"]
"""


class Daemon:
    """The daemon on a core and a data folder of its own, for one measurement."""

    def __init__(self, real_time, people=0):
        self.data = tempfile.TemporaryDirectory(prefix="frontdesk-bench-")
        self.log = open(Path(self.data.name) / "log", "w")
        command = (["chrt", "-r", "1"] if real_time else []) + ["taskset", "-c", SERVER_CORE, str(DAEMON), "serve"]
        command += ["--config", str(HERE / "frontdesk.toml"), "--data", self.data.name + "/data"]
        if people:
            file = Path(self.data.name) / "people.toml"
            file.write_text("".join(PERSON.format(extension=10000 + n, port=TELEPHONES[1]) for n in range(people)))
            os.environ["FRONTDESK_PEOPLE__FILE"] = str(file)
        environment = {**os.environ, "RUST_LOG": os.environ.get("RUST_LOG", "warn")}
        self.begun = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, env=environment, text=True)

    def await_ready(self):
        line = self.process.stdout.readline()
        if "ready" not in line:
            sys.exit(f"the daemon did not start: {Path(self.log.name).read_text()[-2000:]}")
        # The tables of prompts in the telephone's codec are made at first use.
        time.sleep(2)
        return self

    def cpu_s(self):
        return time.clock_gettime(((~self.process.pid) << 3) | 2)

    def memory_kib(self):
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        died = self.process.poll()
        if died is not None:
            print(f"the daemon ended by itself: {died}", file=sys.stderr)
        else:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.log.close()
        self.data.cleanup()


def as_load(real_time, command):
    return ["taskset", "-c", LOAD_CORE] + (["chrt", "-f", "1"] if real_time else []) + command


class Load:
    """SIPp's callers."""

    def __init__(self, args, user, rate, calls, hold_s):
        self.folder = tempfile.TemporaryDirectory(prefix="frontdesk-load-")
        self.begun = time.monotonic()
        self.calls = calls
        scenario = self.scenario(args.srtp)
        command = ["sipp", "%s:%d" % SIP, "-sf", str(scenario), "-s", user, "-i", SIP[0], "-p", str(CALLER_PORT)]
        command += ["-key", "hear_at", str(HEAR_AT), "-r", str(rate), "-m", str(calls), "-d", str(int(hold_s * 1000))]
        command += ["-l", str(calls), "-timer_resol", "1", "-buff_size", "8388608", "-nostdin"]
        command += ["-trace_stat", "-stf", "statistics.csv", "-fd", "1", "-trace_rtt", "-rtt_freq", "1000"]
        command = as_load(args.rt, command)
        self.process = subprocess.Popen(
            command, cwd=self.folder.name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def scenario(self, suite):
        """The callers', with a key for encrypted audio where that is wanted."""
        if not suite:
            return HERE / "call.xml"
        key = base64.b64encode(bytes(range(KEY_BYTES[suite]))).decode()
        keyed = f"a=ptime:20\n      a=crypto:1 {suite} inline:{key}"
        text = (HERE / "call.xml").read_text().replace("RTP/AVP", "RTP/SAVP").replace("a=ptime:20", keyed)
        path = Path(self.folder.name) / "call.xml"
        path.write_text(text)
        return path

    def statistics(self):
        try:
            with open(Path(self.folder.name) / "statistics.csv") as file:
                return list(csv.DictReader(file, delimiter=";"))[-1]
        except (OSError, IndexError):
            return {}

    def created(self):
        return int(self.statistics().get("TotalCallCreated") or 0)

    def end(self, within_s):
        """(calls that went well, retransmissions, seconds)"""
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait()
        last = self.statistics()
        took = time.monotonic() - self.begun
        return int(last.get("SuccessfulCall(C)") or 0), int(last.get("Retransmissions(C)") or 0), took

    def round_trips_ms(self):
        """INVITE to 200, as SIPp saw it."""
        times = []
        for file in Path(self.folder.name).glob("*_rtt.csv"):
            for line in file.read_text().splitlines()[1:]:
                times.append(float(line.split(";")[1]))
        return sorted(times)


def share(ordered, part):
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 3) if ordered else None


def concurrent(args):
    """So many calls hear a prompt at once: pacing, delivery, memory, CPU."""
    for calls in args.calls:
        with Daemon(args.rt).await_ready() as daemon:
            warm = daemon.memory_kib()
            sink = subprocess.Popen(
                as_load(args.rt, [str(SINK), f"{SIP[0]}:{HEAR_AT}"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            sink.stdout.readline()
            load = Load(args, "2000", 250, calls, calls / 250 + args.seconds + 10)
            limit = time.monotonic() + calls / 250 * 2 + 20
            while load.created() < calls and time.monotonic() < limit:
                time.sleep(0.2)
            time.sleep(3)
            cpu = daemon.cpu_s()
            sink.stdin.write("begin\n")
            sink.stdin.flush()
            begun = time.monotonic()
            time.sleep(args.seconds)
            sink.stdin.write("end\n")
            sink.stdin.flush()
            cpu = (daemon.cpu_s() - cpu) / (time.monotonic() - begun)
            heard = json.loads(sink.stdout.readline())
            memory = daemon.memory_kib()
            well, resent, _ = load.end(60)
            sink.stdin.close()
            sink.wait()
            tell(
                test="concurrent",
                calls=calls,
                failed=calls - well,
                retransmissions=resent,
                delivered_pct=round(100 * heard["packets"] / (calls * 50 * heard["window_s"]), 3),
                cpu_pct=round(100 * cpu, 1),
                kib_per_call=round((memory - warm) / calls, 1),
                **heard,
            )


def setups(args):
    """So many calls a second are answered and ended: none may fail."""
    for rate in args.rates:
        with Daemon(args.rt).await_ready() as daemon:
            load = Load(args, "3000", rate, int(rate * args.seconds), 0)
            time.sleep(1)
            cpu, begun = daemon.cpu_s(), time.monotonic()
            time.sleep(max(1, args.seconds - 2))
            cpu = (daemon.cpu_s() - cpu) / (time.monotonic() - begun)
            well, resent, took = load.end(60)
            tell(
                test="setups",
                per_second=rate,
                calls=load.calls,
                failed=load.calls - well,
                retransmissions=resent,
                seconds=round(took, 2),
                cpu_pct=round(100 * cpu, 1),
                memory_kib=daemon.memory_kib(),
            )


def latency(args):
    """INVITE to 200 at a steady rate, by the kernel's time stamps of both packets at the caller's port."""
    with Daemon(args.rt).await_ready():
        for _ in range(args.repeat):
            capture = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
            capture.bind(("lo", 0))
            capture.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
            capture.setsockopt(socket.SOL_SOCKET, 35, 1)
            load = Load(args, "1000", 50, int(50 * args.seconds), 1)
            invited, times = {}, []
            capture.settimeout(0.5)
            while load.process.poll() is None:
                try:
                    frame, extra, _, (_, _, direction, *_) = capture.recvmsg(2048, 64)
                except TimeoutError:
                    continue
                packet = frame[42:]
                # The loopback device shows each packet twice, going out and coming in.
                if direction != socket.PACKET_HOST or frame[23] != 17 or b"\r\nCSeq: 1 INVITE\r\n" not in packet:
                    continue
                call = packet.split(b"\r\nCall-ID: ", 1)[-1].split(b"\r\n", 1)[0]
                seconds, nanos = struct.unpack("qq", extra[0][2][:16])
                at_ms = seconds * 1e3 + nanos / 1e6
                if packet.startswith(b"INVITE "):
                    invited.setdefault(call, at_ms)
                elif packet.startswith(b"SIP/2.0 200 ") and call in invited:
                    times.append(at_ms - invited.pop(call))
            capture.close()
            well, resent, _ = load.end(1)
            times.sort()
            tell(
                test="latency",
                per_second=50,
                calls=load.calls,
                failed=load.calls - well,
                retransmissions=resent,
                measured=len(times),
                p50_ms=share(times, 0.5),
                p99_ms=share(times, 0.99),
                max_ms=share(times, 1),
            )


def talks(args):
    """So many callers talk to as many receptionists through the desk: what it adds to the delay."""
    for calls in args.talks:
        for codecs in (["pcma", "pcma"], ["pcma", "g722"]):
            with Daemon(args.rt, people=calls).await_ready() as daemon:
                command = [str(PAIRS), "%s:%d" % SIP, "%s:%d" % TELEPHONES, str(calls), str(int(args.seconds)), *codecs]
                pairs = subprocess.Popen(as_load(args.rt, command), stdout=subprocess.PIPE, text=True)
                pairs.stdout.readline()
                cpu, begun = daemon.cpu_s(), time.monotonic()
                time.sleep(args.seconds / 2)
                cpu = (daemon.cpu_s() - cpu) / (time.monotonic() - begun)
                report = json.loads(pairs.stdout.readline())
                pairs.wait()
                tell(test="talks", calls=calls, codecs="/".join(codecs), cpu_pct=round(100 * cpu, 1), **report)


INVITE = """INVITE sip:1000@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{nth}
Max-Forwards: 70
From: <sip:start@127.0.0.1>;tag=t{nth}
To: <sip:1000@127.0.0.1>
Call-ID: start-{nth}
CSeq: 1 INVITE
Contact: <sip:start@127.0.0.1:{port}>
Content-Type: application/sdp
Content-Length: {length}

{body}"""
BODY = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9070 RTP/AVP 8\r\n"


def start(args):
    """From exec to the first 200, with an empty data folder and an INVITE every few milliseconds."""
    for _ in range(args.repeat):
        with Daemon(args.rt) as daemon, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.bind((SIP[0], 0))
            caller.settimeout(0.004)
            answered, nth = None, 0
            while answered is None and time.monotonic() < daemon.begun + 30:
                nth += 1
                invite = INVITE.replace("\n", "\r\n").format(
                    port=caller.getsockname()[1], nth=nth, length=len(BODY), body=BODY
                )
                try:
                    caller.sendto(invite.encode(), SIP)
                    while answered is None:
                        if caller.recv(65535).startswith(b"SIP/2.0 200 "):
                            answered = time.monotonic() - daemon.begun
                except (TimeoutError, ConnectionRefusedError):
                    time.sleep(0.001)
            tell(test="start", first_answer_ms=round(answered * 1000, 1) if answered else None, invites=nth)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tests", nargs="*", default=["start", "latency", "setups", "concurrent"])
    parser.add_argument("--rt", action="store_true", help="real-time priority for both sides, where other work shares the machine")
    parser.add_argument("--calls", type=int, nargs="+", default=[1000, 2000, 3000, 4000])
    parser.add_argument("--talks", type=int, nargs="+", default=[500, 1000])
    parser.add_argument("--rates", type=int, nargs="+", default=[1000, 2000, 4000])
    parser.add_argument("--srtp", choices=sorted(KEY_BYTES), help="callers demand encrypted audio in this suite")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for name in args.tests:
        {"start": start, "latency": latency, "setups": setups, "concurrent": concurrent, "talks": talks}[name](args)


main()

#!/usr/bin/env python3
"""What open consoles cost a running daemon: CPU of its process without and with N listeners of the live board, and the
bytes of a first page over the wire.

    consoles.py HOST:PORT NAME PASSWORD_FILE PID [--consoles 200] [--seconds 20] [-- CALLER ...]

NAME is an account of the console, PASSWORD_FILE has its password in the first line, PID is the daemon's. CALLER is a
command that calls the line while it is measured, such as `sipp -sn uac 127.0.0.1:5060 -s desk -r 1 -d 15000 -m 60`.
"""

import argparse
import asyncio
import gzip
import os
import re
import subprocess
import sys
import time
import urllib.parse


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Console:
    def __init__(self, address):
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.address = address
        self.cookie = None
        self.heard = 0

    async def ask(self, method, path, body=None):
        reader, writer = await asyncio.open_connection(self.host, self.port)
        head = [f"{method} {path} HTTP/1.1", f"Host: {self.address}", "Connection: close", "Accept-Encoding: gzip"]
        if self.cookie:
            head.append(f"Cookie: {self.cookie}")
        data = (body or "").encode()
        if body is not None:
            head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(data)}", "X-In-Place: 1"]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + data)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        return answer

    async def sign_in(self, name, password):
        answer = await self.ask("POST", "/sign-in", urllib.parse.urlencode({"name": name, "password": password}))
        cookie = re.search(rb"[Ss]et-[Cc]ookie: ([^;]+)", answer)
        if not cookie:
            sys.exit("the name or password is wrong, or the account has a second factor")
        self.cookie = cookie.group(1).decode()

    async def listen(self):
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(
            f"GET /live?board=1 HTTP/1.1\r\nHost: {self.address}\r\nCookie: {self.cookie}\r\n\r\n".encode()
        )
        while data := await reader.read(65536):
            self.heard += len(data)


async def first_page(console):
    answer = await console.ask("GET", "/board")
    body = answer.split(b"\r\n\r\n", 1)[1]
    start = body.find(b"\x1f\x8b")
    text = body
    if start >= 0:
        # Chunked: the pieces are put together.
        whole, rest = b"", body
        while rest:
            size, rest = rest.split(b"\r\n", 1)
            if int(size, 16) == 0:
                break
            whole, rest = whole + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        text = gzip.decompress(whole)
    total = len(answer)
    for path in sorted(set(re.findall(rb'(?:src|href)="(/assets/[^"]+)"', text))):
        total += len(await console.ask("GET", path.decode()))
    return total


async def measure(console, args, name):
    cpu, since = cpu_s(args.pid), time.monotonic()
    await asyncio.sleep(args.seconds)
    print(f"{name}: {100 * (cpu_s(args.pid) - cpu) / (time.monotonic() - since):.2f} % of a core")


async def main(args):
    console = Console(args.address)
    with open(args.password_file) as file:
        await console.sign_in(args.name, file.readline().rstrip("\n"))
    took = []
    for _ in range(50):
        since = time.monotonic()
        await console.ask("GET", "/board")
        took.append(1000 * (time.monotonic() - since))
    took.sort()
    print(f"the board's page: median {took[25]:.1f} ms, slowest {took[-1]:.1f} ms")
    print(f"a first page and its files: {await first_page(console) / 1024:.0f} KiB over the wire")
    await measure(console, args, "nobody calls, nobody watches")
    caller = None
    if args.caller:
        caller = subprocess.Popen(args.caller, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await asyncio.sleep(5)
        await measure(console, args, "calls, nobody watches")
    listeners = [asyncio.create_task(console.listen()) for _ in range(args.consoles)]
    await asyncio.sleep(3)
    heard = console.heard
    await measure(console, args, f"{'calls, ' if caller else ''}{args.consoles} watch")
    print(f"each was sent {(console.heard - heard) / args.consoles / args.seconds:.0f} bytes a second")
    for listener in listeners:
        listener.cancel()
    if caller:
        caller.terminate()


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("address")
parser.add_argument("name")
parser.add_argument("password_file")
parser.add_argument("pid", type=int)
parser.add_argument("--consoles", type=int, default=200)
parser.add_argument("--seconds", type=float, default=20)
parser.add_argument("caller", nargs="*")
asyncio.run(main(parser.parse_args()))

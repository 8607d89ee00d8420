#!/usr/bin/env python3
"""Load on the network modules: servers under two or more interpreters, the same client for all, on loopback.

    load.py NAME=INTERPRETER NAME=INTERPRETER … [--requests N] [--connections N] [--crowds N]

An `asyncio` echo server and a `http.server` with threads each answer requests over some connections at a time; then very
many connections are open at once and each asks something; then clients vanish in the middle of a request. Shown are
requests in a second, and what memory and open descriptors of the server were before and are after all of it (Linux).
The first interpreter is what the others are compared with. Runs under CPython 3.14.
"""
import argparse
import asyncio
import os
import pathlib
import socket
import struct
import subprocess
import time

SERVERS = {
    "echo": '''
import asyncio
async def answer(reader, writer):
    try:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
''',
    "http": '''
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_GET(self):
        body = b"hello, world"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 2048
    def handle_error(self, request, client_address):
        pass
server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
''',
}
REQUESTS = {"echo": b"hello, world\n", "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"}


async def ask(kind, reader, writer):
    """One request and its whole answer."""
    writer.write(REQUESTS[kind])
    if kind == "echo":
        answer = await reader.readline()
    else:
        head = await reader.readuntil(b"\r\n\r\n")
        answer = await reader.readexactly(12) if b" 200 " in head else head
    if answer.strip() != b"hello, world":
        raise SystemExit(f"wrong answer: {answer!r}")


async def client(kind, port, requests, started=None, opened=None):
    """Asks over one connection; waits for `started` once it is open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    if started is not None:
        opened.release()
        await started.wait()
    for _ in range(requests):
        await ask(kind, reader, writer)
    writer.close()
    await writer.wait_closed()


async def in_turn(kind, port, requests, at_a_time):
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_a_time):
            group.create_task(client(kind, port, requests // at_a_time))
    return requests / (time.perf_counter() - begun)


async def at_once(kind, port, connections):
    started, opened = asyncio.Event(), asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(client(kind, port, 1, started, opened))
        for _ in range(connections):
            await opened.acquire()
        started.set()


def vanish(kind, port, clients):
    """Clients that send half a request and reset the connection."""
    for _ in range(clients):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(REQUESTS[kind][: len(REQUESTS[kind]) // 2])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def state(process):
    """Resident memory in KiB, open descriptors and threads."""
    folder = pathlib.Path("/proc", str(process))
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]), len(os.listdir(folder / "fd")), int(status["Threads"])


def settled(process, descriptors):
    """The state once connections are gone, or after five seconds."""
    for _ in range(50):
        now = state(process)
        if now[1] <= descriptors and now[2] == 1:
            break
        time.sleep(0.1)
    # Allocators give memory back a while after it was freed.
    time.sleep(3)
    return state(process)


def measure(kind, interpreter, options):
    process = subprocess.Popen([interpreter, "-c", SERVERS[kind]], stdout=subprocess.PIPE)
    try:
        port = int(process.stdout.readline())
        asyncio.run(in_turn(kind, port, 1000, 20))
        first = settled(process.pid, 0 if kind == "http" else 6)
        rate = asyncio.run(in_turn(kind, port, options.requests, 20))
        states = [first, settled(process.pid, first[1])]
        rate_after = rate
        for _ in range(options.crowds):
            for _ in range(2):
                asyncio.run(at_once(kind, port, options.connections))
                vanish(kind, port, 200)
            states.append(settled(process.pid, first[1]))
            rate_after = asyncio.run(in_turn(kind, port, options.requests // 4, 20))
        return rate, rate_after, *states
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("interpreter", nargs="+")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--crowds", type=int, default=2, help="how often two crowds of connections come")
    options = parser.parse_args()
    for kind in SERVERS:
        base = None
        for name, _, interpreter in (each.partition("=") for each in options.interpreter):
            rate, after, *states = measure(kind, interpreter, options)
            base = base or rate
            shown = ", ".join(f"{memory} KiB {descriptors} fd" for memory, descriptors, _ in states)
            print(f"{kind:5} {name:10} {rate:8.0f}/s {rate / base:5.2f}x, later {after:8.0f}/s; "
                  f"first, after requests, after each two crowds: {shown}", flush=True)


main()

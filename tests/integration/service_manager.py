#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays systemd for an order server: a readiness socket, a watchdog, and a listening socket that outlives the
server. service_manager.py ORDER_SERVER FAIL_POINTS_SERVER [OPTION...]"""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading

server, stallable, *options = sys.argv[1:]
patience = 60  # seconds: only a failing test waits for it
work = pathlib.Path(tempfile.mkdtemp())
failures = 0


def check(holds, what):
    global failures
    if not holds:
        failures += 1
        print(f"FAILED: {what}")


class Manager:
    """The manager's end of NOTIFY_SOCKET."""

    def __init__(self):
        self.path = str(pathlib.Path(tempfile.mkdtemp(dir=work)) / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(patience)

    def next(self, timeout=patience):
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(4096).decode()
        except TimeoutError:
            return None

    def hears(self, wanted):
        """Skips what comes before."""
        while (state := self.next()) is not None:
            if state == wanted:
                return True
        return False


def start(program, manager=None, listening=None, **environment):
    """Starts the program. LISTEN_PID must be its own, so another program sets it and becomes this one."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("LISTEN_", "WATCHDOG_"))}
    variables.update(JWT_SECRET="s" * 32, RAZORPAY_KEY_SECRET="r", **environment)
    if manager:
        variables["NOTIFY_SOCKET"] = manager.path
    command = [program, "--port", "0", "--db", str(work / "shop.db"), *options]
    if listening is None:
        return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    become = """import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])"""
    descriptor = listening.fileno()
    return subprocess.Popen([sys.executable, "-c", become, str(descriptor), *command], env=variables,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, pass_fds=(descriptor,))


def ask(address, path="/api/v1/stores"):
    """The first line of the answer on a connection of its own, or why there was none."""
    try:
        with socket.create_connection(address, timeout=patience) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while part := client.recv(65536):
                answer += part
            return answer.split(b"\r\n")[0].decode() or "closed without an answer"
    except OSError as error:
        return repr(error)


def end(process):
    process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=patience)
    process.stdout.close()
    return code


def tells_when_it_is_ready_and_when_it_stops():
    manager = Manager()
    process = start(server, manager)
    check(manager.next() == "READY=1", "READY=1 is the first message")
    port = int(process.stdout.readline().split()[2].rsplit(":", 1)[1])
    check(ask(("127.0.0.1", port), "/readyz").endswith("200 OK"), "a server that said READY=1 is ready")
    check(manager.next(timeout=1.5) is None, "without WATCHDOG_USEC there is no WATCHDOG=1")
    process.send_signal(signal.SIGTERM)
    check(manager.hears("STOPPING=1"), "STOPPING=1 on SIGTERM")
    check(process.wait(timeout=patience) == 0, "exit code 0")


def feeds_the_watchdog_until_a_part_stands_still():
    manager = Manager()
    gates = pathlib.Path(tempfile.mkdtemp(dir=work))
    process = start(stallable, manager, WATCHDOG_USEC="600000", ORDER_SERVER_STALL=str(gates),
                    ORDER_SERVER_STALL_LIMIT_MS="7000")
    port = int(process.stdout.readline().split()[2].rsplit(":", 1)[1])
    for _ in range(3):
        check(manager.hears("WATCHDOG=1"), "WATCHDOG=1 while all is well")
    (gates / "io").touch()
    stuck = threading.Thread(target=ask, args=(("127.0.0.1", port),))  # waits in the I/O thread
    stuck.start()
    # The limit is above the five seconds after which an idle part looks for work. The pings end when it is over; what was sent before may still wait to be read.
    for _ in range(200):
        if manager.next(timeout=2) is None:
            break
    else:
        check(False, "the pings go on although an I/O thread stands still")
    (gates / "io").unlink()
    check(manager.hears("WATCHDOG=1"), "WATCHDOG=1 again")
    stuck.join()
    check(end(process) == 0, "exit code 0")


def a_restart_refuses_nobody():
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    address = listening.getsockname()
    answers, stop = [], threading.Event()

    def visit():
        while not stop.is_set():
            answers.append(ask(address))

    process = start(server, listening=listening)
    check(process.stdout.readline().split()[2].endswith(f":{address[1]}"), "it serves the socket that it was given")
    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    for _ in range(3):
        before = len(answers)
        while len(answers) < before + 40:
            check(process.poll() is None, "the server runs")
            stop.wait(0.01)
        check(end(process) == 0, "exit code 0")
        process = start(server, listening=listening)
        process.stdout.readline()
    stop.set()
    for visitor in visitors:
        visitor.join()
    wrong = [answer for answer in answers if not answer.endswith("401 Unauthorized")]
    check(not wrong, f"{len(wrong)} of {len(answers)} were refused: {wrong[:3]}")
    check(end(process) == 0, "exit code 0")


def a_wrong_variable_is_named():
    for name, value in (("NOTIFY_SOCKET", "relative"), ("WATCHDOG_USEC", "soon")):
        variables = {**os.environ, "JWT_SECRET": "s" * 32, name: value}
        ran = subprocess.run([server, "--port", "0", "--db", str(work / "other.db"), *options], env=variables,
                             capture_output=True, text=True, timeout=patience, check=False)
        check(ran.returncode == 1 and f"order_server: {name}: must be" in ran.stderr, f"{name}: {ran.stderr}")
    check(not (work / "other.db").exists(), "a refused start leaves no database")


for test in (tells_when_it_is_ready_and_when_it_stops, feeds_the_watchdog_until_a_part_stands_still,
             a_restart_refuses_nobody, a_wrong_variable_is_named):
    test()
sys.exit(failures != 0)

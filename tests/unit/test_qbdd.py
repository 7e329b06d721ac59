#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The real daemon, with a state directory and a socket of its own.

It needs no kernel module: it says that there is none, and works.
"""
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
import ktap  # noqa: E402

QBDCTL = os.environ.get("QBDCTL", os.path.join(TOP, "build/user/qbdctl"))
QBDD = os.environ.get("QBDD", os.path.join(TOP, "build/user/qbdd"))
CONF = """[node]
name = alpha
[control]
listen = 10.0.0.1
[data]
addresses = 10.1.0.1
"""


def run(*words, **env):
    done = subprocess.run(words, text=True, capture_output=True, check=False,
                          timeout=60, env={**os.environ, **env})
    return done.returncode, done.stdout, done.stderr


class Supervisor:
    """The socket that a supervisor waits at."""

    def __init__(self, path):
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("\0" + path[1:] if path[0] == "@" else path)
        self.sock.settimeout(20)

    def wait(self, word):
        """Until a message has the word in it: that message."""
        while True:
            message = self.sock.recv(4096).decode()
            if word in message:
                return message

    def close(self):
        self.sock.close()


@unittest.skipUnless(os.access(QBDCTL, os.X_OK) and os.access(QBDD, os.X_OK),
                     "not built")
class Qbdd(unittest.TestCase):
    def setUp(self):
        self.where = tempfile.TemporaryDirectory()
        self.addCleanup(self.where.cleanup)
        self.dir = self.where.name
        self.conf = self.file("qbdd.conf")
        self.socket = self.file("run/qbdd.sock")
        self.supervisor = Supervisor(self.file("notify"))
        self.addCleanup(self.supervisor.close)
        self.logs = {}
        self.write(CONF)

    def file(self, name):
        return os.path.join(self.dir, name)

    def write(self, text):
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(text)

    def words(self, *more):
        return [QBDD, "--config", self.conf, "--state-dir",
                self.file("state"), "--socket", self.socket, *more]

    def start(self, *more, user=None, stderr=None, before=None, **env):
        """A daemon that is ready."""
        log = self.file(f"log{len(self.logs)}")
        with open(log, "wb") as file:
            daemon = subprocess.Popen(
                self.words(*more), stderr=stderr or file, user=user,
                preexec_fn=before,
                env={**os.environ, "NOTIFY_SOCKET": self.supervisor.path,
                     **env})
        self.logs[daemon.pid] = log
        self.addCleanup(self.end, daemon)
        self.supervisor.wait("READY=1\n")
        return daemon

    def end(self, daemon):
        if daemon.poll() is None:
            daemon.kill()
        daemon.wait(20)

    def log(self, daemon, event, nr=1):
        """So many lines of its log about the event."""
        until = time.monotonic() + 20
        while True:
            with open(self.logs[daemon.pid], encoding="utf-8") as file:
                lines = [line for line in file if f" event={event} " in line]
            if len(lines) >= nr:
                return "".join(lines)
            self.assertLess(time.monotonic(), until, event)
            time.sleep(0.01)

    def ctl(self, *words):
        return run(QBDCTL, *words, QBD_SOCKET=self.socket)

    def status(self):
        code, out, err = self.ctl("daemon", "status", "--json")
        self.assertEqual((0, ""), (code, err))
        return json.loads(out)

    # --- verbs --------------------------------------------------------------

    def test_status(self):
        daemon = self.start()
        said = self.status()
        self.assertEqual(("alpha", daemon.pid, self.socket, "info"),
                         (said["node"], said["pid"], said["socket"],
                          said["log_level"]))
        self.assertEqual(os.path.exists("/sys/module/qbd"),
                         said["kernel"]["loaded"])
        self.assertGreater(said["memory_bytes"], 100000)
        self.assertGreater(said["loop"]["turns"], 0)
        self.assertEqual((1, 0), (said["admin"]["clients"],
                                  said["admin"]["bad"]))
        code, out, err = self.ctl("daemon", "status")
        self.assertEqual((0, ""), (code, err))
        self.assertRegex(out, r"(?m)^node +alpha$")
        self.assertRegex(out, rf"(?m)^pid +{daemon.pid}$")
        if not os.path.exists("/sys/module/qbd"):
            self.assertRegex(out, "(?m)^kernel module +not loaded: run "
                             "'modprobe qbd'$")
        self.assertGreater(self.status()["uptime_ns"], said["uptime_ns"])

    def test_socket_by_option(self):
        self.start()
        self.assertEqual(0, run(QBDCTL, "ping", "--socket", self.socket,
                                QBD_SOCKET="/nonexistent")[0])
        self.assertEqual(1, run(QBDCTL, "ping", QBD_SOCKET="/nonexistent")[0])

    def test_log_level(self):
        daemon = self.start()
        code, out, err = self.ctl("daemon", "log-level", "debug", "--json")
        self.assertEqual((0, ""), (code, err))
        self.assertEqual({"before": "info", "log_level": "debug"},
                         json.loads(out))
        self.assertEqual("debug", self.status()["log_level"])
        self.assertIn('verb="daemon log-level"',
                      self.log(daemon, "admin-change"))
        code, out, err = self.ctl("daemon", "log-level", "loud")
        self.assertEqual((2, ""), (code, out))
        self.assertTrue(err.startswith(
            "qbdctl: level: expected none, error, warn, info or debug\n"))
        for words in ((), ("info", "warn"), ("info", "--frob")):
            self.assertEqual(2, self.ctl("daemon", "log-level", *words)[0])

    def test_ping(self):
        self.start()
        code, out, err = self.ctl("ping")
        self.assertEqual((0, ""), (code, err))
        self.assertRegex(out, r"^node +alpha\nversion +\S+\n$")

    def test_it_does_not_run(self):
        code, out, err = self.ctl("daemon", "status")
        self.assertEqual((1, ""), (code, out))
        self.assertIn("start it with 'systemctl start qbdd'", err)

    def test_help(self):
        code, out, err = self.ctl("daemon", "--help")
        self.assertEqual((0, ""), (code, err))
        for part in "  status\n", "  log-level LEVEL\n", "--socket PATH":
            self.assertIn(part, out)
        self.assertEqual((2, "", out), self.ctl("daemon"))
        code, out, err = self.ctl("daemon", "frob")
        self.assertEqual((2, "", "qbdctl: unknown: daemon frob; see 'qbdctl "
                          "daemon --help'\n"), (code, out, err))
        code, out, err = run(QBDD, "--help")
        self.assertEqual((0, ""), (code, err))
        self.assertLessEqual(max(map(len, out.split("\n"))), 80)

    # --- life and death ------------------------------------------------------

    def test_killed_and_started_again(self):
        daemon = self.start()
        daemon.kill()
        daemon.wait(20)
        self.assertTrue(os.path.exists(self.socket))
        self.assertEqual(1, self.ctl("ping")[0])
        self.start()
        self.assertEqual(0, self.ctl("ping")[0])

    def test_second_one_is_refused(self):
        daemon = self.start()
        code, out, err = run(*self.words("--socket", self.file("run/other")))
        self.assertEqual((1, ""), (code, out))
        self.assertIn(f"state: in use by another qbdd (process {daemon.pid})",
                      err)
        code, out, err = run(*self.words("--state-dir", self.file("other")))
        self.assertEqual((1, ""), (code, out))
        self.assertIn("another daemon answers there", err)
        self.assertEqual(0, self.ctl("ping")[0])

    def test_side_by_side(self):
        self.start()
        self.start("--state-dir", self.file("state2"), "--socket",
                   self.file("run/second.sock"))
        self.assertEqual(0, self.ctl("ping")[0])
        self.assertEqual(0, run(QBDCTL, "ping", "--socket",
                                self.file("run/second.sock"))[0])

    def test_told_to_end(self):
        for number in signal.SIGTERM, signal.SIGINT:
            daemon = self.start()
            with socket.socket(socket.AF_UNIX) as idle:
                idle.connect(self.socket)
                before = time.monotonic()
                daemon.send_signal(number)
                self.assertEqual(0, daemon.wait(20))
                self.assertLess(time.monotonic() - before, 1)
                self.assertEqual(b"", idle.recv(1))
            self.supervisor.wait("STOPPING=1\n")
            self.assertFalse(os.path.exists(self.socket))

    def test_what_the_process_is(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        daemon = self.start(before=lambda: (
            resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard)),
            os.umask(0o022)))
        proc = f"/proc/{daemon.pid}/"
        with open(proc + "status", encoding="ascii") as file:
            self.assertIn("Umask:\t0077\n", file.read())
        with open(proc + "limits", encoding="ascii") as file:
            limit = next(line for line in file if "open files" in line)
        self.assertGreaterEqual(int(limit.split()[3]), 17408)

    @unittest.skipIf(os.getuid(), "has to be root, to be somebody else")
    def test_core_dumps(self):
        """Files in /proc of who may not be dumped are root's."""
        nobody = 65534
        os.chown(self.dir, nobody, nobody)
        os.chmod(self.supervisor.path, 0o777)
        for words, owner in ((), 0), (("--core-dumps",), nobody):
            daemon = self.start(*words, user=nobody)
            self.assertEqual(owner,
                             os.stat(f"/proc/{daemon.pid}/environ").st_uid)
            self.assertEqual(0, self.ctl("ping")[0])
            self.end(daemon)

    def test_no_reader_of_the_log(self):
        reader, writer = os.pipe()
        daemon = self.start(stderr=writer)
        os.close(writer)
        os.close(reader)
        for level in "debug", "info":
            self.assertEqual(0, self.ctl("daemon", "log-level", level)[0])
        daemon.terminate()
        self.assertEqual(0, daemon.wait(20))

    # --- the supervisor --------------------------------------------------------

    def test_supervisor(self):
        self.supervisor.close()
        self.supervisor = Supervisor(f"@qbd-test-{os.getpid()}")
        self.addCleanup(self.supervisor.close)
        daemon = self.start(WATCHDOG_USEC="100000")
        for _ in range(3):
            self.supervisor.wait("WATCHDOG=1\n")
        # a stopped loop feeds no dog
        daemon.send_signal(signal.SIGSTOP)
        self.supervisor.sock.settimeout(1)
        with self.assertRaises(TimeoutError):
            while True:
                self.supervisor.wait("WATCHDOG=1\n")
        daemon.send_signal(signal.SIGCONT)
        self.supervisor.sock.settimeout(20)
        self.supervisor.wait("WATCHDOG=1\n")

    def test_reload(self):
        daemon = self.start()
        self.write(CONF.replace("alpha", "beta") +
                   "[daemon]\nlog-level = debug\n")
        daemon.send_signal(signal.SIGHUP)
        self.assertIn("MONOTONIC_USEC=", self.supervisor.wait("RELOADING=1\n"))
        self.supervisor.wait("READY=1\n")
        self.assertIn("section=node key=name",
                      self.log(daemon, "restart-needed"))
        self.assertIn("level=debug", self.log(daemon, "reloaded"))
        said = self.status()
        self.assertEqual(("alpha", "debug"), (said["node"], said["log_level"]))
        # one that is wrong changes nothing
        self.write(CONF + "[daemon]\nlog-level = loud\nfrob = 1\n")
        daemon.send_signal(signal.SIGHUP)
        self.supervisor.wait("READY=1\n")
        said = self.log(daemon, "reload-failed", 2)
        self.assertIn("line=8 reason=", said)
        self.assertIn("line=9 reason=", said)
        self.assertEqual("debug", self.status()["log_level"])

    def test_command_line_overrules_reload(self):
        daemon = self.start("--log-level", "warn")
        self.write(CONF + "[daemon]\nlog-level = debug\nsocket = /x/y\n")
        daemon.send_signal(signal.SIGHUP)
        self.supervisor.wait("RELOADING=1\n")
        self.supervisor.wait("READY=1\n")
        self.assertEqual("warn", self.status()["log_level"])

    # --- what it is started with -----------------------------------------------

    def test_check_config(self):
        self.assertEqual((0, f"{self.conf}: ok\n", ""),
                         run(*self.words("--check-config")))
        self.write("[node]\ntitle = a\n[control]\nlisten = x\n")
        code, out, err = run(*self.words("--check-config"))
        self.assertEqual((2, ""), (code, out))
        self.assertEqual(
            [f"{self.conf}:2: title: no such key in [node]; there are name",
             f"{self.conf}:4: listen = x: not an address; expected 1 to 8 "
             "addresses, as 10.0.0.1, fd00::1",
             f"{self.conf}: name is missing in [node]; expected 1 to 63 "
             "letters, digits and -_. that begin and end with a letter or "
             "digit",
             f"{self.conf}: [data] with addresses is missing; expected 1 to "
             "8 addresses, as 10.0.0.1, fd00::1"], err.splitlines())
        self.assertFalse(os.path.exists(self.file("state")))
        # and so it does not start either
        self.assertEqual((2, "", err), run(*self.words()))

    def test_no_file(self):
        os.unlink(self.conf)
        code, out, err = run(*self.words())
        self.assertEqual((2, ""), (code, out))
        self.assertIn("qbdd.conf.example", err)

    def test_usage(self):
        for words in (("--frob",), ("word",), ("--log-level", "loud"),
                      ("--state-dir", "relative"), ("--socket", "/"),
                      ("--socket", "/" + "x" * 107), ("--version=1",)):
            code, out, err = run(QBDD, *words)
            self.assertEqual((2, ""), (code, out), words)
            self.assertTrue(err.startswith("qbdd: "), err)
            self.assertIn("usage: qbdd [--config FILE]", err)
        self.assertRegex(run(QBDD, "--version")[1], r"^qbdd [\d.]+\n$")

    def test_state_dir_of_others(self):
        os.mkdir(self.file("state"))
        os.chmod(self.file("state"), 0o777)
        code, out, err = run(*self.words())
        self.assertEqual((1, ""), (code, out))
        self.assertIn("state: others may write there", err)
        os.rmdir(self.file("state"))
        with open(self.file("state"), "w", encoding="ascii"):
            pass
        self.assertEqual(1, run(*self.words())[0])

    def test_watchdog(self):
        """It is fed while the loop turns, and not when it does not."""
        daemon = self.start(WATCHDOG_USEC="400000")
        for _ in range(3):
            self.supervisor.wait("WATCHDOG=1")
        daemon.send_signal(signal.SIGSTOP)
        self.supervisor.sock.settimeout(1)
        with self.assertRaises(socket.timeout):
            while True:
                self.supervisor.wait("WATCHDOG=1")
        self.supervisor.sock.settimeout(20)
        daemon.send_signal(signal.SIGCONT)
        self.supervisor.wait("WATCHDOG=1")
        daemon.send_signal(signal.SIGTERM)
        self.supervisor.wait("STOPPING=1")
        self.assertEqual(0, daemon.wait(20))

    def test_notify_socket_that_is_none(self):
        code, _, err = run(*self.words("--state-dir", "/nonexistent/a/b"),
                           NOTIFY_SOCKET="vsock:1:2")
        self.assertEqual(1, code)
        self.assertIn("event=notify-unusable", err)
        self.assertIn("can not make the state directory", err)


ktap.main()

"""A box in QEMU: started from a fresh layer over an image, asked over HTTP, RTMP, SSH and its serial console."""

import contextlib
import functools
import http.server
import os
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
# An emulated processor on a loaded machine: twenty seconds become ten minutes. Nothing is measured by these.
PATIENCE = float(os.environ.get("WIIDIA_PATIENCE", "1")) * 600


class Trouble(AssertionError):
    """The box did something else than it should."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, question, patience=PATIENCE, pause=1.0):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + patience
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Trouble(f"{what}: not within {patience:.0f} s")
        time.sleep(pause)


class Card:
    """A card: a layer over an image, which stays as it is."""

    def __init__(self, folder, image, key, size="4G"):
        self.path = Path(folder) / f"card-{time.monotonic_ns()}.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(Path(image).resolve()), "-F", "raw", self.path, size], check=True)
        self.put("wiidia/authorized_keys", key.with_suffix(".pub").read_text())

    def put(self, name, text):
        """Puts a file onto the first partition, as a person does at a computer."""
        subprocess.run([ROOT / "scripts/box-card", "put", self.path, "-", name], input=text, text=True, check=True)

    def get(self, name):
        done = subprocess.run([ROOT / "scripts/box-card", "get", self.path, name], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None


class Machine:
    """A card in a box, switched on."""

    def __init__(self, folder, card, key, mac="52:54:00:12:34:56", options=()):
        self.card, self.key = card, key
        self.http_port, self.rtmp_port, self.ssh_port = free_port(), free_port(), free_port()
        self.log = Path(folder) / f"serial-{time.monotonic_ns()}.log"
        self.monitor = Path(tempfile.mkdtemp(prefix="box")) / "monitor"
        self.control = Path(tempfile.mkdtemp(prefix="box")) / "ssh"
        forward = ",".join(f"hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in
                           ((self.http_port, 80), (self.rtmp_port, 1935), (self.ssh_port, 22)))
        restrict = ",restrict=on" if "offline" in options else ""
        clock = ["-rtc", "base=1970-01-01T00:00:10"] if "1970" in options else []
        self.process = subprocess.Popen(
            ["qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-smp", "2", "-m", "1280",
             "-accel", "tcg,thread=multi,tb-size=256", "-bios", FIRMWARE,
             "-drive", f"if=none,id=card,file={card.path},format=qcow2", "-device", "virtio-blk-pci,drive=card",
             "-netdev", f"user,id=net{restrict},{forward}", "-device", f"virtio-net-pci,netdev=net,mac={mac},romfile=",
             "-device", "virtio-rng-pci", "-device", "i6300esb", "-action", "watchdog=reset",
             "-display", "none", "-monitor", f"unix:{self.monitor},server=on,wait=off", "-serial", f"file:{self.log}", *clock],
            stdin=subprocess.DEVNULL)
        self.started = time.monotonic()

    # ---- power ----

    def pull_the_plug(self):
        """Ends it between two instructions."""
        self.forget_connection()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def is_on(self):
        return self.process.poll() is None

    # ---- what it says ----

    def console(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def starts(self):
        """The slots that the boot loader started, in their order: "AAB"."""
        return "".join(re.findall(r"^starting slot ([AB])", self.console(), re.M))

    # ---- as a viewer ----

    def url(self, path):
        return f"http://127.0.0.1:{self.http_port}{path}"

    def get(self, path, timeout=60):
        with urllib.request.urlopen(self.url(path), timeout=timeout) as answer:
            return answer.read()

    def serves(self):
        try:
            return bool(self.get("/", timeout=20))
        except (OSError, urllib.error.URLError, ConnectionError):
            return False

    def wait_until_it_serves(self):
        until("the page answers", lambda: self.serves() or self.fail_if_off())
        return time.monotonic() - self.started

    def fail_if_off(self):
        if not self.is_on():
            raise Trouble("the machine is off")
        return False

    # ---- as root ----

    def ssh_command(self):
        return ["ssh", "-p", str(self.ssh_port), "-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60", "-o", "ControlMaster=auto", "-o", "ControlPersist=600",
                "-o", f"ControlPath={self.control}", "-o", "BatchMode=yes", "root@127.0.0.1"]

    def forget_connection(self):
        with contextlib.suppress(OSError):
            self.control.unlink()

    def run(self, command, timeout=PATIENCE, check=True, stdin=None):
        """Runs a command of the shell on the box; returns what it printed."""
        done = subprocess.run([*self.ssh_command(), command], capture_output=True, timeout=timeout, input=stdin)
        output = (done.stdout + done.stderr).decode(errors="replace").strip()
        if check and done.returncode != 0:
            raise Trouble(f"`{command}` ended with {done.returncode}: {output[-2000:]}")
        return output

    def fails(self, command, timeout=PATIENCE):
        """What a command printed that must fail."""
        done = subprocess.run([*self.ssh_command(), command], capture_output=True, timeout=timeout)
        output = (done.stdout + done.stderr).decode(errors="replace").strip()
        if done.returncode == 0:
            raise Trouble(f"`{command}` succeeded: {output[-2000:]}")
        return output

    def answers_ssh(self):
        self.forget_connection()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return subprocess.run([*self.ssh_command(), "true"], capture_output=True, timeout=90).returncode == 0
        return False

    def wait_for_ssh(self):
        until("SSH answers", lambda: self.answers_ssh() or self.fail_if_off())

    def is_marked_good(self):
        return "has served for" in self.run("journalctl -b --no-pager -o cat -u wiidia-mark-good", check=False)

    def put(self, path, data):
        self.run(f"cat >{shlex.quote(path)}", stdin=data)


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

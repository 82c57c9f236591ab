"""A box in QEMU: started from a fresh layer over an image, asked over HTTP, RTMP, SSH and its serial console."""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

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


class Machine:
    """A card in a box, switched on."""

    def __init__(self, folder, card, key, mac="52:54:00:12:34:56", clock="utc", offline=False, protected=False, resume=None, nas=None):
        """`clock`: as QEMU's -rtc base. `protected`: the card's switch is on "lock". `resume`: goes on from what `save` kept by that name."""
        self.card, self.key = card, key
        self.http_port, self.rtmp_port, self.ssh_port = free_port(), free_port(), free_port()
        self.log = Path(folder) / f"serial-{time.monotonic_ns()}.log"
        self.monitor = Path(tempfile.mkdtemp(prefix="box")) / "monitor"
        self.control = Path(tempfile.mkdtemp(prefix="box")) / "ssh"
        forward = ",".join(f"hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in
                           ((self.http_port, 80), (self.rtmp_port, 1935), (self.ssh_port, 22)))
        self.process = subprocess.Popen(
            ["qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-smp", "2", "-m", "1280",
             "-accel", "tcg,thread=multi,tb-size=256", "-bios", FIRMWARE, "-rtc", f"base={clock}",
             "-drive", f"if=none,id=card,file={card.path},format=qcow2" + (",readonly=on" if protected else ""), "-device", "virtio-blk-pci,drive=card",
             "-netdev", "user,id=net," + ("restrict=on," if offline else "") + forward + (nas.forwards() if nas else ""), "-device", f"virtio-net-pci,netdev=net,mac={mac},romfile=",
             # A box that goes on from what was saved is not asked whether it hangs, and may well stand still on a loaded computer.
             "-device", "virtio-rng-pci", "-device", "qemu-xhci,id=usb", "-device", "i6300esb", "-action", "watchdog=" + ("none" if resume else "reset"),
             "-display", "none", "-monitor", f"unix:{self.monitor},server=on,wait=off", "-serial", f"file:{self.log}",
             *(["-loadvm", resume] if resume else [])],
            stdin=subprocess.DEVNULL)
        self.started = time.monotonic()

    # ---- QEMU's monitor ----

    def say(self, *commands):
        """Says something to QEMU; returns its answer to the last command."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.monitor))
            # What it does with a whole memory takes its time.
            monitor.settimeout(300)

            def answer():
                text = b""
                while not text.endswith(b"(qemu) "):
                    text += monitor.recv(4096)
                return text.decode(errors="replace")

            text = answer()
            for command in commands:
                monitor.sendall(command.encode() + b"\n")
                text = answer()
            return text

    def copy_card(self, to):
        """The card's file as it is between two instructions: what a pulled plug leaves."""
        self.say("stop")
        subprocess.run(["cp", "--sparse=always", self.card.path, to], check=True)
        if "running" not in self.say("cont", "info status"):
            raise Trouble("QEMU does not go on")

    def save(self, name):
        """Keeps memory and processor on the card, and stands still."""
        answer = self.say("stop", f"savevm {name}")
        if "rror" in answer:
            raise Trouble(answer)

    # ---- its sockets ----

    def plug(self, disk, name):
        """Puts a disk into its USB port."""
        said = self.say(f"drive_add 0 if=none,id={name},file={disk},format=raw", f"device_add usb-storage,bus=usb.0,drive={name},id={name}")
        if "rror" in said:
            raise Trouble(said)

    def pull(self, name):
        """Pulls a disk out, whatever it does."""
        said = self.say(f"device_del {name}")
        if "rror" in said:
            raise Trouble(said)

    def forward(self, address):
        """A port here that leads to the page of a box with another address; the page's address."""
        port = free_port()
        self.say(f"hostfwd_add net tcp:127.0.0.1:{port}-{address}:80")
        return f"http://127.0.0.1:{port}"

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

    def configure(self, text):
        """Puts something behind the server's configuration, and starts it anew."""
        self.put("/tmp/more.toml", text.encode())
        self.run("cat /tmp/more.toml >>/etc/wiidiaserver/config.toml && systemctl restart wiidiaserver.service")
        self.wait_until_it_serves()

    def put(self, path, data):
        self.run(f"cat >{shlex.quote(path)}", stdin=data)

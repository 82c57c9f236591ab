"""What the tests of an image stand on: a key, a folder, cards and machines that are gone afterwards, bundles."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from card import ROOT, Card, boot_image
from machine import Machine, until
from owner import Owner
from web_files import Files

IMAGE = Path(os.environ.get("WIIDIA_IMAGE", ""))
UPDATE = Path(os.environ.get("WIIDIA_UPDATE", ""))
BOARD = "qemu-aarch64-virt"
SERVED = "served"


def note(text):
    """A figure for docs/box-tests.md."""
    print(f"    {text}", flush=True)


class BoxCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="test-image-", dir=IMAGE.parent))
        # One key for all runs with an image: the state that is kept knows it.
        cls.key = IMAGE.parent / "test-key"
        if not cls.key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", cls.key], check=True)
        cls.files = Files(cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls.files.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def setUp(self):
        self.machines = []

    def tearDown(self):
        failed = any(error for _, error in getattr(self._outcome, "errors", [])) or getattr(getattr(self._outcome, "result", None), "failures", [])
        for machine in self.machines:
            if failed:
                print(f"--- the end of what the box said:\n{machine.console()[-3000:]}", flush=True)
            if machine.is_on():
                machine.pull_the_plug()

    def card(self, size="4G"):
        return Card(self.folder, IMAGE, self.key, size)

    def start(self, card, **how):
        machine = Machine(self.folder, card, self.key, **how)
        self.machines.append(machine)
        return machine

    def started(self, card=None, **how):
        """A machine that serves and can be asked over SSH."""
        machine = self.start(card or self.card(), **how)
        machine.wait_until_it_serves()
        machine.wait_for_ssh()
        return machine

    def restarted(self, machine):
        """The same card, after the machine's plug was pulled."""
        machine.pull_the_plug()
        return self.started(machine.card)

    def off(self, machine):
        """Switched off as a person does: what was written is on the card."""
        machine.run("sync; systemctl poweroff --force --force", check=False)
        until("it is off", lambda: not machine.is_on())
        machine.forget_connection()

    # ---- a box that serves already ----

    def serving(self, **how):
        """A box as it was a while after its first start: kept with the image, because a start takes minutes where every instruction is emulated."""
        kept = IMAGE.with_suffix(".served.qcow2")
        if not kept.exists() or kept.stat().st_mtime < IMAGE.stat().st_mtime:
            self.keep(self.started(self.card("8G")))
        box = self.start(Card.copy(self.folder, kept), resume=SERVED, **how)
        box.wait_until_it_serves()
        box.wait_for_ssh()
        return box

    def keep(self, box):
        """This is how boxes serve that were not yet touched. The machine is off afterwards."""
        until("its system is kept", box.is_marked_good, pause=5)
        box.forget_connection()
        box.save(SERVED)
        box.pull_the_plug()
        box.card.path.rename(IMAGE.with_suffix(".served.qcow2"))

    def owner(self, box):
        """A browser at a box that nobody has claimed yet, and has now."""
        return Owner(box.url("")).claim()

    # ---- films ----

    def film(self, name, seconds=4, rate=25, size="320x240"):
        """A film that plays as it is; its content."""
        path = self.folder / name
        if not path.exists():
            subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc=size={size}:rate={rate}:duration={seconds}", "-f", "lavfi", "-i",
                            f"sine=duration={seconds}", "-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", str(rate),
                            "-c:a", "aac", "-shortest", path], check=True)
        return path.read_bytes()

    def pictures(self, address, seconds=600, more=()):
        """How many H.264 pictures there are at an address."""
        probe = ["ffprobe", "-v", "error", *more, "-select_streams", "v", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", address]
        answer = subprocess.run(probe, capture_output=True, text=True, timeout=seconds)
        self.assertTrue(answer.stdout.startswith("h264,"), f"{address}: {answer.stdout}{answer.stderr}")
        return int(answer.stdout.strip().split(",")[1])

    # ---- updates ----

    def bundle(self, name, version, *, board=BOARD, cmdline="", keys=None):
        """Signs an update of the image's own system; `cmdline` is put behind the kernel's. Returns its name and path."""
        path = self.folder / f"{name}.raucb"
        if not path.exists():
            source = self.folder / f"{name}.parts"
            source.mkdir()
            os.link(UPDATE / "rootfs.img", source / "rootfs.img") if same_disk(UPDATE, source) else shutil.copy(UPDATE / "rootfs.img", source)
            boot_image(UPDATE, source, cmdline)
            environment = dict(os.environ)
            if keys:
                environment |= {"WIIDIA_CERT": str(keys / "signer.pem"), "WIIDIA_KEY": str(keys / "signer.key")}
            subprocess.run([ROOT / "scripts/make-bundle", board, version, source, path], env=environment, check=True, capture_output=True)
            shutil.rmtree(source)
        return path

    def install(self, machine, bundle):
        """By streaming, as from the page."""
        return machine.run(f"rauc install {self.files.url(bundle.name)}")


def same_disk(one, other):
    return os.stat(one).st_dev == os.stat(other).st_dev

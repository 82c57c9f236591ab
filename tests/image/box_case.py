"""What the tests of an image stand on: a key, a folder, cards and machines that are gone afterwards, bundles."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from machine import ROOT, Card, Files, Machine

IMAGE = Path(os.environ.get("WIIDIA_IMAGE", ""))
UPDATE = Path(os.environ.get("WIIDIA_UPDATE", ""))
BOARD = "qemu-aarch64-virt"


def note(text):
    """A figure for docs/box-tests.md."""
    print(f"    {text}", flush=True)


class BoxCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="test-image-", dir=IMAGE.parent))
        cls.key = cls.folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", cls.key], check=True)
        cls.files = Files(cls.folder)
        cls.made = {}

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

    # ---- updates ----

    def bundle(self, name, version, *, board=BOARD, cmdline="", keys=None):
        """Signs an update of the image's own system; `cmdline` is put behind the kernel's. Returns its name and path."""
        path = self.folder / f"{name}.raucb"
        if not path.exists():
            source = self.folder / f"{name}.parts"
            source.mkdir()
            os.link(UPDATE / "rootfs.img", source / "rootfs.img") if same_disk(UPDATE, source) else shutil.copy(UPDATE / "rootfs.img", source)
            shutil.copy(UPDATE / "boot.img", source / "boot.img")
            if cmdline:
                environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1"}
                text = subprocess.run(["mtype", "-i", source / "boot.img", "::cmdline.env"], env=environment, capture_output=True, text=True, check=True).stdout
                (self.folder / "cmdline.env").write_text(text.rstrip("\n") + " " + cmdline + "\n")
                subprocess.run(["mcopy", "-o", "-i", source / "boot.img", self.folder / "cmdline.env", "::cmdline.env"], env=environment, check=True)
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

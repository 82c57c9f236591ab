"""Mounting the data partition: whatever the card does, something is mounted, and what is wrong is written down."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from power import SCRIPTS, write

# Each says what it was called with, and does what the test wants.
FAKES = {
    "blockdev": 'echo "$PROTECTED"; [ -n "$PROTECTED" ]',
    "e2fsck": 'case $1 in -p) exit "$PREEN" ;; *) exit "$REPAIR" ;; esac',
    "mount": """
        case "$*" in
          *tmpfs*) exit 0 ;;
          *--bind*) exit 0 ;;
          *,noload*) [ -n "$READABLE" ] && cp -a "$READABLE/." "${!#}" ;;
          *) exit "$WRITABLE" ;;
        esac""",
}


TOOLS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


class DataMount(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.data, self.calls = self.folder / "data", self.folder / "calls"
        self.data.mkdir()
        for name, text in FAKES.items():
            fake = self.folder / "bin" / name
            write(fake, f'#!/bin/bash\necho "{name} $*" >>{self.calls}\n{text}\n')
            fake.chmod(0o755)

    def start(self, protected="0", preen=0, repair=0, writable=0, readable="", device="/dev/card"):
        """Runs the script; returns what it was that is wrong, by its code, and all that was called."""
        done = subprocess.run(["/bin/bash", SCRIPTS / "data-mount"], capture_output=True, text=True, timeout=60, env={
            "PATH": f"{self.folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "WIIDIA_DATA": str(self.data), "WIIDIA_RUN": str(self.folder / "run"),
            "WIIDIA_SCREEN": str(self.folder / "screen"), "WIIDIA_DATA_DEVICE": str(device), "PROTECTED": protected,
            "PREEN": str(preen), "REPAIR": str(repair), "WRITABLE": str(writable), "READABLE": str(readable)})
        self.assertEqual(done.returncode, 0, done.stderr)
        written = self.folder / "run/wiidia/trouble.json"
        trouble = json.loads(written.read_text()) if written.exists() else {"code": None}
        return trouble["code"], self.calls.read_text()

    def card(self):
        """What is on a card that can be read."""
        card = self.folder / "card"
        for name in ("etc/upper/hostname", "ssh/authorized_keys", "var/lib/wiidiaserver/settings.json", "var/lib/wiidiaserver/index/large", "var/log/large"):
            write(card / name, name)
        return card

    def test_a_whole_card_is_mounted_and_nothing_is_said(self):
        # 1: what the journal and -p put right, as after a pulled plug.
        for status in (0, 1, 2):
            code, calls = self.start(preen=status)
            self.assertEqual(code, None)
            self.assertNotIn("-fy", calls)
            self.assertIn(f"errors=remount-ro,rw /dev/card {self.data}", calls)

    def test_a_damaged_card_is_repaired_and_that_is_said(self):
        code, calls = self.start(preen=4, repair=1)
        self.assertEqual(code, "card_repaired")
        self.assertIn(f",rw /dev/card {self.data}", calls)
        self.assertIn("repaired", (self.folder / "screen").read_text())

    def test_a_lost_superblock_is_found_again(self):
        # With the real e2fsck: it knows where ext4 keeps the copies.
        card = self.folder / "image"
        with card.open("wb") as file:
            file.truncate(600 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", card], env=TOOLS, check=True)
        film = self.folder / "film"
        film.write_text("a film")
        subprocess.run(["debugfs", "-w", "-R", f"write {film} film", card], env=TOOLS, check=True, capture_output=True)
        with card.open("r+b") as file:
            file.write(bytes(4096))
        (self.folder / "bin/e2fsck").unlink()
        code, calls = self.start(device=card)
        self.assertEqual(code, "card_repaired")
        self.assertIn(f",rw {card} {self.data}", calls)
        again = subprocess.run(["debugfs", "-R", "cat film", card], env=TOOLS, check=True, capture_output=True, text=True)
        self.assertEqual(again.stdout, "a film")
        # And when all copies are lost, nothing is made anew.
        with card.open("r+b") as file:
            for at in range(0, 600, 8):
                file.seek(at << 20)
                file.write(b"\xa5" * (1 << 20))
        self.calls.unlink()
        code, calls = self.start(device=card)
        self.assertEqual(code, "card_damaged")
        self.assertNotIn(",rw", calls)

    def test_beyond_repair_there_is_memory_with_what_can_be_read(self):
        code, calls = self.start(preen=4, repair=4, readable=self.card())
        self.assertEqual(code, "card_damaged")
        self.assertNotIn(",rw", calls)
        self.assertEqual((self.data / "etc/upper/hostname").read_text(), "etc/upper/hostname")
        self.assertEqual((self.data / "var/lib/wiidiaserver/settings.json").read_text(), "var/lib/wiidiaserver/settings.json")
        # Memory is small.
        self.assertFalse((self.data / "var/lib/wiidiaserver/index").exists())
        self.assertFalse((self.data / "var/log").exists())

    def test_what_does_not_mount_at_all_is_memory_too(self):
        for how in ({"writable": 32}, {"preen": 8, "repair": 8}, {"protected": ""}):
            self.calls.unlink(missing_ok=True)
            code, calls = self.start(**how)
            self.assertEqual(code, "card_damaged")
            self.assertIn(f"tmpfs {self.data}", calls)

    def test_a_protected_card_is_not_written_to(self):
        code, calls = self.start(protected="1", readable=self.card())
        self.assertEqual(code, "card_protected")
        self.assertNotIn("e2fsck", calls)
        self.assertNotIn(",rw", calls)
        self.assertEqual((self.data / "ssh/authorized_keys").read_text(), "ssh/authorized_keys")


if __name__ == "__main__":
    unittest.main()

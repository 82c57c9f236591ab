"""Updates: the right ones are taken and proven, the wrong ones leave no trace, the bad ones are taken back."""

import subprocess
import time
import unittest

from box_case import UPDATE, BoxCase, note
from card import ROOT
from machine import until

# How much of the slot that is not running is compared: its beginning, where every write begins.
HEAD = "head -c 4M /dev/disk/wiidia/root_b | sha256sum"


class Update(BoxCase):
    def test_to_the_other_system_and_back(self):
        box = self.serving()
        begun = time.monotonic()
        self.install(box, self.bundle("good", "9.0.0"))
        note(f"installing took {time.monotonic() - begun:.0f} s")
        self.assertEqual(box.run("/usr/lib/wiidia/bootctl get-primary"), "B")
        box.run("systemctl reboot", check=False)
        until("B is started", lambda: box.starts() == "B")
        box.wait_until_it_serves()
        box.wait_for_ssh()
        self.assertIn('"slot":"B"', box.run("cat /run/wiidia/update.json"))
        until("B is kept", box.is_marked_good, pause=5)
        self.assertEqual(box.run("/usr/lib/wiidia/bootctl get-primary"), "B")
        # And back, by hand.
        box.run("rauc status mark-active other; systemctl reboot", check=False)
        until("A is started", lambda: box.starts() == "BA")
        box.wait_until_it_serves()
        box.wait_for_ssh()
        until("A is kept", box.is_marked_good, pause=5)
        self.assertIn('"failed":null', box.run("cat /run/wiidia/update.json"))

    def test_wrong_updates_are_refused_and_nothing_is_written(self):
        box = self.serving()
        box.run("head -c 4M /dev/urandom >/dev/disk/wiidia/root_b; sync")
        before = box.run(HEAD)
        others = self.folder / "others"
        subprocess.run([ROOT / "scripts/make-keys", others], check=True, capture_output=True)
        good = self.bundle("good", "9.0.0")
        truncated, changed = self.folder / "truncated.raucb", self.folder / "changed.raucb"
        truncated.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
        content = bytearray(good.read_bytes())
        content[1 << 20] ^= 1
        changed.write_bytes(content)
        for bundle, why in (
            (self.bundle("stranger", "9.0.0", keys=others), "signature|certificate|verif"),
            (self.bundle("board", "9.0.0", board="raspberrypi4-64"), "compatible"),
            (self.bundle("old", "0.0.1"), "version"),
            (truncated, "signature|identifier|size|bundle"),
        ):
            with self.subTest(bundle.name):
                answer = box.fails(f"rauc install {self.files.url(bundle.name)}")
                self.assertRegex(answer.lower(), why)
                self.assertEqual(box.run(HEAD), before)
                self.assertEqual(box.run("/usr/lib/wiidia/bootctl get-primary"), "A")
        # A byte that changed on the way is found when it is read. What was written by then is never started.
        box.fails(f"rauc install {self.files.url(changed.name)}")
        self.assertEqual(box.run("/usr/lib/wiidia/bootctl get-primary"), "A")
        self.assertEqual(box.run("/usr/lib/wiidia/bootctl get-state B"), "bad")

    def falls_back(self, cmdline, reason, meanwhile=lambda box: None):
        """A new system that is told `cmdline` is on trial: put into slot B from outside, and chosen as `rauc install` does."""
        card = self.card()
        card.put_system("B", UPDATE, cmdline)
        card.bootctl("set-primary", "B")
        box = self.start(card)
        until("B is started", lambda: box.starts() == "B")
        meanwhile(box)
        until("A is started", lambda: box.starts() == "BA")
        box.wait_until_it_serves()
        box.wait_for_ssh()
        self.assertRegex(box.run("cat /run/wiidia/update.json"), f'"slot":"A".*"failed":.*"slot":"B".*{reason}')
        until("A is kept", box.is_marked_good, pause=5)
        self.assertEqual(box.run("/usr/lib/wiidia/bootctl get-primary"), "A")

    def test_a_system_that_panics_is_taken_back(self):
        self.falls_back("init=/nothing", "did not come up")

    def test_a_system_that_hangs_is_taken_back(self):
        def hang(box):
            box.wait_for_ssh()
            # systemd catches it, and stands still for ever; so it no longer feeds the hardware's watchdog.
            box.run("kill -SEGV 1", check=False)

        self.falls_back("systemd.mask=wiidia-mark-good.service", "did not come up", hang)

    def test_a_system_whose_server_does_not_serve_is_taken_back(self):
        self.falls_back("systemd.mask=wiidiaserver.service wiidia.patience=60", "did not serve")


if __name__ == "__main__":
    unittest.main()

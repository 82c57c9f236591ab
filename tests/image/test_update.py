"""Updates: the right ones are taken and proven, the wrong ones leave no trace, the bad ones are taken back."""

import os
import random
import subprocess
import time
import unittest

from box_case import BoxCase, note
from machine import ROOT, until

# How much of the slot that is not running is compared: its beginning, where every write begins.
HEAD = "head -c 4M /dev/disk/wiidia/root_b | sha256sum"


class Update(BoxCase):
    def test_to_the_other_system_and_back(self):
        box = self.started()
        begun = time.monotonic()
        self.install(box, self.bundle("good", "9.0.0"))
        note(f"installing took {time.monotonic() - begun:.0f} s")
        self.assertEqual(box.run("/usr/lib/wiidia/bootctl get-primary"), "B")
        box.run("systemctl reboot", check=False)
        until("B is started", lambda: box.starts() == "AB")
        box.wait_until_it_serves()
        box.wait_for_ssh()
        self.assertIn('"slot":"B"', box.run("cat /run/wiidia/update.json"))
        until("B is kept", box.is_marked_good, pause=5)
        self.assertEqual(box.run("/usr/lib/wiidia/bootctl get-primary"), "B")
        # And back, by hand.
        box.run("rauc status mark-active other; systemctl reboot", check=False)
        until("A is started", lambda: box.starts() == "ABA")
        box.wait_until_it_serves()
        box.wait_for_ssh()
        until("A is kept", box.is_marked_good, pause=5)
        self.assertIn('"failed":null', box.run("cat /run/wiidia/update.json"))

    def test_wrong_updates_are_refused_and_nothing_is_written(self):
        box = self.started()
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

    def falls_back(self, name, cmdline, reason, meanwhile=lambda box: None):
        box = self.started()
        self.install(box, self.bundle(name, "9.0.0", cmdline=cmdline))
        box.run("systemctl reboot", check=False)
        until("B is started", lambda: box.starts() == "AB")
        meanwhile(box)
        until("A is started", lambda: box.starts() == "ABA")
        box.wait_until_it_serves()
        box.wait_for_ssh()
        self.assertRegex(box.run("cat /run/wiidia/update.json"), f'"slot":"A".*"failed":.*"slot":"B".*{reason}')
        until("A is kept", box.is_marked_good, pause=5)

    def test_a_system_that_panics_is_taken_back(self):
        self.falls_back("panics", "init=/nothing", "did not come up")

    def test_a_system_that_hangs_is_taken_back(self):
        def hang(box):
            box.wait_for_ssh()
            # systemd catches it, and stands still for ever; so it no longer feeds the hardware's watchdog.
            box.run("kill -SEGV 1", check=False)

        self.falls_back("hangs", "systemd.mask=wiidia-mark-good.service", "did not come up", hang)

    def test_a_system_whose_server_does_not_serve_is_taken_back(self):
        self.falls_back("unhealthy", "systemd.mask=wiidiaserver.service wiidia.patience=60", "did not serve")


class PowerCut(BoxCase):
    """WIIDIA_CUTS times each: the plug is pulled at a moment by chance, and the box starts with old or new, never none."""

    def test_while_an_update_is_written(self):
        cuts = int(os.environ.get("WIIDIA_CUTS", "50"))
        card = self.card()
        bundle = self.bundle("good", "9.0.0")
        box = self.started(card)
        for cut in range(cuts):
            process = subprocess.Popen([*box.ssh_command(), f"rauc install {self.files.url(bundle.name)}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, 120))
            box.pull_the_plug()
            process.wait()
            box = self.started(card)
            self.assertIn(box.starts(), ("A", "B"))
        note(f"{cuts} cuts while an update was written, {cuts} starts")

    def test_while_settings_are_written_and_the_card_grows(self):
        cuts = int(os.environ.get("WIIDIA_CUTS", "50"))
        for cut in range(cuts):
            card = self.card()
            box = self.start(card)
            until("the kernel starts", lambda: "Starting kernel" in box.console(), pause=0.2)
            time.sleep(random.uniform(0, 90))
            box.pull_the_plug()
            box = self.started(card)
            self.assertGreater(int(box.run("df --output=size -B1M /data | tail -n 1")), 1700)
            # A name that is written again and again; one of them is there afterwards, whole.
            process = subprocess.Popen([*box.ssh_command(), "for i in $(seq 1000); do hostnamectl hostname box-$i; done"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(2, 20))
            box.pull_the_plug()
            process.wait()
            box = self.started(card)
            self.assertRegex(box.run("cat /proc/sys/kernel/hostname"), r"^(box-\d+|wiidia-3456)$")
            box.pull_the_plug()
        note(f"{cuts} cuts while the card grew, {cuts} while settings were written")


if __name__ == "__main__":
    unittest.main()

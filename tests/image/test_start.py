"""What a card is that was just written: it serves, it is closed, it remembers, it is one of its own."""

import re
import unittest

from box_case import BoxCase, note
from machine import until


class Start(BoxCase):
    def test_a_new_card_serves_and_is_closed(self):
        box = self.start(self.card("8G"))
        note(f"a new card of 8 GB serves its page {box.wait_until_it_serves():.0f} s after the power is on, on this computer")
        box.wait_for_ssh()
        until("everything has started", lambda: box.run("systemctl is-system-running", check=False) in ("running", "degraded"), pause=5)
        self.assertEqual(box.run("systemctl --failed --no-legend --plain", check=False), "")
        self.assertNotIn("ordering cycle", box.run("journalctl -b --no-pager -o cat _PID=1"))
        # Nobody writes to the system, nobody logs in.
        self.assertIn(" erofs ro,", box.run("grep ' / ' /proc/mounts"))
        self.assertIn("Read-only", box.fails("touch /usr/x"))
        self.assertIn("Read-only", box.fails("touch /boot/x"))
        self.assertRegex(box.run("cat /etc/shadow"), r"(?m)^root:[*!]")
        self.assertEqual(box.run("grep -cvE '^[^:]*:[*!]' /etc/shadow || true"), "0", "accounts that have a password")
        self.assertEqual(box.run("pgrep -c agetty || true"), "0")
        # Only what is meant to listens to the network.
        ports = set(re.findall(r"(?m)^(?:tcp|udp)\s+\S+\s+\d+\s+\d+\s+(?!127\.|\[::1\])\S*:(\d+)\s", box.run("ss -lntuH")))
        self.assertLessEqual(ports, {"80", "1935", "22", "5353", "68", "546", "1900"} | {port for port in ports if int(port) > 32767})
        # The card is used to its end.
        self.assertGreater(int(box.run("df --output=size -B1M /data | tail -n 1")), 5900)
        self.assertEqual(box.run("stat -c %U:%a /srv/media"), "wiidia:2775")
        # What a screen shows.
        screen = box.run("cat /dev/vcs1")
        self.assertIn("http://10.0.2.15/", screen)
        self.assertIn("http://wiidia-3456.local/", screen)
        # Sandbox, watchdog, limits.
        score = float(re.search(r"wiidiaserver.service: ([\d.]+)", box.run("systemd-analyze security --no-pager wiidiaserver.service | tail -n 2"))[1])
        self.assertLess(score, 2.0)
        self.assertEqual(box.run("systemctl show -p User --value wiidiaserver"), "wiidia")
        self.assertIn("/dev/zram0", box.run("swapon --show --noheadings"))
        self.assertIn("Using hardware watchdog", box.run("journalctl -b --no-pager -o cat _PID=1 _TRANSPORT=journal _TRANSPORT=kernel | grep -i watchdog || dmesg | grep -i watchdog"))
        self.assertEqual(box.run("rauc status --output-format=shell | grep RAUC_SYSTEM_BOOTED_BOOTNAME"), "RAUC_SYSTEM_BOOTED_BOOTNAME='A'")
        note(box.run("systemd-analyze time | head -n 1"))
        # The others begin here.
        self.keep(box)

    def test_growth_at_every_size_of_card(self):
        for size, at_least in (("4G", 1700), ("64G", 58000)):
            with self.subTest(size):
                box = self.started(self.card(size))
                self.assertGreater(int(box.run("df --output=size -B1M /data | tail -n 1")), at_least)
                self.assertEqual(box.run("dmesg | grep -ci 'alternate gpt\\|GPT:.*not at the end' || true"), "0")
                box.pull_the_plug()

    def test_without_network_and_clock_it_serves_all_the_same(self):
        box = self.started(clock="1970-01-01T00:00:10", offline=True)
        self.assertGreater(int(box.run("date +%Y")), 2024, "not before the image was built")
        self.assertEqual(box.run("systemctl --failed --no-legend --plain", check=False), "")
        box.pull_the_plug()
        # And a clock that is far ahead, as an empty battery may leave it.
        box = self.started(box.card, clock="2099-01-01T00:00:10")
        self.assertEqual(box.run("systemctl --failed --no-legend --plain", check=False), "")
        self.assertIn("OK", box.run("wiidiaserver ctl GET /api/v1/system >/dev/null && echo OK"))
        note(f"a clock of 2099 becomes {box.run('date +%Y')}")

    def test_two_boxes_have_two_names(self):
        boxes = [self.started(mac=f"52:54:00:00:00:{end}") for end in ("a1", "b2")]
        names = [box.run("cat /proc/sys/kernel/hostname; cat /etc/machine-id") for box in boxes]
        self.assertTrue(names[0].startswith("wiidia-00a1\n"), names)
        self.assertTrue(names[1].startswith("wiidia-00b2\n"), names)
        self.assertNotEqual(names[0].split()[1], names[1].split()[1])


if __name__ == "__main__":
    unittest.main()

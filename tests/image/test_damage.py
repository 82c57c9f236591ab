"""Cards that are damaged, full, worn out or old: the box starts, serves its page, and says what is wrong."""

import json
import struct
import unittest
import urllib.request
import zlib

from box_case import BoxCase, note
from card import MIB, PLACES, SECTOR
from machine import until
from remains import Remains

GB = 1 << 30


class Damage(BoxCase):
    def used(self):
        """A card that was in use for a while, with a name and a film on it."""
        box = self.serving()
        box.run("hostnamectl hostname kitchen; head -c 5M /dev/urandom >/srv/media/film.bin; sha256sum /srv/media/film.bin >/srv/media/film.sum; sync")
        self.off(box)
        return box.card

    def data(self, card):
        """Where the data partition is on a card of 8 GB that has grown, in bytes."""
        first, count = Remains(card.path, 8 * GB // SECTOR).partitions()["data"]
        return first * SECTOR, count * SECTOR

    def trouble(self, box):
        """What the page says is wrong, by its codes."""
        findings = json.loads(box.run("wiidiaserver ctl GET /api/v1/health"))["findings"]
        return [finding["code"] for finding in findings]

    def test_a_lost_superblock_is_found_again(self):
        card = self.used()
        at, _ = self.data(card)
        card.write(at, bytes(8 * SECTOR))
        box = self.started(card)
        self.assertEqual(box.run("cat /proc/sys/kernel/hostname"), "kitchen")
        self.assertIn("OK", box.run("cd /; sha256sum -c /srv/media/film.sum"))
        self.assertIn("card_repaired", self.trouble(box))

    def test_a_data_partition_beyond_repair_is_said_and_forgotten_on_demand(self):
        card = self.used()
        at, length = self.data(card)
        # Every copy of the superblock is within this, and the beginning of everything else.
        for offset in range(0, length, 128 * MIB):
            card.write(at + offset, b"\xa5" * (2 * MIB))
        box = self.start(card)
        box.wait_until_it_serves()
        # Keys went with everything else; the page says what is wrong to whoever looks.
        owner = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        claim = urllib.request.Request(box.url("/api/v1/claim"), json.dumps({"password": "correct horse"}).encode(), {"Content-Type": "application/json"})
        owner.open(claim, timeout=120)
        until("the page says so", lambda: b"card_damaged" in owner.open(box.url("/api/v1/health"), timeout=60).read(), pause=10)
        box.pull_the_plug()
        card.put("wiidia/factory-reset", "")
        card.put("wiidia/authorized_keys", self.key.with_suffix(".pub").read_text())
        box = self.started(card)
        self.assertEqual(self.trouble(box), [])
        self.assertEqual(box.run("findmnt -no FSTYPE /data"), "ext4")

    def test_a_protected_card_serves_what_is_on_it(self):
        card = self.used()
        box = self.started(card, protected=True)
        self.assertEqual(box.run("cat /proc/sys/kernel/hostname"), "kitchen")
        self.assertIn("OK", box.run("cd /; sha256sum -c /srv/media/film.sum"))
        self.assertIn("card_protected", self.trouble(box))
        box.run("hostnamectl hostname attic")
        self.assertEqual(box.run("systemctl --failed --no-legend --plain", check=False), "")
        box.pull_the_plug()
        box = self.started(card)
        self.assertEqual(box.run("cat /proc/sys/kernel/hostname"), "kitchen")
        self.assertEqual(self.trouble(box), [])

    def test_a_full_card_starts_and_can_be_emptied(self):
        box = self.serving()
        # As root, into what is kept for root as well.
        box.run("head -c 100G /dev/zero >/srv/media/large; sync", check=False)
        self.assertEqual(box.run("df --output=avail /data | tail -n 1"), "0")
        box = self.restarted(box)
        self.assertEqual(box.run("systemctl --failed --no-legend --plain", check=False), "")
        self.assertIn("disk_full", self.trouble(box))
        box.run("rm /srv/media/large")
        box.run("hostnamectl hostname attic")
        self.assertEqual(box.run("cat /etc/hostname"), "attic")

    def test_slots_without_tries_get_them_back(self):
        card = self.card()
        card.bootctl("set-state", "A", "good")
        at = PLACES["bootstate"][0]
        # Neither may be started any more, as after three bad starts of each.
        block = bytearray(SECTOR)
        text = b"BOOT_A_LEFT=0\0BOOT_B_LEFT=0\0BOOT_ORDER=B A\0\0"
        block[4:4 + len(text)] = text
        struct.pack_into("<I", block, 0, zlib.crc32(block[4:]))
        for copy in (0, 8):
            card.write(at + copy * SECTOR, bytes(block))
        box = self.started(card)
        # B has no system, so it is tried as often as it may be.
        self.assertTrue(box.starts().endswith("A"), box.starts())
        note(f"both slots out of tries, B empty: started {box.starts()}")

    def test_what_an_older_version_left_is_taken_over(self):
        box = self.serving()
        box.run(
            "hostnamectl hostname kitchen; cd /data && rm -rf rauc ssh/none var/lib/wiidia var/tmp && cp /etc/passwd /etc/group etc/upper/ && "
            'sed -i /wiidia/d etc/upper/passwd && echo \'{"version":1,"sections":{"playback":{"encodings":3,"of_the_future":1}},"unknown":{}}\' >var/lib/wiidiaserver/settings.json && '
            "chown wiidia: var/lib/wiidiaserver/settings.json && sync"
        )
        box = self.restarted(box)
        self.assertEqual(box.run("systemctl --failed --no-legend --plain", check=False), "")
        self.assertEqual(box.run("systemctl show -p User --value wiidiaserver; id -un wiidia; cat /proc/sys/kernel/hostname"), "wiidia\nwiidia\nkitchen")
        self.assertIn("3", box.run("wiidiaserver ctl settings playback | grep encodings"))


if __name__ == "__main__":
    unittest.main()

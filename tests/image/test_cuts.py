"""Sixty pulled plugs in the life of one box: while it grows, while settings are written, while an update is installed.

A cut is the card as it is at that moment: the machine is held, the card's file copied, the machine goes on. That is what killing QEMU leaves, and
costs no start. What each copy is worth is found out from outside: is there a whole partition table, which system would be started and is
that one complete, does the data partition's file system mend itself without loss, is what was written old or new. Some are started as well.
"""

import hashlib
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import time
import unittest
import zlib
from pathlib import Path

from box_case import UPDATE, BoxCase, note
from machine import ROOT, Trouble, until

sys.path.insert(0, str(ROOT / "tests/box"))
from test_grow_table import table  # noqa: E402

CUTS = int(os.environ.get("WIIDIA_CUTS", "60"))
SECTOR = 512


class Remains:
    """A card after a cut."""

    def __init__(self, path):
        self.path = path
        self.sectors = 3 * (1 << 30) // SECTOR

    def read(self, first, count, to=None):
        """Sectors of the card; into a file if one is named."""
        out = to or self.path.with_suffix(".part")
        out.unlink(missing_ok=True)
        # Its unit is the block: whole MiB where there are many.
        unit = (1 << 20) if first % 2048 == 0 and count % 2048 == 0 else SECTOR
        scale = unit // SECTOR
        subprocess.run(["qemu-img", "dd", "-f", "qcow2", "-O", "raw", f"bs={unit}", f"skip={first // scale}", f"count={(first + count) // scale}",
                        f"if={self.path}", f"of={out}"], check=True, capture_output=True)
        if to:
            return None
        data = out.read_bytes()
        out.unlink()
        return data

    def partitions(self):
        """As the kernel finds them: the table at the beginning, else the one in the last sector."""
        beginning = self.read(0, 34)
        found = table(beginning, 1)
        if not found:
            end = self.read(self.sectors - 33, 33)
            header = end[-SECTOR:]
            if header[:8] != b"EFI PART":
                raise Trouble("no whole partition table")
            first = struct.unpack_from("<Q", header, 72)[0]
            entries = end[(first - (self.sectors - 33)) * SECTOR:][: 128 * 128]
            if zlib.crc32(entries) != struct.unpack_from("<I", header, 88)[0]:
                raise Trouble("no whole partition table")
            found = []
            for at in range(0, len(entries), 128):
                entry = entries[at:at + 128]
                if any(entry[:16]):
                    found.append((*struct.unpack_from("<QQ", entry, 32), entry[56:].decode("utf-16-le").rstrip("\0")))
        return {name: (first, last - first + 1) for first, last, name in found}

    def next_slot(self, partitions):
        """What U-Boot would start."""
        first, _ = partitions["bootstate"]
        data = self.read(first, 16)
        state = {"BOOT_ORDER": "A B", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0"}
        for offset in (0, 4096):
            block = data[offset:offset + SECTOR]
            if int.from_bytes(block[:4], "little") == zlib.crc32(block[4:]):
                state |= dict(word.decode().split("=", 1) for word in block[4:].split(b"\0") if word)
                break
        return next((slot for slot in state["BOOT_ORDER"].split() if int(state[f"BOOT_{slot}_LEFT"]) > 0), "A")

    def has_system(self, partitions, slot):
        """Whether the slot's partition begins with the whole system."""
        wanted = UPDATE / "rootfs.img"
        first, _ = partitions[f"root_{slot.lower()}"]
        count = -(-wanted.stat().st_size // (1 << 20)) * 2048
        out = self.path.with_suffix(".root")
        self.read(first, count, out)
        with out.open("rb") as here, wanted.open("rb") as there:
            left = wanted.stat().st_size
            same = True
            while left and same:
                same = here.read(min(left, 1 << 20)) == there.read(1 << 20)
                left -= min(left, 1 << 20)
        out.unlink()
        return same

    def mended_data(self, partitions):
        """The data partition after e2fsck, which must need no more than its journal and small repairs."""
        first, count = partitions["data"]
        out = self.path.with_suffix(".data")
        self.read(first, count // 2048 * 2048, out)
        os.truncate(out, count * SECTOR)
        done = subprocess.run(["e2fsck", "-p", out], capture_output=True, text=True)
        if done.returncode > 1:
            raise Trouble(f"e2fsck -p ends with {done.returncode}: {done.stdout}{done.stderr}")
        return out


def file_of(data, path):
    done = subprocess.run(["debugfs", "-R", f"cat {path}", data], capture_output=True)
    return done.stdout.decode(errors="replace")


class Cuts(BoxCase):
    def cut(self, box, number):
        """The card as a pulled plug would leave it now."""
        copy = self.folder / f"cut-{number}.qcow2"
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(box.monitor))
            monitor.settimeout(120)

            def prompt():
                answer = b""
                while not answer.endswith(b"(qemu) "):
                    answer += monitor.recv(4096)
                return answer

            def say(words):
                monitor.sendall(words.encode() + b"\n")
                return prompt()

            prompt()
            say("stop")
            subprocess.run(["cp", "--sparse=always", box.card.path, copy], check=True)
            say("cont")
            self.assertIn(b"running", say("info status"))
        return Remains(copy)

    def look_at(self, remains, names, slots):
        partitions = remains.partitions()
        slot = remains.next_slot(partitions)
        self.assertIn(slot, slots)
        self.assertTrue(remains.has_system(partitions, slot), f"slot {slot} would be started and is not complete")
        data = remains.mended_data(partitions)
        name = file_of(data, "/etc/upper/hostname")
        self.assertRegex(name, names)
        data.unlink()
        remains.path.unlink()
        return slot, name

    def test_sixty_cuts_leave_a_box_that_starts(self):
        each = max(1, CUTS // 3)
        card = self.card("3G")
        box = self.start(card)
        # The table, then the file system grow while this unit and the next run. Looked at afterwards, so that many fall into it.
        until("the card is looked at", lambda: "wiidia-data-prepare" in box.console(), pause=0.1)
        copies = []
        for number in range(1, each + 1):
            copies.append(self.cut(box, number))
            time.sleep(random.uniform(0, 1.5))
        for number, remains in enumerate(copies, 1):
            with self.subTest("while it grows", cut=number):
                self.look_at(remains, "^$", "A")
        box.wait_until_it_serves()
        box.wait_for_ssh()
        # Names that are written one after the other; with a name of a hundred letters a half would show.
        box.run("for i in $(seq 100); do hostnamectl hostname box-$i-$(printf %050d $i) || sleep 1; done >/dev/null 2>&1 &", check=False)
        seen = set()
        for _ in range(each):
            time.sleep(random.uniform(0.2, 3))
            number += 1
            with self.subTest("while settings are written", cut=number):
                _, name = self.look_at(self.cut(box, number), r"^(box-\d+-\d{50}\n)?$", "A")
                seen.add(name)
        self.assertGreater(len(seen), 2, "the cuts were to fall among writes")
        bundle = self.bundle("good", "9.0.0")
        installing = subprocess.Popen([*box.ssh_command(), f"rauc install {self.files.url(bundle.name)}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        slots = ""
        for _ in range(each):
            time.sleep(random.uniform(0, 12))
            number += 1
            with self.subTest("while an update is installed", cut=number):
                slots += self.look_at(self.cut(box, number), r"^box-\d+-\d{50}\n$", "AB")[0]
        self.assertIn("succeeded", installing.communicate(timeout=1800)[0].decode(errors="replace"))
        # The last copy is the new system's.
        slot, _ = self.look_at(self.cut(box, number + 1), r"^box-", "AB")
        self.assertEqual(slot, "B")
        note(f"{number + 1} cuts: {each} at the first start, {each} among settings ({len(seen)} different ones seen), {each} in an installation (next: {slots}{slot})")


if __name__ == "__main__":
    unittest.main()

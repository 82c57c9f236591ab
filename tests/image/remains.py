"""A card after a cut, looked at from outside: what would start from it, and what it remembers."""

import os
import struct
import subprocess
import zlib

from box_case import UPDATE
from card import MIB, SECTOR, Card
from machine import Trouble
from test_grow_table import table  # of tests/box; test-image puts it on the path


class Remains(Card):
    """A copy of a card."""

    def __init__(self, path, sectors):
        self.path, self.sectors = path, sectors

    def extract(self, first, count, to):
        """Sectors of the card, into a file: whole MiB where there are many."""
        unit = MIB if first % 2048 == 0 and count % 2048 == 0 else SECTOR
        scale = unit // SECTOR
        to.unlink(missing_ok=True)
        subprocess.run(["qemu-img", "dd", "-f", "qcow2", "-O", "raw", f"bs={unit}", f"skip={first // scale}", f"count={(first + count) // scale}",
                        f"if={self.path}", f"of={to}"], check=True, capture_output=True)
        return to

    def partitions(self):
        """As the kernel finds them: the table at the beginning, else the one in the last sector. Name → first sector, count."""
        found = table(self.read(0, 34 * SECTOR), 1)
        if not found:
            end = self.read((self.sectors - 33) * SECTOR, 33 * SECTOR)
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
        data = self.read(partitions["bootstate"][0] * SECTOR, 16 * SECTOR)
        state = {"BOOT_ORDER": "A B", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0"}
        for offset in (0, 4096):
            block = data[offset:offset + SECTOR]
            if int.from_bytes(block[:4], "little") == zlib.crc32(block[4:]):
                state |= dict(word.decode().split("=", 1) for word in block[4:].split(b"\0") if word)
                break
        return next((slot for slot in state["BOOT_ORDER"].split() if int(state[f"BOOT_{slot}_LEFT"]) > 0), "A")

    def has_system(self, partitions, slot):
        """Whether both of the slot's partitions begin with what the update has."""
        return all(self.begins_with(partitions[f"{part}_{slot.lower()}"][0], UPDATE / image) for part, image in (("root", "rootfs.img"), ("boot", "boot.img")))

    def begins_with(self, first, wanted):
        size = wanted.stat().st_size
        out = self.extract(first, -(-size // MIB) * 2048, self.path.with_suffix(".part"))
        same = True
        with out.open("rb") as here, wanted.open("rb") as there:
            left = size
            while left and same:
                same = here.read(min(left, MIB)) == there.read(MIB)
                left -= min(left, MIB)
        out.unlink()
        return same

    def has_data(self, partitions):
        """Whether the data partition has a file system at all; a reset takes it away first and makes it anew later."""
        return self.read(partitions["data"][0] * SECTOR + 1024, 1024)[56:58] == b"\x53\xef"

    def mended_data(self, partitions):
        """The data partition after e2fsck, which must need no more than its journal and small repairs."""
        first, count = partitions["data"]
        out = self.extract(first, count // 2048 * 2048, self.path.with_suffix(".data"))
        os.truncate(out, count * SECTOR)
        done = subprocess.run(["e2fsck", "-p", out], capture_output=True, text=True)
        if done.returncode > 1:
            raise Trouble(f"e2fsck -p ends with {done.returncode}: {done.stdout}{done.stderr}")
        return out

    def remove(self):
        for path in (self.path, self.path.with_suffix(".data")):
            path.unlink(missing_ok=True)


def file_of(data, path):
    """A file of an ext4 image; empty when it is not there."""
    return subprocess.run(["debugfs", "-R", f"cat {path}", data], capture_output=True).stdout

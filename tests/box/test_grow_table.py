"""The partition table of a card that is larger than the image: it grows, and there is a whole table at every moment."""

import struct
import subprocess
import tempfile
import unittest
import zlib
from pathlib import Path

from power import Bench

SECTOR = 512
MIB = 1 << 20


def table(data, sector):
    """The partitions of the GPT whose header is in this sector, as (first, last, name); None when it is not whole."""
    header = data[sector * SECTOR:(sector + 1) * SECTOR]
    if header[:8] != b"EFI PART":
        return None
    size, crc = struct.unpack_from("<I", header, 12)[0], struct.unpack_from("<I", header, 16)[0]
    if zlib.crc32(header[:16] + bytes(4) + header[20:size]) != crc or struct.unpack_from("<Q", header, 24)[0] != sector:
        return None
    first, count, length, crc = struct.unpack_from("<QIII", header, 72)
    entries = data[first * SECTOR:first * SECTOR + count * length]
    if zlib.crc32(entries) != crc:
        return None
    found = []
    for at in range(0, len(entries), length):
        entry = entries[at:at + length]
        if any(entry[:16]):
            begin, end = struct.unpack_from("<QQ", entry, 32)
            found.append((begin, end, entry[56:].decode("utf-16-le").rstrip("\0")))
    return found


def kernel_sees(path):
    """The partitions as the kernel finds them with the option `gpt`: the first table, else the one in the last sector."""
    data = path.read_bytes()
    return table(data, 1) or table(data, len(data) // SECTOR - 1)


class GrowTable(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.bench = Bench(self.temporary.name)
        self.card = Path(self.temporary.name) / "card"

    def tearDown(self):
        self.temporary.cleanup()

    def flash(self, image=8, card=12):
        """Writes an image of so many MiB to a card of so many."""
        with open(self.card, "wb") as file:
            file.truncate(image * MIB)
        layout = "label: gpt\n" + "".join(f"size=1MiB, name={name}\n" for name in ("bootcfg", "boot_a", "root_a")) + "name=data\n"
        subprocess.run(["sfdisk", "--quiet", self.card], input=layout, text=True, check=True)
        self.written = kernel_sees(self.card)
        with open(self.card, "r+b") as file:
            file.truncate(card * MIB)

    def grow(self, **power):
        return self.bench.run("grow-table", str(self.card), "4", env={"WIIDIA_RUN": self.temporary.name}, **power)

    def test_last_partition_reaches_to_the_end_and_the_others_stay(self):
        for size in (12, 33, 500):
            self.flash(card=size)
            self.grow()
            grown = kernel_sees(self.card)
            self.assertEqual(grown[:3], self.written[:3])
            self.assertEqual(grown[3][0], self.written[3][0])
            # Partitions end at whole MiB, and the copy of the table needs the last sectors.
            self.assertGreater(grown[3][1], (size - 2) * MIB // SECTOR)
            data = self.card.read_bytes()
            self.assertEqual(table(data, len(data) // SECTOR - 1), grown, "the copy is in the last sector")

    def test_the_old_table_beside_it_stays(self):
        # The Raspberry Pi 3's ROM reads that one alone: the first partition, and where the new table is.
        self.flash()
        old = bytes([0x80, 0, 2, 0, 0x0C, 0, 0, 0]) + struct.pack("<II", 2048, 2048) + bytes([0, 0, 2, 0, 0xEE, 0, 0, 0]) + struct.pack("<II", 1, 33)
        with open(self.card, "r+b") as file:
            file.seek(446)
            file.write(old + bytes(32))
        self.grow()
        self.assertGreater(kernel_sees(self.card)[3][1], self.written[3][1])
        self.assertEqual(self.card.read_bytes()[446:510], old + bytes(32))

    def test_second_time_nothing_is_written(self):
        self.flash()
        self.grow()
        before = self.card.read_bytes()
        self.grow()
        self.assertEqual(self.card.read_bytes(), before)
        writes = [name for name in self.bench.commands() if name == "dd"]
        self.assertEqual(len(writes), 2, "only the two that read")

    def test_a_card_of_the_images_size_is_left_as_it_is(self):
        self.flash(card=8)
        self.grow()
        self.assertEqual(kernel_sees(self.card)[:3], self.written[:3])
        before = self.card.read_bytes()
        self.grow()
        self.assertEqual(self.card.read_bytes(), before)

    def test_a_whole_table_is_there_after_every_sector_that_was_written(self):
        self.flash()
        fresh = self.card.read_bytes()
        self.grow()
        commands, grown = self.bench.commands(), kernel_sees(self.card)
        cuts = 0
        for cut, name in enumerate(commands, 1):
            parts = (None, *range(1, 7), 33, 34) if name == "dd" else (None,)
            for part in parts:
                with self.subTest(cut=cut, part=part):
                    self.card.write_bytes(fresh)
                    self.assertIsNone(self.grow(cut=cut, part=part))
                    cuts += 1
                    self.assertIn(kernel_sees(self.card), (self.written, grown))
        self.assertGreater(cuts, 20)
        # After a cut in the middle of the first table, which leaves the copy only, the next start completes it.
        last = max(cut for cut, name in enumerate(commands, 1) if name == "dd")
        self.card.write_bytes(fresh)
        self.grow(cut=last, part=2)  # the header, and nothing of the entries that it counts
        self.assertIsNone(table(self.card.read_bytes(), 1))
        self.grow()
        self.assertEqual(table(self.card.read_bytes(), 1), grown)


if __name__ == "__main__":
    unittest.main()

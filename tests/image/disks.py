"""Disks for a box's USB port: files, formatted as people's disks are."""

import subprocess
from pathlib import Path

from card import MIB

SIZE = 256 * MIB
# With a partition table, as disks are sold; ext4 on all of a disk, as people make it.
FORMATS = {
    "exfat": (["mkfs.exfat", "-L", "EXFILMS"], "7"),
    "ntfs": (["mkfs.ntfs", "-Q", "-F", "-L", "NTFILMS"], "7"),
    "vfat": (["mkfs.vfat", "-F", "32", "-n", "FATFILMS"], "c"),
    "ext4": (["mkfs.ext4", "-q", "-F", "-m", "0", "-L", "EXTFILMS"], None),
}


def label(kind):
    return FORMATS[kind][0][-1]


def disk(folder, kind):
    """A new disk; its file."""
    make, partition = FORMATS[kind]
    path = Path(folder) / f"{kind}.disk"
    inside = path.with_suffix(".inside") if partition else path
    with inside.open("wb") as file:
        file.truncate(SIZE - (MIB if partition else 0))
    subprocess.run([*make, inside], check=True, capture_output=True)
    if partition:
        with path.open("wb") as file:
            file.truncate(SIZE)
        subprocess.run(["sfdisk", "--quiet", path], input=f"label: dos\n2048,,{partition}\n".encode(), check=True, capture_output=True)
        subprocess.run(["dd", f"if={inside}", f"of={path}", "bs=1M", "seek=1", "conv=notrunc,sparse", "status=none"], check=True)
        inside.unlink()
    return path

"""A card: what a person or an accident does to it while it is in no box."""

import io
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECTOR = 512
MIB = 1 << 20


def layout():
    """Where the image's partitions are, in bytes: name → (start, length). As board/common/layout says and genimage puts them."""
    sizes = subprocess.run(["bash", "-c", ". board/common/layout; echo $BOOTCFG_MB $BOOT_MB $BOOT_MB $ROOT_MB $ROOT_MB $BOOTSTATE_MB $DATA_MB"],
                           cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    places, at = {}, 1
    for name, size in zip(("bootcfg", "boot_a", "boot_b", "root_a", "root_b", "bootstate", "data"), map(int, sizes)):
        places[name] = (at * MIB, size * MIB)
        at += size
    return places


PLACES = layout()


class Card:
    """A card: a layer over an image, which stays as it is."""

    def __init__(self, folder, image, key, size="4G"):
        self.path = Path(folder) / f"card-{time.monotonic_ns()}.qcow2"
        image = Path(image).resolve()
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", image, "-F", "qcow2" if image.suffix == ".qcow2" else "raw", self.path, size], check=True)
        if key:
            self.put("wiidia/authorized_keys", key.with_suffix(".pub").read_text())

    @classmethod
    def copy(cls, folder, other):
        """The very same card once more, with what QEMU saved on it."""
        card = cls.__new__(cls)
        card.path = Path(folder) / f"card-{time.monotonic_ns()}.qcow2"
        subprocess.run(["cp", "--sparse=always", other, card.path], check=True)
        return card

    # ---- the first partition, at a computer ----

    def put(self, name, content):
        """Puts a file onto the first partition, as a person does."""
        data = content if isinstance(content, bytes) else content.encode()
        subprocess.run([ROOT / "scripts/box-card", "put", self.path, "-", name], input=data, check=True)

    def get(self, name):
        done = subprocess.run([ROOT / "scripts/box-card", "get", self.path, name], capture_output=True)
        return done.stdout.decode(errors="replace") if done.returncode == 0 else None

    # ---- bytes ----

    def write(self, at, source):
        """What is in a file, or bytes, from byte `at` of the card on: a multiple of a sector."""
        with open(source, "rb") if isinstance(source, Path) else io.BytesIO(source) as file:
            # In pieces: qemu-io holds what it writes in memory.
            while piece := file.read(64 * MIB):
                piece += bytes(-len(piece) % SECTOR)
                with tempfile.NamedTemporaryFile(dir=self.path.parent) as part:
                    part.write(piece)
                    part.flush()
                    subprocess.run(["qemu-io", "-f", "qcow2", "-c", f"write -s {part.name} {at} {len(piece)}", self.path], check=True, capture_output=True)
                at += len(piece)

    def read(self, at, length):
        with tempfile.NamedTemporaryFile(dir=self.path.parent) as out:
            subprocess.run(["qemu-img", "dd", "-f", "qcow2", "-O", "raw", f"bs={SECTOR}", f"skip={at // SECTOR}", f"count={(at + length) // SECTOR}",
                            f"if={self.path}", f"of={out.name}"], check=True, capture_output=True)
            return Path(out.name).read_bytes()[:length]

    # ---- slots ----

    def put_system(self, slot, update, cmdline=""):
        """The system of `update` into a slot, as an installation leaves it; `cmdline` is put behind the kernel's."""
        self.write(PLACES[f"root_{slot.lower()}"][0], update / "rootfs.img")
        with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:
            self.write(PLACES[f"boot_{slot.lower()}"][0], boot_image(update, Path(folder), cmdline))

    def bootctl(self, *arguments, running="A"):
        """The box's own back end, on this card's state: what it does as root of a system that runs from slot `running`."""
        at = PLACES["bootstate"][0]
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "bootstate").write_bytes(self.read(at, 16 * SECTOR))
            (folder / "cmdline").write_text(f"rauc.slot={running}\n")
            (folder / "board").write_text("BOOTLOADER=uboot\n")
            environment = {**os.environ, "WIIDIA_BOOTSTATE": str(folder / "bootstate"), "WIIDIA_CMDLINE": str(folder / "cmdline"),
                           "WIIDIA_BOARD": str(folder / "board"), "WIIDIA_RUN": str(folder)}
            answer = subprocess.run([ROOT / "rootfs-overlay/usr/lib/wiidia/bootctl", *arguments], env=environment, capture_output=True, text=True, check=True).stdout
            self.write(at, (folder / "bootstate").read_bytes()[: 16 * SECTOR])
        return answer.strip()


def boot_image(update, folder, cmdline=""):
    """A copy of the update's boot partition in `folder`, whose kernel is told `cmdline` as well."""
    copy = folder / "boot.img"
    shutil.copy(update / "boot.img", copy)
    if cmdline:
        environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1"}
        text = subprocess.run(["mtype", "-i", copy, "::cmdline.env"], env=environment, capture_output=True, text=True, check=True).stdout
        (folder / "cmdline.env").write_text(text.rstrip("\n") + " " + cmdline + "\n")
        subprocess.run(["mcopy", "-o", "-i", copy, folder / "cmdline.env", "::cmdline.env"], env=environment, check=True)
        (folder / "cmdline.env").unlink()
    return copy

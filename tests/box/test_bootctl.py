"""RAUC's boot loader back end: what is started next, whatever happens in between."""

import contextlib
import shutil
import tempfile
import unittest
import zlib
from pathlib import Path

from power import Bench, ScriptFailed, write


class Box:
    """A card and the memory of a running system; the memory is lost when the power goes."""

    def __init__(self, folder, bootloader):
        self.bench = Bench(folder)
        self.folder = Path(folder)
        self.boot, self.run_folder = self.folder / "boot", self.folder / "run"
        self.boot.mkdir()
        write(self.folder / "board", f"BOOTLOADER={bootloader}\n")
        self.start("A")

    def start(self, slot):
        """A start: /run is empty, the firmware says which slot it took."""
        shutil.rmtree(self.run_folder, ignore_errors=True)
        self.run_folder.mkdir()
        write(self.folder / "cmdline", f"console=tty1 rauc.slot={slot} root=PARTUUID=x\n")

    def bootctl(self, *arguments, cut=None, part=None):
        env = {
            "WIIDIA_BOOT": str(self.boot), "WIIDIA_RUN": str(self.run_folder), "WIIDIA_BOARD": str(self.folder / "board"),
            "WIIDIA_CMDLINE": str(self.folder / "cmdline"), "WIIDIA_DEVICE_TREE": str(self.folder / "dt"),
            "WIIDIA_BOOTSTATE": str(self.folder / "bootstate"),
        }
        return self.bench.run("bootctl", *arguments, env=env, cut=cut, part=part)

    @contextlib.contextmanager
    def saved(self):
        """Gives a function that puts everything back to how it is now."""
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(self.folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("shims"))

            def again():
                for name in ("boot", "run"):
                    shutil.rmtree(self.folder / name)
                shutil.copytree(copy, self.folder, dirs_exist_ok=True)

            yield again

    def states(self):
        return self.bootctl("get-state", "A"), self.bootctl("get-state", "B")


class Pi(Box):
    """A Raspberry Pi whose slot A runs and has proven itself."""

    def __init__(self, folder):
        super().__init__(folder, "tryboot")
        write(self.boot / "autoboot.txt", """\
            [all]
            tryboot_a_b=1
            boot_partition=2
            [tryboot]
            boot_partition=3
            # wiidia good=A trial=
            """)

    def firmware(self):
        """What the firmware takes at a plain start and at a tryboot, by autoboot.txt alone."""
        section, found = "[all]", {}
        for line in (self.boot / "autoboot.txt").read_text().splitlines():
            if line.startswith("["):
                section = line
            elif line.startswith("boot_partition="):
                found[section] = {"2": "A", "3": "B"}[line.split("=")[1]]
        assert len((self.boot / "autoboot.txt").read_bytes()) <= 512, "the firmware reads 512 bytes of it"
        return found["[all]"], found["[tryboot]"]

    def is_armed(self):
        parameter = self.run_folder / "systemd/reboot-param"
        return parameter.exists() and parameter.read_text() == "0 tryboot"

    def restart(self, plug_pulled=False):
        plain, trial = self.firmware()
        slot = trial if self.is_armed() and not plug_pulled else plain
        self.start(slot)
        return slot


class Virtual(Box):
    """QEMU with U-Boot: a model of boot.cmd on a real state partition."""

    def __init__(self, folder):
        super().__init__(folder, "uboot")
        (self.folder / "bootstate").write_bytes(bytes(8192))
        self.has_b = True
        self.bootctl("set-state", "A", "good")

    def variables(self):
        data = (self.folder / "bootstate").read_bytes()
        for offset in (0, 4096):
            block = data[offset:offset + 512]
            if int.from_bytes(block[:4], "little") == zlib.crc32(block[4:]):
                words = (word.decode().split("=", 1) for word in block[4:].split(b"\0") if word)
                return dict(words)
        return {"BOOT_ORDER": "A B", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0"}

    def restart(self, plug_pulled=False):
        state, slot = self.variables(), None
        while slot is None:
            for candidate in state["BOOT_ORDER"].split():
                left = int(state[f"BOOT_{candidate}_LEFT"])
                if left > 0:
                    state[f"BOOT_{candidate}_LEFT"] = str(left - 1)
                    if candidate == "A" or self.has_b:  # else there is nothing to load
                        slot = candidate
                        break
            else:
                state["BOOT_A_LEFT"] = state["BOOT_B_LEFT"] = "3"
        text = b"".join(f"{name}={value}".encode() + b"\0" for name, value in sorted(state.items())) + b"\0"
        body = text.ljust(508, b"\0")
        block = zlib.crc32(body).to_bytes(4, "little") + body
        with open(self.folder / "bootstate", "r+b") as file:
            for offset in (0, 4096):
                file.seek(offset)
                file.write(block)
        self.start(slot)
        return slot


class Rules:
    """What holds with either boot loader."""

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.box = self.make()

    def tearDown(self):
        self.temporary.cleanup()

    def make(self):
        shutil.rmtree(self.temporary.name, ignore_errors=True)
        Path(self.temporary.name).mkdir()
        return self.kind(self.temporary.name)

    def install(self, box):
        """What RAUC does around writing the other slot."""
        box.bootctl("set-state", "B", "bad")
        box.bootctl("set-primary", "B")

    def test_fresh_box_starts_a_again_and_again(self):
        self.assertEqual(self.box.bootctl("get-current"), "A")
        self.assertEqual(self.box.bootctl("get-primary"), "A")
        self.assertEqual(self.box.states(), ("good", "bad"))
        for _ in range(5):
            self.assertEqual(self.box.restart(), "A")
            self.assertEqual(self.box.bootctl("failed"), "")
            self.box.bootctl("set-state", "A", "good")

    def test_new_system_that_serves_stays(self):
        self.install(self.box)
        self.assertEqual(self.box.bootctl("get-primary"), "B")
        self.assertEqual(self.box.states(), ("good", "good"))
        self.assertEqual(self.box.restart(), "B")
        self.assertEqual(self.box.bootctl("get-primary"), "A", "until it has proven itself")
        self.box.bootctl("set-state", "B", "good")
        self.assertEqual(self.box.bootctl("get-primary"), "B")
        self.assertEqual(self.box.restart(), "B")
        self.assertEqual(self.box.bootctl("failed"), "")
        self.assertEqual(self.box.states()[1], "good")

    def test_new_system_that_panics_is_gone_at_the_next_start(self):
        self.install(self.box)
        self.assertEqual(self.box.restart(), "B")
        self.assertEqual(self.box.restart(plug_pulled=True), "A")
        self.assertEqual(self.box.bootctl("failed"), "B")
        self.assertEqual(self.box.bootctl("get-primary"), "A")
        self.assertEqual(self.box.bootctl("get-state", "B"), "bad")
        self.box.bootctl("set-state", "A", "good")
        for _ in range(3):
            self.assertEqual(self.box.restart(), "A")

    def test_new_system_that_does_not_serve_goes_back_by_itself(self):
        self.install(self.box)
        self.assertEqual(self.box.restart(), "B")
        self.box.bootctl("set-state", "B", "bad")  # mark-good gave up
        self.assertEqual(self.box.restart(), "A")
        self.assertEqual(self.box.bootctl("failed"), "B")

    def test_previous_system_can_be_chosen_and_must_prove_itself_again(self):
        self.install(self.box)
        self.box.restart()
        self.box.bootctl("set-state", "B", "good")
        self.box.bootctl("set-primary", "A")
        self.assertEqual(self.box.restart(), "A")
        self.box.bootctl("set-state", "A", "good")
        self.assertEqual(self.box.restart(), "A")

    def test_an_installation_can_be_taken_back_before_the_restart(self):
        self.install(self.box)
        self.box.bootctl("set-primary", "A")
        self.assertEqual(self.box.bootctl("get-primary"), "A")
        self.assertEqual(self.box.restart(), "A")
        self.assertEqual(self.box.restart(), "A")

    def test_the_only_system_cannot_be_called_bad(self):
        with self.assertRaisesRegex(ScriptFailed, "only one"):
            self.box.bootctl("set-state", "A", "bad")
        self.assertEqual(self.box.restart(), "A")

    def test_saying_the_same_twice_changes_nothing(self):
        for verb in (("set-state", "A", "good"), ("set-primary", "A"), ("set-state", "B", "bad")):
            self.box.bootctl(*verb)
            before = self.snapshot()
            self.box.bootctl(*verb)
            self.assertEqual(self.snapshot(), before, verb)

    def snapshot(self):
        paths = [self.box.boot / "autoboot.txt", self.box.folder / "bootstate"]
        return [path.read_bytes() for path in paths if path.exists()]

    def test_wrong_words_are_refused_and_change_nothing(self):
        before = self.snapshot()
        for words in ((), ("get",), ("set-primary",), ("set-primary", "C"), ("set-state", "A"), ("set-state", "A", "fine"),
                      ("get-state", "AB"), ("set-primary", "A B"), ("set-state", "*", "good")):
            with self.assertRaises(ScriptFailed, msg=words):
                self.box.bootctl(*words)
        self.assertEqual(self.snapshot(), before)

    # Each: the life before, the command during which the plug is pulled, and what may run at the next start.
    CUTS = {
        "install: the old slot is called bad": ([], ("set-state", "B", "bad"), {"A"}),
        "install: the new slot is to be started": ([("set-state", "B", "bad")], ("set-primary", "B"), {"A", "B"}),
        "the new system has proven itself": (
            [("set-state", "B", "bad"), ("set-primary", "B"), "restart"], ("set-state", "B", "good"), {"A", "B"}),
        "the new system does not serve": (
            [("set-state", "B", "bad"), ("set-primary", "B"), "restart"], ("set-state", "B", "bad"), {"A"}),
        "back to the previous system": (
            [("set-state", "B", "bad"), ("set-primary", "B"), "restart", ("set-state", "B", "good")],
            ("set-primary", "A"), {"A", "B"}),
    }

    def test_the_plug_may_be_pulled_between_any_two_commands(self):
        cuts = 0
        for name, (before, command, may_run) in self.CUTS.items():
            box = self.make()
            for step in before:
                box.restart() if step == "restart" else box.bootctl(*step)
            with box.saved() as again:
                box.bootctl(*command)
                commands = box.bench.commands()
                finished = (box.bootctl("get-primary"), box.states())
                for cut, called in enumerate(commands, 1):
                    # A command that writes may also have written a part.
                    for part in (None, 1, 60, 300) if called == "dd" else (None,):
                        with self.subTest(name, cut=cut, part=part):
                            again()
                            self.assertIsNone(box.bootctl(*command, cut=cut, part=part), "the power was to go")
                            cuts += 1
                            # Said again while it still runs, it is as if nothing had been.
                            with box.saved() as after_the_cut:
                                box.bootctl(*command)
                                self.assertEqual((box.bootctl("get-primary"), box.states()), finished)
                                after_the_cut()
                            self.assertIn(box.restart(plug_pulled=True), may_run)
                            self.assertIn(box.bootctl("get-primary"), ("A", "B"))
        self.assertGreater(cuts, 25)


class Tryboot(Rules, unittest.TestCase):
    kind = Pi

    def test_reads_the_slot_from_the_device_tree(self):
        write(self.box.folder / "cmdline", "console=tty1\n")
        node = self.box.folder / "dt/chosen/bootloader"
        node.mkdir(parents=True)
        for number, slot in ((2, "A"), (3, "B")):
            (node / "partition").write_bytes(number.to_bytes(4, "big"))
            self.assertEqual(self.box.bootctl("get-current"), slot)
        (node / "partition").write_bytes((1).to_bytes(4, "big"))
        with self.assertRaisesRegex(ScriptFailed, "number of a slot"):
            self.box.bootctl("get-current")

    def test_a_power_cut_before_the_trial_costs_only_the_restart(self):
        self.install(self.box)
        self.assertEqual(self.box.restart(plug_pulled=True), "A")
        self.assertEqual(self.box.bootctl("get-primary"), "A")
        self.install(self.box)
        self.assertEqual(self.box.restart(), "B")

    def test_a_broken_autoboot_file_is_made_anew(self):
        for text in ("", "nonsense", "[all]\nboot_partition=9\n", "\0" * 512):
            (self.box.boot / "autoboot.txt").write_text(text)
            self.assertEqual(self.box.bootctl("get-primary"), "A", repr(text))
            self.box.bootctl("set-state", "A", "good")
            self.assertEqual(self.box.firmware(), ("A", "B"))

    def test_windows_line_ends_are_read(self):
        path = self.box.boot / "autoboot.txt"
        path.write_text(path.read_text().replace("boot_partition=2", "boot_partition=3").replace("\n", "\r\n"))
        self.box.start("B")
        self.assertEqual(self.box.bootctl("get-primary"), "B")

    def test_nothing_is_written_when_nothing_changes(self):
        self.box.bootctl("set-state", "A", "good")
        self.box.bootctl("set-state", "A", "good")
        self.assertEqual(self.box.bench.commands(), [])


class UBoot(Rules, unittest.TestCase):
    kind = Virtual

    def test_either_copy_of_the_state_is_enough(self):
        self.install(self.box)
        path = self.box.folder / "bootstate"
        whole = path.read_bytes()
        for offset in (0, 4096):
            for broken in (offset, offset + 3, offset + 9, offset + 511):
                data = bytearray(whole)
                data[broken] ^= 0x55
                path.write_bytes(data)
                self.assertEqual(self.box.bootctl("get-primary"), "B", f"byte {broken} is wrong")
                self.assertEqual(self.box.variables()["BOOT_ORDER"], "B A")
        path.write_bytes(bytes(8192))
        self.assertEqual(self.box.bootctl("get-primary"), "A", "what a new card has")

    def test_three_starts_without_proof_change_over_when_there_is_another(self):
        self.install(self.box)
        self.box.restart()
        self.box.bootctl("set-state", "B", "good")
        for _ in range(3):
            self.assertEqual(self.box.restart(), "B")
        self.assertEqual(self.box.restart(), "A")

    def test_a_box_with_nothing_left_to_try_tries_again(self):
        self.box.has_b = False  # a new card
        for _ in range(9):
            self.assertEqual(self.box.restart(), "A")
        self.box.bootctl("set-state", "A", "good")


if __name__ == "__main__":
    unittest.main()

"""What a person plugs in and connects, by the page: disks of every kind, pulled out while they play, and folders of a NAS."""

import subprocess
import unittest

import disks
import nas
from box_case import BoxCase, note
from machine import until
from owner import seconds


class Storage(BoxCase):
    def listed(self, owner, label):
        """A disk as the page shows it."""
        found = [disk for disk in owner.get("/api/v1/system/storage")["disks"] if disk["label"] == label]
        return found[0] if found else None

    def plugged(self, box, owner, kind):
        disk = disks.disk(self.folder, kind)
        box.plug(disk, kind)
        took, shown = seconds(lambda: owner.eventually(f"the page shows the disk with {kind}", lambda: self.listed(owner, disks.label(kind)), pause=0.5))
        note(f"a disk with {kind} is on the page {took:.0f} s after it was plugged in")
        self.assertEqual((shown["filesystem"], shown["writable"], shown["reason"]), (kind, False, None), shown)
        self.assertEqual(shown["folder"], f"/media/{disks.label(kind)}")
        return shown

    def test_disks_of_every_kind_are_seen_written_to_and_their_films_play(self):
        box = self.serving()
        owner = self.owner(box)
        film, folders = self.film("film.flv"), []
        for kind in disks.FORMATS:
            with self.subTest(kind):
                shown = self.plugged(box, owner, kind)
                device, folder = shown["device"], shown["folder"]
                folders.append(folder)
                self.assertIn("Read-only", box.fails(f"touch {folder}/x"))
                # The owner allows it, copies a film, and takes it back.
                owner.do("POST", f"/api/v1/system/disks/{device}", {"do": "allow_writing"})
                shown = owner.eventually("it may be written to", lambda: (disk := self.listed(owner, disks.label(kind))) and disk["writable"] and disk)
                self.assertGreater(shown["free"], 100 << 20, shown)
                box.put(f"{folder}/{kind}.flv", film)
                if kind == "ext4":
                    box.run(f"chmod -R a+rX {folder}")
                owner.do("POST", f"/api/v1/system/disks/{device}", {"do": "forbid_writing"})
                owner.eventually("it is only read", lambda: (disk := self.listed(owner, disks.label(kind))) and not disk["writable"] and disk["folder"])
        # As "Add to the library" does.
        owner.set("library", folders=folders)
        owner.restart()
        for kind in disks.FORMATS:
            with self.subTest(f"{kind} plays"):
                self.assertEqual(self.pictures(box.url(f"/flv/{disks.label(kind)}/{kind}.flv")), 100)
        self.assertEqual(box.run("systemctl --failed --no-legend --plain", check=False), "")
        # Released, it may be pulled; its folder is gone, and the others stay.
        owner.do("POST", f"/api/v1/system/disks/{self.listed(owner, 'EXFILMS')['device']}", {"do": "release"})
        owner.eventually("it may be pulled", lambda: self.listed(owner, "EXFILMS") is None or None)
        self.assertEqual(box.run("test -e /media/EXFILMS && echo there || echo gone"), "gone")
        self.assertEqual(self.pictures(box.url("/flv/NTFILMS/ntfs.flv")), 100)

    def test_a_disk_is_pulled_while_its_film_plays_and_comes_back(self):
        box = self.serving()
        owner = self.owner(box)
        shown = self.plugged(box, owner, "exfat")
        owner.do("POST", f"/api/v1/system/disks/{shown['device']}", {"do": "allow_writing"})
        owner.eventually("it may be written to", lambda: self.listed(owner, "EXFILMS")["writable"])
        # Long enough to be in the middle of it: 20 MB, read at the speed of a viewer.
        # It is on the disk before that is pulled, as a copy is that somebody waited for.
        box.put("/media/EXFILMS/long.flv", self.film("long.flv", seconds=300, size="640x360"))
        box.run("sync")
        owner.set("library", folders=["/media/EXFILMS"])
        owner.restart()
        address = box.url("/flv/EXFILMS/long.flv")
        with subprocess.Popen(["ffmpeg", "-v", "error", "-re", "-i", address, "-f", "null", "-"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as viewer:
            until("it plays", lambda: "long.flv" in box.run("ls -l /proc/[0-9]*/fd 2>/dev/null || true"), pause=2)
            self.assertIsNone(viewer.poll(), "the viewer watches")
            # Somebody copies films onto it, too.
            box.run("(while head -c 100k /dev/zero >>/media/EXFILMS/half; do sleep 0.2; done) >/dev/null 2>&1 & sleep 2")
            box.pull("exfat")
            owner.eventually("the page knows that it is gone", lambda: self.listed(owner, "EXFILMS") is None or None)
            # Everything else goes on, at once.
            took, _ = seconds(lambda: owner.get("/api/v1/library/"))
            note(f"listing the library took {took:.1f} s with the disk pulled")
            status, said = owner.ask("GET", "/api/v1/media/EXFILMS/long.flv")
            self.assertGreaterEqual(status, 400, said)
            viewer.kill()
        self.assertEqual(box.run("grep -c EXFILMS /proc/mounts || true"), "0")
        # Back again: it was pulled while it could be written to, so it is only read, and says why.
        box.plug(self.folder / "exfat.disk", "again")
        shown = owner.eventually("the page shows it again", lambda: self.listed(owner, "EXFILMS"))
        self.assertEqual((shown["writable"], shown["wanted_writable"]), (False, True), shown)
        self.assertIn("pulled out while", shown["reason"])
        self.assertEqual(self.pictures(box.url("/flv/EXFILMS/long.flv"), more=("-read_intervals", "%+#50")), 50)
        owner.do("POST", f"/api/v1/system/disks/{shown['device']}", {"do": "repair"})
        owner.eventually("it is mended", lambda: (disk := self.listed(owner, "EXFILMS")) and disk["writable"], pause=5)

    @unittest.skipUnless(nas.is_possible(), "needs Samba and socat here")
    def test_folders_of_a_nas_by_smb_and_nfs(self):
        server = nas.Nas(self.folder)
        self.addCleanup(server.close)
        box = self.serving(nas=server)
        owner = self.owner(box)
        (server.films / "film.flv").write_bytes(self.film("film.flv"))
        smb = {"name": "films", "kind": "smb", "host": nas.ADDRESS, "path": "films", "user": "ada", "password": "canary1 in a coal, mine"}

        def refused(changes, words):
            status, said = owner.ask("POST", "/api/v1/system/storage", smb | changes)
            self.assertEqual(status, 502, said)
            self.assertRegex(said["detail"], words)
            self.assertEqual(owner.get("/api/v1/system/storage")["folders"], [], "nothing is left of what did not work")

        with self.subTest("nobody there"):
            refused({}, "does not answer|no such service")
        server.start_smb("ada", smb["password"])
        with self.subTest("wrong password"):
            refused({"password": "wrong"}, "refuses this name and password")
        with self.subTest("no such share"):
            refused({"path": "nothing"}, "no such folder")
        took, said = seconds(lambda: owner.do("POST", "/api/v1/system/storage", smb))
        note(f"a folder by SMB was there after {took:.0f} s")
        self.assertTrue(said["folders"][0]["mounted"], said)
        self.assertIn("Read-only", box.fails("touch /media/films/x"))
        wanted = ["/media/films"]
        if nas.has_nfs():
            server.start_nfs()
            took, said = seconds(lambda: owner.do("POST", "/api/v1/system/storage", {"name": "by_nfs", "kind": "nfs", "host": nas.ADDRESS, "path": "/films", "writable": True}))
            note(f"a folder by NFS was there after {took:.0f} s")
            box.run("touch /media/by_nfs/written && rm /media/by_nfs/written")
            wanted.append("/media/by_nfs")
        owner.set("library", folders=wanted)
        owner.restart()
        for folder in wanted:
            with self.subTest(folder):
                self.assertEqual(self.pictures(box.url(f"/flv/{folder.split('/')[2]}/film.flv")), 100)
        # The password is nowhere but where the system reads it.
        self.assertEqual(box.run("stat -c %a:%U /etc/wiidia-shares /etc/wiidia-shares/films"), "700:root\n600:root")
        self.assertNotIn("canary1", box.run("journalctl -b --no-pager; cat /etc/systemd/system/media-films.mount /proc/mounts"))
        self.assertNotIn("canary1", str(owner.get("/api/v1/system/storage")) + str(owner.get("/api/v1/support")))
        # The NAS goes while nobody looks: the rest goes on.
        server.stop("smb")
        took, _ = seconds(lambda: owner.get("/api/v1/health"))
        note(f"the page's health took {took:.1f} s with the NAS gone")
        server.start_smb("ada", smb["password"])
        owner.do("DELETE", "/api/v1/system/folders/films")
        self.assertEqual([folder["name"] for folder in owner.get("/api/v1/system/storage")["folders"]], ["by_nfs"] if "/media/by_nfs" in wanted else [])
        self.assertEqual(box.run("ls /etc/wiidia-shares; grep -c ' /media/films ' /proc/mounts || true"), "0")


if __name__ == "__main__":
    unittest.main()

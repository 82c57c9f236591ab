"""A NAS: Samba and NFS-Ganesha, as an ordinary process each, on a port of the loopback that QEMU's network leads to."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from machine import Trouble, free_port, until

ADDRESS = "10.0.2.100"
SMB, NFS = 445, 2049


class Nas:
    def __init__(self, folder):
        self.folder = Path(folder) / f"nas-{time.monotonic_ns()}"
        self.films = self.folder / "films"
        self.films.mkdir(parents=True)
        self.ports = {SMB: free_port(), NFS: free_port()}
        self.running = {}

    def forwards(self):
        """For QEMU: what the box finds at the NAS's address. A process for each connection, since QEMU's own way has one in all."""
        return "".join(f",guestfwd=tcp:{ADDRESS}:{there}-cmd:socat - TCP:127.0.0.1:{here}" for there, here in self.ports.items())

    def start_smb(self, user, password):
        state = self.folder / "samba"
        for name in ("private", "lock", "state", "cache", "pid", "rpc"):
            (state / name).mkdir(parents=True, exist_ok=True)
        me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        (state / "users").write_text(f"{me} = {user}\n")
        configuration = state / "smb.conf"
        configuration.write_text(
            f"[global]\nserver role = standalone server\nsecurity = user\nsmb ports = {self.ports[SMB]}\ninterfaces = lo\nbind interfaces only = yes\n"
            f"private dir = {state}/private\nlock directory = {state}/lock\nstate directory = {state}/state\ncache directory = {state}/cache\n"
            f"pid directory = {state}/pid\nncalrpc dir = {state}/rpc\nlog file = {state}/log\nusername map = {state}/users\npassdb backend = tdbsam:{state}/private/passdb.tdb\n"
            f"disable netbios = yes\ndisable spoolss = yes\nload printers = no\nmap to guest = never\n[films]\npath = {self.films}\nread only = no\n"
        )
        subprocess.run(["smbpasswd", "-c", configuration, "-a", "-s", me], input=f"{password}\n{password}\n".encode(), check=True, capture_output=True)
        self.begin("smb", SMB, [shutil.which("smbd") or "/usr/sbin/smbd", "-F", "--no-process-group", "-s", str(configuration)])

    def start_nfs(self):
        state = self.folder / "ganesha"
        state.mkdir(exist_ok=True)
        configuration = state / "ganesha.conf"
        configuration.write_text(
            f"NFS_CORE_PARAM {{ NFS_Port = {self.ports[NFS]}; Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; Bind_addr = 127.0.0.1; }}\n"
            f'NFSv4 {{ Graceless = true; RecoveryRoot = "{state}"; }}\n'
            f'EXPORT {{ Export_Id = 1; Path = "{self.films}"; Pseudo = "/films"; Access_Type = RW; Squash = No_Root_Squash; SecType = sys; Transports = TCP; FSAL {{ Name = VFS; }} }}\n'
        )
        self.begin("nfs", NFS, ["ganesha.nfsd", "-F", "-f", str(configuration), "-L", str(state / "log"), "-p", str(state / "pid")])

    def begin(self, name, port, command):
        self.running[name] = process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                                        start_new_session=True)

        def answers():
            if process.poll() is not None:
                raise Trouble(f"{command[0]} ended with {process.returncode}")
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.ports[port])) == 0

        until(f"{name} answers", answers, pause=0.5)

    def stop(self, name):
        process = self.running.pop(name, None)
        if process:
            # Samba has a process for each connection.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def close(self):
        for name in list(self.running):
            self.stop(name)
        shutil.rmtree(self.folder, ignore_errors=True)


def is_possible():
    """Whether this computer has what a NAS is made of."""
    return all(os.path.exists(f"/usr/sbin/{name}") or shutil.which(name) for name in ("smbd", "socat"))


def has_nfs():
    return shutil.which("ganesha.nfsd") is not None

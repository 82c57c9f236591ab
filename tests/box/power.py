"""Scripts of the box, run in a folder instead of on a box, with the plug pulled at a chosen moment.

The commands by which a script changes anything (dd, mv, rm, sync, mount …) are replaced by ones that count. At the chosen
one, every process of the script is killed: before the command did anything, or, for dd, after it wrote a part.
"""

import os
import subprocess
import textwrap
from pathlib import Path

OVERLAY = Path(__file__).resolve().parents[2] / "rootfs-overlay"
SCRIPTS = OVERLAY / "usr/lib/wiidia"

# $real is the command itself. A part of a dd is so many of its blocks; of a dd without count=, so many bytes.
SHIM = """\
#!/bin/bash
number=$(( $(cat "$POWER/count" 2>/dev/null || echo 0) + 1 ))
echo $number >"$POWER/count"
echo $POWER_NAME >>"$POWER/names"
if [ $number = "$POWER_CUT" ]; then
  if [ -n "$POWER_PART" ] && [ "$POWER_NAME" = dd ]; then
    arguments=()
    counted=
    for word in "$@"; do
      case $word in count=*) counted=yes; word=count=$POWER_PART ;; conv=*) word=conv=notrunc ;; esac
      arguments+=("$word")
    done
    if [ -z "$counted" ]; then
      head -c "$POWER_PART" | $real "${arguments[@]}"
    else
      $real "${arguments[@]}"
    fi
  fi
  kill -9 0
fi
exec $real "$@"
"""


class Bench:
    """A folder with what a script finds on a box."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.shims = self.folder / "shims"
        self.shims.mkdir()
        for name in ("dd", "mv", "rm", "sync", "mount", "mkdir", "truncate"):
            real = ":" if name == "mount" else f"/usr/bin/{name}"
            shim = self.shims / name
            shim.write_text(SHIM.replace("$real", real).replace("$POWER_NAME", name).replace("exec :", ":"))
            shim.chmod(0o755)

    def run(self, script, *arguments, env, cut=None, part=None):
        """Runs it; `cut` is the number of the command at which the power goes. Returns its output, None after a cut."""
        for name in ("count", "names"):
            (self.folder / name).unlink(missing_ok=True)
        environment = {
            "PATH": f"{self.shims}:/usr/sbin:/usr/bin:/sbin:/bin",
            "POWER": str(self.folder),
            "POWER_CUT": str(cut or ""),
            "POWER_PART": "" if part is None else str(part),
            "TMPDIR": str(self.folder),
            **env,
        }
        done = subprocess.run(
            ["/bin/bash", str(SCRIPTS / script), *arguments],
            env=environment, capture_output=True, text=True, start_new_session=True, timeout=60,
        )
        if done.returncode == -9:
            return None
        if done.returncode != 0:
            raise ScriptFailed(f"{script} {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def commands(self):
        """The commands of the last run that change something, in their order."""
        names = self.folder / "names"
        return names.read_text().split() if names.exists() else []


class ScriptFailed(Exception):
    pass


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))

#!/usr/bin/env python3
"""Lets sources fail at random while viewers watch, and plots what that costs.

  scripts/soak [--minutes 60] [--viewers 20] [--program FILE] [--folder DIR] [--seed N]

Five sources (MPEG-TS over UDP, SRT and endless HTTP, HLS, and RTMP from another server of ours) send one film whose
keyframes and beeps come together, every 1.024 s. Their senders are killed and stopped at random, and so are the
server's own workers. Viewers watch over HTTP-FLV, and note when a keyframe and when a beep came: how far apart these
are is how far sound has moved from the picture.

In the folder (target/soak/<time>, unless it is named): soak.svg, with the processes, descriptors and memory of the server
and the sound's offset over time; soak.json, the same in numbers; the logs. Ends with status 1 when sound drifted by
40 ms or more, when memory, descriptors or processes grew, or when a viewer was lost.

Needs Python 3 and ffmpeg. Something fails every six seconds, whatever the length: an hour has the failures of weeks. Offsets are
modulo the 1.024 s between two beeps.
"""

import argparse, json, os, random, shutil, signal, socket, statistics, subprocess, sys, threading, time
import http.server

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PERIOD = 1.024      # seconds between two keyframes, and two beeps: 48 frames of AAC at 48 kHz, 32 pictures
DRIFT_MS = 40       # what the issue allows
RSS_MB = 16         # the server's memory may grow by this after the first quarter: what its allocator keeps
DESCRIPTORS = 12    # by as much may descriptors at the end exceed those before the first viewer
WINDOW = 15         # seconds over which an offset is judged


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--viewers", type=int, default=20)
    options.add_argument("--program", default=os.path.join(ROOT, "target/release/wiidiaserver"))
    options.add_argument("--folder", default=None)
    options.add_argument("--seed", type=int, default=None)
    options = options.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    folder = options.folder or os.path.join(ROOT, "target/soak", time.strftime("%Y-%m-%d-%H%M%S"))
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(options.program):
        sys.exit(f"soak: {options.program} is not there; build it (cargo build --release), or name another one with --program")
    print(f"soak: {options.minutes:g} minutes, {options.viewers} viewers, seed {seed}, in {folder}", flush=True)
    run = Run(options, folder, random.Random(seed))
    try:
        run.run()
    finally:
        run.stop()
    result = run.judge()
    result["seed"] = seed
    with open(os.path.join(folder, "soak.json"), "w") as file:
        json.dump({"result": result, "samples": run.samples, "offsets": run.offsets()}, file)
    with open(os.path.join(folder, "soak.svg"), "w") as file:
        file.write(plot(run, result))
    for key, value in result.items():
        print(f"  {key}: {value}")
    sys.exit(1 if result["faults"] else 0)


class Run:
    def __init__(self, options, folder, random):
        self.options, self.folder, self.random = options, folder, random
        self.senders, self.viewers, self.samples = {}, [], []
        self.server = self.origin = self.hls = None
        self.began = time.monotonic()
        self.failures = {"killed": 0, "stopped": 0, "workers": 0}

    def run(self):
        self.film = make_film(os.path.join(os.path.dirname(self.folder) or ".", "film.ts"))
        ports = free_ports(8)
        udp, srt, tv, http, rtmp, other_http, other_rtmp, hls = ports
        self.origin = Server(self, "origin", other_http, other_rtmp, "")
        hls_folder = os.path.join(self.folder, "hls")
        os.makedirs(hls_folder)
        self.hls = serve_folder(hls_folder, hls)
        send = ["-re", "-stream_loop", "-1", "-i", self.film, "-c", "copy"]
        pushed = ["-f", "mpegts"]
        self.senders = {
            "udp": Sender(self, "udp", send + pushed + [f"udp://127.0.0.1:{udp}?pkt_size=1316"]),
            "srt": Sender(self, "srt", send + pushed + [f"srt://127.0.0.1:{srt}?mode=listener"]),
            "tv": Sender(self, "tv", send + pushed + ["-listen", "1", f"http://127.0.0.1:{tv}/tv.ts"]),
            "hls": Sender(self, "hls", send + ["-f", "hls", "-hls_time", "2", "-hls_list_size", "6", "-hls_flags",
                          "delete_segments+append_list", os.path.join(hls_folder, "live.m3u8")]),
            "rtmp": Sender(self, "rtmp", send + ["-bsf:a", "aac_adtstoasc", "-f", "flv", f"rtmp://127.0.0.1:{other_rtmp}/live/film"]),
        }
        urls = {
            "udp": f"udp://127.0.0.1:{udp}",
            "srt": f"srt://127.0.0.1:{srt}?mode=caller",
            "tv": f"http://127.0.0.1:{tv}/tv.ts",
            "hls": f"http://127.0.0.1:{hls}/live.m3u8",
            "rtmp": f"rtmp://127.0.0.1:{other_rtmp}/live/film",
        }
        sources = "".join(f'[[source]]\nname = "{name}"\nurl = "{url}"\nstart_timeout_seconds = 60\n' for name, url in urls.items())
        self.server = Server(self, "server", http, rtmp, sources)
        for sender in self.senders.values():
            sender.start()
        time.sleep(3)
        self.before = self.server.figures()
        names = list(urls)
        self.viewers = [Viewer(http, names[n % len(names)]) for n in range(self.options.viewers)]
        self.began = time.monotonic()
        end = self.began + 60 * self.options.minutes
        next_failure = self.began + 30
        while time.monotonic() < end:
            self.samples.append([round(time.monotonic() - self.began, 1)] + self.server.figures())
            if time.monotonic() >= next_failure:
                self.fail()
                next_failure = time.monotonic() + self.random.uniform(2, 10)
            for sender in self.senders.values():
                sender.tend()
            time.sleep(1)
        # What is left when nobody watches any more.
        for viewer in self.viewers:
            viewer.close()
        for _ in range(60):
            time.sleep(1)
            self.after = self.server.figures()
            if self.after[0] <= self.before[0]:
                break

    def fail(self):
        """Something breaks: a sender dies or hangs, or one of the server's workers does."""
        if self.random.random() < 0.25:
            workers = children(self.server.process.pid)
            if workers:
                self.failures["workers"] += 1
                hit(self.random.choice(workers), signal.SIGKILL)
            return
        sender = self.senders[self.random.choice(list(self.senders))]
        if self.random.random() < 0.3:
            self.failures["stopped"] += 1
            sender.pause(self.random.uniform(1, 12))
        else:
            self.failures["killed"] += 1
            sender.kill(self.random.uniform(0, 6))

    def stop(self):
        for viewer in self.viewers:
            viewer.close()
        for sender in self.senders.values():
            sender.kill(1e9)
        for server in (self.server, self.origin):
            if server:
                server.stop()
        if self.hls:
            self.hls.shutdown()

    def offsets(self):
        """By viewer: seconds since the beginning, and the median offset of a window in ms."""
        return {f"{viewer.name} {n}": viewer.windows(self.began) for n, viewer in enumerate(self.viewers)}

    def judge(self):
        faults, drifts = [], []
        for name, windows in self.offsets().items():
            if len(windows) < 2:
                faults.append(f"{name} saw too little to judge")
                continue
            first = statistics.median(offset for _, offset in windows[:2])
            drifts.append((max(abs(offset - first) for _, offset in windows), name))
        worst = max(drifts, default=(0, "nobody"))
        if worst[0] >= DRIFT_MS:
            faults.append(f"sound moved by {worst[0]:.0f} ms for {worst[1]}")
        lost = [viewer.name for viewer in self.viewers if viewer.lost]
        if lost:
            faults.append(f"viewers were lost: {', '.join(lost)}")
        back = sum(viewer.steps_back for viewer in self.viewers)
        if back:
            faults.append(f"times stepped back {back} times")
        quarter = max(1, len(self.samples) // 4)
        early = max(sample[3] for sample in self.samples[:quarter])
        late = max(sample[3] for sample in self.samples[-quarter:])
        if late - early > RSS_MB:
            faults.append(f"memory grew from {early:.0f} to {late:.0f} MB")
        if self.after[0] > self.before[0]:
            faults.append(f"{self.after[0] - self.before[0]} processes are left")
        if self.after[1] > self.before[1] + DESCRIPTORS:
            faults.append(f"descriptors: {self.before[1]} before, {self.after[1]} after")
        return {
            "minutes": self.options.minutes, "viewers": len(self.viewers), "failures": self.failures,
            "drift_ms": round(worst[0], 1), "rss_mb_first_quarter": round(early, 1), "rss_mb_last_quarter": round(late, 1),
            "descriptors_before_most_after": [self.before[1], max(s[2] for s in self.samples), self.after[1]],
            "processes_before_most_after": [self.before[0], max(s[1] for s in self.samples), self.after[0]],
            "steps_back": back, "longest_pause_s": round(max(v.longest_pause for v in self.viewers), 1), "faults": faults,
        }


class Server:
    def __init__(self, run, name, http, rtmp, sources):
        self.log = open(os.path.join(run.folder, f"{name}.log"), "w")
        library, data = (os.path.join(run.folder, name, part) for part in ("library", "data"))
        os.makedirs(library)
        config = os.path.join(run.folder, f"{name}.toml")
        with open(config, "w") as file:
            file.write(f"[index]\nbackground = false\n{sources}")
        command = [run.options.program, "--config", config, "--library", library, "--data", data]
        command += ["--http", f"127.0.0.1:{http}", "--rtmp", f"127.0.0.1:{rtmp}"]
        if os.geteuid() == 0:
            command.append("--allow-root")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", rtmp), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"soak: {name} ended at once; see {self.log.name}")
                time.sleep(0.1)
        sys.exit(f"soak: {name} does not answer; see {self.log.name}")

    def figures(self):
        """Processes, descriptors and resident megabytes: of the server itself, its workers only counted."""
        pid = self.process.pid
        with open(f"/proc/{pid}/statm") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        return [1 + len(children(pid)), len(os.listdir(f"/proc/{pid}/fd")), round(resident, 2)]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


class Sender:
    """An ffmpeg that sends, and is killed and stopped."""

    def __init__(self, run, name, arguments):
        self.command = ["ffmpeg", "-v", "error", "-nostdin", "-y"] + arguments
        self.log = open(os.path.join(run.folder, f"sender-{name}.log"), "a")
        self.process, self.back, self.go_on = None, 0, None

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def kill(self, away):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process, self.go_on, self.back = None, None, time.monotonic() + away

    def pause(self, seconds):
        if self.process and self.go_on is None:
            hit(self.process.pid, signal.SIGSTOP)
            self.go_on = time.monotonic() + seconds

    def tend(self):
        now = time.monotonic()
        if self.go_on and now >= self.go_on:
            self.go_on = None
            if self.process:
                hit(self.process.pid, signal.SIGCONT)
        if self.process is None and now >= self.back or self.process and self.process.poll() is not None:
            self.start()


class Viewer(threading.Thread):
    """Reads FLV, and notes the times of keyframes and of beeps."""

    def __init__(self, port, name):
        super().__init__(daemon=True)
        self.port, self.name = port, name
        self.over = self.lost = False
        self.keyframes, self.offsets_seen = [], []
        self.steps_back, self.longest_pause = 0, 0.0
        self.socket = None
        self.start()

    def close(self):
        self.over = True
        if self.socket:
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def run(self):
        while not self.over:
            try:
                self.watch()
            except (OSError, EOFError) as error:
                if not self.over and self.offsets_seen:
                    # A source that is away for more than half a minute ends for its viewers; ours never are.
                    self.lost = True
                    print(f"soak: a viewer of {self.name} was lost: {error}", flush=True)
                time.sleep(1)

    def watch(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), 5)
        self.socket.settimeout(90)
        self.socket.sendall(f"GET /live/{self.name}.flv HTTP/1.0\r\n\r\n".encode())
        file = self.socket.makefile("rb", 1 << 16)
        status = file.readline()
        while file.readline().strip():
            pass
        if b" 200 " not in status:
            raise EOFError(status.decode().strip())
        exactly(file, 13)
        last, quiet, heard, beeps = {}, 0, time.monotonic(), []
        while True:
            head = exactly(file, 11)
            kind, size = head[0] & 0x1F, int.from_bytes(head[1:4], "big")
            stamp = int.from_bytes(head[4:7], "big") | head[7] << 24
            body = exactly(file, size)
            exactly(file, 4)
            now = time.monotonic()
            self.longest_pause = max(self.longest_pause, now - heard)
            heard = now
            if kind not in (8, 9) or size < 3 or body[1] == 0 and (kind == 9 or body[0] >> 4 == 10):
                continue
            if kind in last and stamp < last[kind] and last[kind] - stamp < 1 << 31:
                self.steps_back += 1
            last[kind] = stamp
            if kind == 9:
                if body[0] >> 4 == 1:
                    composition = int.from_bytes(body[2:5], "big")
                    self.keyframes = self.keyframes[-20:] + [stamp + composition]
            else:
                # Silence is a dozen bytes of AAC, a beep a hundred.
                loud = size > 40
                if loud and quiet >= 8:
                    beeps.append((now, stamp))
                quiet = 0 if loud else quiet + 1
            # The keyframe of a beep may come after it: judged when both lanes have gone on for longer than they can be apart.
            while beeps and len(last) == 2 and min(last.values()) > beeps[0][1] + PERIOD * 500:
                at, beep = beeps.pop(0)
                offset = min((beep - keyframe for keyframe in self.keyframes), key=abs, default=None)
                if offset is not None and abs(offset) < PERIOD * 500:
                    self.offsets_seen.append((at, offset))

    def windows(self, began):
        windows = {}
        for at, offset in self.offsets_seen:
            windows.setdefault(int((at - began) // WINDOW), []).append(offset)
        return [(index * WINDOW, statistics.median(offsets)) for index, offsets in sorted(windows.items()) if len(offsets) >= 4]


def exactly(file, count):
    data = file.read(count)
    if len(data) < count:
        raise EOFError("the server ended it")
    return data


def make_film(path):
    """Ten minutes of small pictures with a keyframe, and a beep of 0.2 s, every 1.024 s."""
    if not os.path.exists(path):
        seconds = f"{600 * PERIOD:.3f}"
        beep = f"aevalsrc='0.5*sin(2*PI*997*t)*lt(mod(t,{PERIOD}),0.2)':s=48000:d={seconds}"
        picture = f"testsrc=size=160x90:rate=31.25:duration={seconds}"
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", beep,
                        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "32", "-keyint_min", "32",
                        "-sc_threshold", "0", "-bf", "0", "-c:a", "aac", "-b:a", "64k", "-f", "mpegts", path + ".new"], check=True)
        os.rename(path + ".new", path)
    return path


def serve_folder(folder, port):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, directory=folder, **options)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def children(pid):
    found = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(child) for child in file.read().split()]
        except OSError:
            pass
    return found


def hit(pid, what):
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        pass


def free_ports(count):
    """Below what the kernel gives to outgoing connections; UDP and TCP alike."""
    ports = []
    while len(ports) < count:
        port = random.randrange(20000, 32000)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        if port not in ports:
            ports.append(port)
    return ports


def plot(run, result):
    """Four curves over time, one below the other."""
    width, height, left, gap = 900, 120, 70, 46
    end = max([sample[0] for sample in run.samples] or [1])
    panels = [
        ("processes", [[(s[0], s[1]) for s in run.samples]]),
        ("descriptors of the server", [[(s[0], s[2]) for s in run.samples]]),
        ("memory of the server, MB", [[(s[0], s[3]) for s in run.samples]]),
        ("sound after picture, ms", list(run.offsets().values())),
    ]
    colours = ["#1f6f8b", "#b3541e", "#2e7d32", "#6a4c93", "#8d6e63"]
    total = len(panels) * (height + gap) + 60
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + left + 30} {total}" font-family="sans-serif" font-size="13">',
           f'<rect width="100%" height="100%" fill="#fff"/><text x="{left}" y="24" font-size="16">{result["minutes"]:g} minutes, '
           f'{result["viewers"]} viewers, {sum(result["failures"].values())} failures, drift {result["drift_ms"]} ms</text>']
    for number, (title, lines) in enumerate(panels):
        top = 50 + number * (height + gap)
        values = [value for line in lines for _, value in line] or [0]
        low, high = min(values), max(values)
        if high - low < 1e-9:
            low, high = low - 1, high + 1
        if number == 3:
            middle = statistics.median(values)
            low, high = min(low, middle - DRIFT_MS), max(high, middle + DRIFT_MS)
        place = lambda t, v: f"{left + t / end * width:.1f},{top + height - (v - low) / (high - low) * height:.1f}"
        out.append(f'<text x="{left}" y="{top - 6}">{title}</text><rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#bbb"/>')
        for value in (low, high):
            y = top + height - (value - low) / (high - low) * height
            out.append(f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{value:.0f}</text>')
        for index, line in enumerate(lines):
            if line:
                points = " ".join(place(t, v) for t, v in line)
                out.append(f'<polyline points="{points}" fill="none" stroke="{colours[index % len(colours)]}" stroke-width="1.2"/>')
    for part in range(5):
        out.append(f'<text x="{left + part * width / 4:.0f}" y="{total - 14}" text-anchor="middle">{part * end / 240:.1f} min</text>')
    return "\n".join(out + ["</svg>\n"])


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The checkpointer: programs destroyed and restored in the middle, here and in another boot."""
import os, re, struct, subprocess, sys, time, zlib
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
DRIVE = "build/tests/checkpoint.img"

def run(stack, *command, options=()):
    r = subprocess.run(["boot/run", "--icount", "--timeout", "90", "--stack", stack, *options, "--", *command],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=500)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")

def restored(err):
    m = re.search(r"taken (\d+) restored (\d+) failed (\d+)", err)
    return [int(n) for n in m.groups()] if m else [0, 0, 0]

for number, kind in enumerate(("fpu", "threads", "memory", "rpc", "sleep"), 1):
    program = ["/fluke/apps/selfcheck", kind, "7"]
    plain, got = run("", *program), run("checkpoint -v -c -a 300,700,1000,1500,2500,4000,9000", *program)
    t.check("checkpoint-%02d" % number, "a native program (%s) destroyed and restored in the same boot: the same output" % kind, plain[0] == 0 and
            got[:2] == plain[:2] and restored(got[2])[1] >= 2 and restored(got[2])[2] == 0, (plain, got))

SCRIPT = """
for n in 1 2 3 4 5 6; do echo $n $(seq $n | tr '\\n' ' '); done
exec 5>/tmp/five; echo hello >&5; seq 3000 | sort -r | head -n 2; echo there >&5; cat /tmp/five
(trap 'echo got it' USR1; kill -USR1 $BASHPID; sleep 0.01; exit 3); echo $?; sleep 0.02 & wait $!; echo done"""
plain = run("process", "bash", "-c", SCRIPT)
got = run("checkpoint -v -c -i 15 process", "bash", "-c", SCRIPT)
t.check("checkpoint-06", "a process manager and its processes: a script with pipes, files, signals, sleeps", plain[0] == 0 and got[:2] == plain[:2] and
        restored(got[2])[1] >= 7 and restored(got[2])[2] == 0, (plain, got))
t.check("checkpoint-07", "nothing that crossed the border was lost", not re.search("lost (?!0)|[^0] lost|not there", got[2]), got[2])
t.check("checkpoint-08", "a second image writes what has changed, not all", [int(n) for n in re.findall(r"(\d+) of them written", got[2])][-1] < 300 and
        "image 1:" in got[2], got[2])
got = run("process", "bash", "-c", "checkpoint -v -c -i 60 bash -c '%s'" % SCRIPT.replace("'", "'\\''"))
t.check("checkpoint-09", "the same as a command in a shell", got[:2] == plain[:2] and restored(got[2])[1] >= 2 and restored(got[2])[2] == 0, (plain, got))

os.makedirs("build/tests", exist_ok=True)
subprocess.run(["tools/mkdisk", DRIVE, "image:16M"], check=True)
LOOP = "for n in {1..16}; do echo $n $(seq $n | tr '\\n' ' '); done"
plain = run("process", "bash", "-c", LOOP)
NAMELESS = """cd /tmp; exec 6>gone 7<gone; rm gone; exec 8<>big; rm big; seq 60000 >&8; sleep 0.5
for i in 1 2 3 4 5 6; do echo line $i >&6; read -r x <&7; echo got $x; done; echo more >&8; cksum </dev/fd/8"""
nameless_plain = run("process", "bash", "-c", NAMELESS)
got = run("checkpoint -v -c -i 60 process", "bash", "-c", NAMELESS)
run("checkpoint -l -t -f disk:image -a 400000 process", "bash", "-c", NAMELESS, options=("--drive", DRIVE))
elsewhere = run("checkpoint -v -r -f disk:image", "x", options=("--drive", DRIVE))
t.check("checkpoint-21", "files without a name, one of them large, one open twice: in the image once, here and in another boot",
        nameless_plain[0] == 0 and nameless_plain[1].count("line") == 6 and got[:2] == elsewhere[:2] == nameless_plain[:2] and restored(got[2])[1] >= 2,
        (nameless_plain, got, elsewhere))
subprocess.run(["tools/mkdisk", DRIVE, "image:16M"], check=True)
first = run("checkpoint -l -f disk:image -a 110000 process", "bash", "-c", LOOP, options=("--drive", DRIVE))
second = run("checkpoint -v -r -f disk:image", "x", options=("--drive", DRIVE))
t.check("checkpoint-10", "bash in the middle of a loop goes on in another boot, from the drive", first[1] and second[1] and plain[0] == second[0] == 0 and
        first[1] + second[1] == plain[1], (first, second))

# ---- the clock
CLOCK = """read s x </proc/uptime; sleep 3; read a x </proc/uptime; (sleep 1.5; echo ended) & sleep 1; read b x </proc/uptime; echo $s $a $b; wait
read c x </proc/uptime; echo $c $EPOCHREALTIME"""
clock_plain = run("process", "bash", "-c", CLOCK)
def clock(number, at, left, sentence):
    """In the machine that goes on the rest of the time passes, no more; its own time of day is what programs see."""
    run("checkpoint -l -f disk:image -a %d process" % at, "bash", "-c", CLOCK, options=("--drive", DRIVE))
    got = run("checkpoint -v -r -f disk:image", "x", options=("--drive", DRIVE))
    m = re.fullmatch(r"([\d.]+) ([\d.]+) ([\d.]+)\nended\n([\d.]+) ([\d.]+)\n", got[1])
    s, a, b, c, wall = map(float, m.groups()) if m else [0] * 5
    ran = int((re.findall(r"ran (\d+) us", got[2]) or [0])[-1]) / 1e6
    t.check("checkpoint-%d" % number, sentence, 3 <= a - s < 3.1 and 1 <= b - a < 1.1 and 4.5 <= c - s < 4.7 and left - 0.2 < ran < left + 0.1 and
            left - 0.2 < wall - 1767225600 < left + 0.8, (clock_plain, got))
clock(22, 1500000, 3, "in another boot a sleep ends when the rest of it has passed; the monotonic clock goes on where it stood, the time of day is that machine's")
clock(23, 3300000, 1.2, "the same with two sleeps at a time")

# ---- locks
HOLDS = ("--put", "build/tests/posix/holds:/bin/holds")
plain_locks = run("process", "holds", options=HOLDS)
here = run("checkpoint -v -c -a 200000,400000,700000 process", "holds", options=HOLDS)
begun = run("checkpoint -l -t -f disk:image -a 500000 process", "holds", options=HOLDS + ("--drive", DRIVE))
there = run("checkpoint -r -f disk:image", "x", options=("--drive", DRIVE))
t.check("checkpoint-24", "record locks, flock's and those of open files are held after a restore, here and in another boot, by whom they were, and can be let go",
        plain_locks[0] == 0 and plain_locks[1].count("holder the parent") == 2 and "free: holder none, error 0, beside it 0, on it 0, flock 0, open file 0" in plain_locks[1] and
        here[:2] == (there[0], begun[1] + there[1]) == plain_locks[:2] and begun[1] and there[1] and restored(here[2])[1] == 3,
        (plain_locks, here, begun, there))

# ---- FIFOs
FIFOS = """mkfifo /tmp/a /tmp/b; exec 5<>/tmp/a; echo one >&5; echo two >&5; (while read -r x; do echo "<$x>"; done </tmp/b; echo end of b) & exec 6>/tmp/b
for i in 1 2 3 4 5 6 7 8; do echo line $i >&6; sleep 0.1; done; read -r y <&5; echo $y; echo three >&5; exec 6>&-; wait; read -r y <&5; read -r z <&5; echo $y $z"""
plain_fifos = run("process", "bash", "-c", FIFOS)
here = run("checkpoint -v -c -a 200000,400000,700000 process", "bash", "-c", FIFOS)
begun = run("checkpoint -l -t -f disk:image -a 500000 process", "bash", "-c", FIFOS, options=("--drive", DRIVE))
there = run("checkpoint -v -r -f disk:image", "x", options=("--drive", DRIVE))
t.check("checkpoint-25", "FIFOs of the file tree with what is in them and those who have them open, here and in another boot", plain_fifos[0] == 0 and
        plain_fifos[1].endswith("one\nend of b\ntwo three\n") and here[:2] == (there[0], begun[1] + there[1]) == plain_fifos[:2] and begun[1] and there[1] and
        restored(here[2])[1] == 3 and " 0 lost" in here[2] and "not there again" not in there[2], (plain_fifos, here, begun, there))

# ---- images that are not what was written
subprocess.run(["tools/mkdisk", DRIVE, "image:16M"], check=True)
run("checkpoint -l -f disk:image -a 110000 process", "bash", "-c", LOOP, options=("--drive", DRIVE))
def layout():
    """Where the file is in the drive; its chunks: (kind, offset in the drive, packed size)."""
    with open(DRIVE, "rb") as f:
        disk = f.read()
    entry = disk[64:128] if disk[64:69] == b"image" else disk[disk.index(b"image\0"):][:64]
    start = struct.unpack("<5I", entry[44:64])[0] * 512
    found, magics = [], {b"PAGE": "pages", b"META": "stream", b"INDX": "index"}
    for extent in range(start + 65536, len(disk) - 65535, 65536):
        at = extent
        while at + 16 <= extent + 65536 and disk[at:at + 4] in magics:
            raw, packed = struct.unpack_from("<II", disk, at + 4)
            found.append((magics[disk[at:at + 4]], at, packed))
            at += 16 + packed + 15 & -16
    return start, disk, found

def altered(changes):
    """The status and message of a restore of the drive with these (offset, bytes) written into it."""
    with open(DRIVE, "r+b") as f:
        kept = []
        for at, data in changes:
            f.seek(at)
            kept.append((at, f.read(len(data))))
            f.seek(at)
            f.write(data)
    status, out, err = run("checkpoint -r -f disk:image", "x", options=("--drive", DRIVE))
    with open(DRIVE, "r+b") as f:
        for at, data in reversed(kept):
            f.seek(at)
            f.write(data)
    return status, out, err

start, disk, chunks = layout()
flip = lambda at: (at, bytes([disk[at] ^ 0x10]))
cases, number = [], 11
for kind in ("pages", "stream", "index"):
    k, at, size = next(c for c in chunks if c[0] == kind)
    cases += [("the head of a chunk of %s" % kind, [flip(at + 4)]), ("its checksum", [flip(at + 12)]), ("a byte of it", [flip(at + 16 + size // 2)])]
first, other = [c for c in chunks if c[0] == "pages"][:2]
cases += [("two chunks of pages, the first now a copy of the second", [(first[1], disk[other[1]:other[1] + 16 + other[2]])]),
          ("its end cut off", [(chunks[-1][1], bytes(65536))]), ("both commit records", [flip(start + 4096 + 8), flip(start + 8)])]
wrong = []
for what, changes in cases:
    status, out, err = altered(changes)
    if status != 126 or out or not re.search("checkpoint: (restore|start): .*(altered|truncated|no image|head)", err):
        wrong.append((what, status, out, err))
t.check("checkpoint-11", "an image altered in any kind of its blocks is refused with the reason, and nothing runs", not wrong and len(cases) == 12, wrong)
commit = bytearray(disk[start + 4096:start + 4096 + 28])
struct.pack_into("<I", commit, 4, 99)
status, out, err = altered([(start + 4096, bytes(commit) + struct.pack("<I", zlib.crc32(bytes(commit))))])
t.check("checkpoint-12", "an image of another version is refused", status == 126 and not out and "another version" in err, (status, out, err))
status, out, err = run("checkpoint -v -r -f disk:image", "x", options=("--drive", DRIVE))
t.check("checkpoint-13", "unaltered it still goes on", (status, out) == second[:2], (status, out, err))

# ---- the taking goes wrong
for number, point in enumerate(("begun", "pages", "written", "synced", "committed"), 14):
    got = run("checkpoint -v --crash=%s -f disk:image -a 70000,110000 process" % point, "bash", "-c", LOOP, options=("--drive", DRIVE))
    again = run("checkpoint -v -r -f disk:image", "x", options=("--drive", DRIVE))
    t.check("checkpoint-%d" % number, "the checkpointer fails at `%s`: the program goes on, the last image is good" % point, got[:2] == plain[:2] and
            restored(got[2])[::2] == [1, 1] and again[0] == 0 and again[1] and plain[1].endswith(again[1]), (got, again))
subprocess.run(["tools/mkdisk", DRIVE, "image:384K"], check=True)
got = run("checkpoint -v -f disk:image -i 30 process", "bash", "-c", LOOP, options=("--drive", DRIVE))
again = run("checkpoint -v -r -f disk:image", "x", options=("--drive", DRIVE))
t.check("checkpoint-19", "no room for a further image: the program goes on, the former image is good", got[:2] == plain[:2] and
        "no room for the image" in got[2] and again[0] == 0 and again[1] and plain[1].endswith(again[1]), (got, again))

# ---- boot/run
if os.path.exists(DRIVE):
    os.unlink(DRIVE)
def host(*words, **more):
    return subprocess.run(["boot/run", "--icount", "--timeout", "60", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, **more)
job = subprocess.Popen(["boot/run", "--icount", "--timeout", "60", "--checkpoint", DRIVE + ",150", "--", "bash", "-c",
                        "mkdir /tmp/job; for n in {1..40}; do echo $n >>/tmp/job/log; echo step $n; seq 8000 | sort -r >/tmp/job/sorted; done; wc -l </tmp/job/log"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
before = []
for line in job.stdout:
    before.append(line)
    if line == "step 12\n":
        break
job.kill()
job.wait()
time.sleep(0.5)
after = host("--restore", DRIVE)
steps = after.stdout.split("\n")
t.check("checkpoint-20", "a job whose QEMU is killed goes on in another with its files: boot/run --checkpoint, --restore", after.returncode == 0 and
        steps[-2:] == ["40", ""] and re.fullmatch("step [0-9]+", steps[0]) and
        steps[0] != "step 1" and steps[:-2] == ["step %d" % n for n in range(int(steps[0].split()[1]), 41)], (before, after))
t.done()

#!/usr/bin/env python3
"""The disk: nesters/disk, its files and tools/mkdisk; both ways to reach the device, drivers killed at work, errors of the medium."""
import json, os, re, shutil, socket, subprocess, sys, tempfile
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
work = tempfile.mkdtemp(prefix="disk.", dir="build")
image, log = work + "/image", work + "/log"

def mkdisk(*words):
    return subprocess.run(["tools/mkdisk", *words], capture_output=True)

def run(drive, *command, stack="", stdin=b"", qemu=""):
    """Status, output, errors, log."""
    r = subprocess.run(["boot/run", "--stack", stack, "--icount", "--timeout", "60", "--log", log, "--qemu", qemu,
                        *(["--tree", "small"] if not stack else []), *(["--drive", drive] if drive else []), "--", *command],
                       input=stdin, capture_output=True, timeout=400)
    return r.returncode, r.stdout, r.stderr.decode(errors="replace"), open(log, errors="replace").read()

PATH = "PATH=$PATH:/fluke/apps; "
licence = open("LICENSE", "rb").read()
made = mkdisk(image, "swap:8M", "licence=LICENSE")
bad = work + "/bad"
def damaged(at):
    shutil.copy(image, bad)
    with open(bad, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 1]))
    return mkdisk("--check", bad).returncode
start = int(re.search(rb"licence .* sector (\d+)", mkdisk("--list", image).stdout)[1]) * 512
t.check("disk-01", "tools/mkdisk makes an image, finds it good, and one with a changed byte in its header or a file's contents bad",
        made.returncode == 0 and mkdisk("--check", image).returncode == 0 and mkdisk("--get", "licence", image).stdout == licence and
        damaged(70) and damaged(start + 10), made)

for n, kind in ((2, "legacy"), (3, "modern")):
    status, out, err, said = run("%s,%s" % (image, kind), "diskfile", "list")
    t.check("disk-%02d" % n, "a %s device: its files by name" % kind, status == 0 and ", %s\n" % kind in said and
            [l.split()[:2] for l in out.decode().splitlines()] == [["swap", "8388608"], ["licence", str(len(licence))]], (out, err, said))
data = os.urandom(300000)
status, out, err, _ = run(image, "diskfile", "write", "swap", stdin=data)
t.check("disk-04", "what a guest writes stands in the image", status == 0 and mkdisk("--get", "swap", image).stdout[:len(data)] == data, err)
status, out, err, _ = run(image, "sh", "-c", PATH + "diskfile read swap | head -c 300000 | md5sum",
                          stack="process")
t.check("disk-05", "under the process manager, in a shell's pipe: what stands there is read", subprocess.run(["md5sum"], input=data,
        stdout=subprocess.PIPE).stdout in out, (out, err))

for n, kind in ((6, "legacy"), (8, "modern")):
    status, out, err, said = run("%s,%s" % (image, kind), "disktest", "swap", "8", "60", "4")
    t.check("disk-%02d" % n, "%s: 8 threads under way, the driver killed four times: no request fails, nothing is lost" % kind,
            status == 0 and out.count(b"\nok") + out.startswith(b"ok") == 3 and said.count("is started again") == 4, (out, err, said))
    status, out, err, said = run("%s,%s" % (image, kind), "disktest", "swap", "8", "30", "0")
    m = re.search(rb"now: (\d+) requests, at most (\d+) at a time, (\d+) interrupts", out)
    t.check("disk-%02d" % (n + 1), "%s: several requests at a time, ended by interrupts" % kind, status == 0 and m and int(m[2]) >= 4 and
            0 < int(m[3]) <= int(m[1]) and int(m[1]) >= 240, (out, err))

# -- errors of the medium: QEMU's blkdebug fails what touches one sector; its own count of failed operations
def blkdebug(event, sector):
    path = work + "/" + event
    with open(path, "w") as f:
        f.write('[inject-error]\nevent = "%s"\nerrno = "5"\nsector = "%d"\nonce = "off"\n' % (event, sector))
    return "blkdebug:%s:%s" % (path, image)

def failures(path):
    """Failed reads and writes of the drive, asked of QEMU."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        f = s.makefile("rw")
        f.readline()
        for command in ("qmp_capabilities", "query-blockstats"):
            f.write(json.dumps({"execute": command}) + "\n")
            f.flush()
            answer = json.loads(f.readline())
    stats = next(b["stats"] for b in answer["return"] if b.get("device") == "disk0")
    return {k: stats["failed_%s_operations" % k] for k in ("rd", "wr")}

def failing(event, sector, command):
    """Runs the shell command; output, errors, failures counted when it has ended but the guest has not."""
    path = os.path.join(tempfile.gettempdir(), "fluke-disk-%d" % os.getpid())
    p = subprocess.Popen(["boot/run", "--stack", "process", "--icount", "--timeout", "60", "--log", log, "--drive", blkdebug(event, sector),
                          "--qemu", "-qmp unix:%s,server=on,wait=off" % path, "--", "sh", "-c", PATH + command + "; echo end; read line"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out = b""
    while not out.endswith(b"end\n"):
        more = p.stdout.readline()
        if not more:
            break
        out += more
    found = failures(path) if out.endswith(b"end\n") else {}
    err = p.communicate(b"\n")[1].decode(errors="replace")
    if os.path.exists(path):
        os.unlink(path)
    return out, err, found

out, err, found = failing("read_aio", 8 + 600, "diskfile read swap >/tmp/x; echo status $?; wc -c </tmp/x; diskfile read licence | wc -c")
t.check("disk-10", "a sector that cannot be read: the program gets EIO, what lies before it and other files are read; QEMU counts the errors",
        b"status 1" in out and "Input/output error" in err and b"%d\n" % len(licence) in out and b"\n262144\n" in out and
        found.get("rd", 0) > 0, (out, err, found))
out, err, found = failing("write_aio", 8 + 600, "head -c 600000 /dev/zero | diskfile write swap; echo status $?")
t.check("disk-11", "one that cannot be written: EIO, counted", b"status 1" in out and "Input/output error" in err and found.get("wr", 0) > 0,
        (out, err, found))
out, err, found = failing("read_aio", 8 + 16000, "diskfile read licence | wc -c")
t.check("disk-12", "the same with nothing read there: no error, none counted", b"%d\n" % len(licence) in out and not err and
        found == {"rd": 0, "wr": 0}, (out, err, found))

status, out, err, said = run(image + ",ro", "diskfile", "write", "swap", stdin=data)
t.check("disk-13", "a read-only drive cannot be written", status == 1 and "Read-only" in err, (status, err, said))
status, out, err, said = run(image, "diskfile", "write", "licence", stdin=data)
t.check("disk-14", "nor a read-only file", status == 1 and "Read-only" in err and mkdisk("--check", image).returncode == 0, (status, err, said))
status, out, err, said = run(None, "diskfile", "list")
t.check("disk-15", "without a disk: no such device", status == 1 and "No such device" in err, (status, err))
with open(bad, "wb") as f:
    f.write(licence.ljust(40000, b"\n"))
status, out, err, said = run(bad, "diskfile", "read", "disk")
t.check("disk-16", "a disk without files of ours is one file", status == 0 and
        out.startswith(open(bad, "rb").read()), (status, len(out), err, said))
shutil.rmtree(work)
t.done()

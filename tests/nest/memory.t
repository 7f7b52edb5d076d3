#!/usr/bin/env python3
"""The memory nester: more memory than there is, and a swap file that lies."""
import re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

def run(script, stack="process", options=()):
    r = subprocess.run(["boot/run", "--stack", stack, "--timeout", "90", "--icount", "--put", "build/tests/posix/paged:/tmp/paged", *options,
                        "--", "bash", "-c", "cd /tmp\n" + script], stdin=subprocess.DEVNULL, capture_output=True, timeout=500)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")

def counts(text):
    m = re.search(r"memory: in (\d+) pages by (\d+) reads, out (\d+) by (\d+) writes, dropped (\d+) clean (\d+) zero, kept (\d+)", text)
    return [int(n) for n in m.groups()] if m else [0] * 7

status, out, err = run("""
seq 100000 | sort -R --random-source=/bin/bash >big
sort -S 16M --parallel=4 big | cksum; memory -v -s 3M sort -S 16M --parallel=4 big | cksum""")
lines = out.split("\n")
t.check("memory-01", "sort --parallel=4 with three times its memory: the same output", status == 0 and len(lines) == 3 and lines[0] == lines[1] and
        counts(err)[0] > 500 and counts(err)[2] > 500, (status, out, err))
status, out, err = run("memory -v -s 3M -S 32M ./paged fill 9")
t.check("memory-02", "9 MB in 3, forked: each sees what it wrote", (status, out) == (0, "good\n") and counts(err)[0] > 4000, (status, out, err))
t.check("memory-03", "clean pages are not written again, zero ones never", counts(err)[4] > 1000 and counts(err)[5] > 50 and
        counts(err)[2] < counts(err)[0], err)

for number, kind in enumerate(("map", "heap", "stack", "fork"), 4):
    status, out, err = run("for how in zero bit move old; do (memory -s 3M -S 32M -f swap ./paged %s $how 5 swap); echo $how $?; done" % kind)
    t.check("memory-%02d" % number, "blocks of %s pages zeroed, changed by a bit, exchanged, out of date: SIGBUS, never a wrong page" % kind, (status, out) ==
            (0, "".join("altered\n%s 135\n" % how for how in ("zero", "bit", "move", "old"))) and err.count("is not what was written") >= 4,
            (status, out, err))
status, out, err = run("memory -s 3M -S 32M -f swap defect=sum ./paged map bit 5 swap")
t.check("memory-08", "known bad: without the check a changed block is a wrong page", status == 9 and "wrong" in out, (status, out, err))
status, out, err = run("(memory -s 3M -S 32M -f swap ./paged map cut 5 swap); echo $?")
t.check("memory-09", "a swap file that cannot be read: an error, never a wrong page", out.split()[-1:] not in ([], ["0"]) and
        "wrong" not in out and "unnoticed" not in out and "cannot be read" in err, (status, out, err))
status, out, err = run("""
memory -s 2M -S 8M memtest | head -n 1
(memory -s 2M -S 1M memtest); echo $?
memory -f /proc/none/swap -s 2M memtest; echo $?""")
t.check("memory-10", "a native program of 4 MB in 2; with a swap file too small it ends with a message", status == 0 and
        out.startswith("memtest 0 wrong bits\n139\n126\n") and "the swap file is full" in err, (status, out, err))
PIPE = "seq 20000 | sort -R --random-source=/bin/bash | sort -n | tail -n 1; (exit 4); echo $?; yes | head -c 3000000 | cksum"
wanted = run(PIPE)
for number, stack in ((11, "memory -v -s 10M process"), (12, "process memory -v -s 8M process"), (13, "memory -v -s 12M memory -v -s 8M process")):
    got = run(PIPE, stack)
    t.check("memory-%d" % number, 'a process manager and its processes below "%s"' % stack, got[:2] == wanted[:2] and wanted[0] == 0, (got, wanted))

status, out, err = run(r"""
for round in 1 2 3; do
	for n in 1 2 3; do
		memory -s 8M bash -c 'for x in 1 2 3; do sleep 1000 & done; echo ready; while :; do :; done' >o & p=$!
		until grep -q ready o; do sleep 0.05; done; kill -9 $p; wait $p; rm o
	done 2>/dev/null
	echo $(cat /proc/objects)
done""")
rounds = [dict(re.findall(r"(\S+) (\d+)", line)) for line in out.split("\n")[:3]]
same = ("thread", "space", "region", "port", "portset", "mutex", "cond")
t.check("memory-16", "killed in the middle: what was below it is gone to the last object, its memory too", status == 0 and len(rounds) == 3 and
        all(rounds[1].get(k) == rounds[2].get(k, 0) for k in same) and int(rounds[1]["free-pages"]) - int(rounds[2]["free-pages"]) < 64, out)

status, out, err = run('memory -v -s 8M bash -c "for n in {1..16}; do sleep 1 & done; wait; echo all"; exit 254')
t.check("memory-17", "16 programs begun at once, whose reads wait for pages while pages are written: nobody is cut off", (status, out) == (254, "all\n") and
        counts(err)[2] > 100 and err.count("\n") == 1, (status, out, err))

status, out, err = run(r"""
memory -v -s 4M -S 64M bash -c '
for round in 1 2 3; do
	pids=; good=0
	for n in {1..20}; do (sleep 2; exit 3) & pids="$pids $!"; done
	for pid in $pids; do wait $pid; [ $? = 3 ] && good=$((good + 1)); done
	echo $good $(cat /proc/objects)
done'""")
rounds = [dict(re.findall(r"([a-z]+) (\d+)", line)) for line in out.split("\n")[:3]]
packed = [int(n) for n in (re.findall(r"packed (\d+), unpacked (\d+)", err) or [(0, 0)])[0]]
t.check("memory-18", "40 processes in 4 MB: their objects share packed frames while they sleep, and are where they were when they wake", status == 0 and
        [line.split()[0] for line in out.split("\n")[:3]] == ["20"] * 3 and packed[0] > 300 and packed[1] > 100, (status, out, err))
t.check("memory-19", "no object is lost or left", len(rounds) == 3 and all(rounds[1].get(k) == rounds[2].get(k, 0) for k in same), out)
status, out, err = run(r"""
for round in 1 2 3; do
	memory -s 4M -S 64M bash -c 'for x in {1..20}; do sleep 1000 & done; sleep 0.5; echo ready; while :; do :; done' >o & p=$!
	until grep -q ready o; do sleep 0.05; done; kill -9 $p; wait $p; rm o
	echo $(cat /proc/objects)
done 2>/dev/null""")
rounds = [dict(re.findall(r"(\S+) (\d+)", line)) for line in out.split("\n")[:3]]
t.check("memory-20", "killed while objects are packed: they are gone, and their memory", status == 0 and len(rounds) == 3 and
        all(rounds[1].get(k) == rounds[2].get(k, 0) for k in same) and int(rounds[1]["free-pages"]) - int(rounds[2]["free-pages"]) < 64, out)

status, out, err = run(r"""
for how in zero other cut; do
	memory -s 3M -S 32M -f swap process bash -c 'seq 20000 | sort -R --random-source=/bin/bash >big; echo >ready; sleep 1
		for n in 1 2 3 4 5 6; do (sort big | tail -n 1); done' & p=$!
	until [ -e ready ]; do sleep 0.05; done; rm ready
	case $how in
	zero) dd if=/dev/zero of=swap bs=4096 count=8192 conv=notrunc;;
	other) for at in {0..9}; do dd if=/bin/bash of=swap bs=4096 count=300 seek=$((at * 300)) conv=notrunc; done;;
	cut) : >swap;;
	esac 2>/dev/null
	wait $p; [ $? != 0 ] && echo $how ended
done""")
t.check("memory-21", "all blocks of a process manager and its processes zeroed, replaced, cut off: they end with a message, with nothing wrong said before",
        status == 0 and [l for l in out.split("\n") if l != "9999"] == ["zero ended", "other ended", "cut ended", ""] and
        err.count("memory: swap: block") >= 3, (status, out, err))
status, out, err = run("memory -v -s 4M -S 64M memory -v -s 4M -S 32M ./paged fill 7")
both = [int(n) for n in re.findall(r"memory: in (\d+) pages", err)]
t.check("memory-22", "two that page, one below the other: each knows what was written", (status, out) == (0, "good\n") and len(both) == 2 and
        min(both) > 1000, (status, out, err))

# ---- the swap file on a disk
image = "build/tests/memory-swap.img"
subprocess.run(["tools/mkdisk", image, "swap:32M"], check=True)
status, out, err = run("""
memory -v -s 3M -f disk:swap ./paged fill 9 & for n in 1 2 3 4; do sleep 0.2; diskfile restart; done; wait $!; echo $?
memory -f disk:none true; echo $?""".replace("diskfile", "/fluke/apps/diskfile"), options=("--drive", image))
t.check("memory-14", "swap on the disk, whose driver is killed four times meanwhile", status == 0 and out == "good\n0\n126\n" and counts(err)[0] > 4000,
        (status, out, err))
seen = []
for first in (2400, 2490, 2520):	# so that pages of the program, of its manager, and of what the manager does under a lock are hit
    with open("build/tests/memory-errors", "w") as f:
        for sector in range(first, 12000, 160):
            f.write('[inject-error]\nevent = "read_aio"\niotype = "read"\nerrno = "5"\nsector = "%d"\nonce = "off"\n\n' % sector)
    seen.append(run("(memory -s 3M -f disk:swap ./paged fill 9); echo $?", options=("--drive", "blkdebug:build/tests/memory-errors:" + image)))
t.check("memory-15", "sectors of it that cannot be read: whoever needs them gets an error, never a wrong page, and nobody stands still",
        all(status == 0 and out.split()[-1:] not in ([], ["0"]) and "wrong" not in out and "bad" not in out and
            "cannot be read: Input/output error" in err for status, out, err in seen), seen)
t.done()

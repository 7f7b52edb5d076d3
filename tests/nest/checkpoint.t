#!/usr/bin/env python3
"""The checkpointer: programs destroyed and restored in the middle, here and in another boot."""
import os, re, subprocess, sys
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
got = run("checkpoint -v -c -i 25 process", "bash", "-c", SCRIPT)
t.check("checkpoint-06", "a process manager and its processes: a script with pipes, files, signals, sleeps", plain[0] == 0 and got[:2] == plain[:2] and
        restored(got[2])[1] >= 10 and restored(got[2])[2] == 0, (plain, got))
t.check("checkpoint-07", "nothing that crossed the border was lost", not re.search("lost (?!0)|[^0] lost|not there", got[2]), got[2])
t.check("checkpoint-08", "a second image writes what has changed, not all", [int(n) for n in re.findall(r"(\d+) of them written", got[2])][-1] < 300 and
        "image 1:" in got[2], got[2])
got = run("process", "bash", "-c", "checkpoint -v -c -i 40 bash -c '%s'" % SCRIPT.replace("'", "'\\''"))
t.check("checkpoint-09", "the same as a command in a shell", got[:2] == plain[:2] and restored(got[2])[1] >= 5 and restored(got[2])[2] == 0, (plain, got))

os.makedirs("build/tests", exist_ok=True)
subprocess.run(["tools/mkdisk", DRIVE, "image:16M"], check=True)
LOOP = "for n in 1 2 3 4 5 6 7 8 9; do echo $n $(seq $n | tr '\\n' ' '); done"
plain = run("process", "bash", "-c", LOOP)
first = run("checkpoint -l -f disk:image -a 230000 process", "bash", "-c", LOOP, options=("--drive", DRIVE))
second = run("checkpoint -v -r -f disk:image", "x", options=("--drive", DRIVE))
t.check("checkpoint-10", "bash in the middle of a loop goes on in another boot, from the drive", first[1] and second[1] and plain[0] == second[0] == 0 and
        first[1] + second[1] == plain[1], (first, second))
t.done()

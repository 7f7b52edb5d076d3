#!/usr/bin/env python3
"""Two process managers beside each other: each its own first process and numbers, and no way from one to the other, be it by signals, by
/proc or by open files.  What the file system above shows to both is theirs together; so they meet by a file there."""
import re, subprocess, sys, tempfile
sys.dont_write_bytecode = True
sys.path[:0] = ["tests", "tests/stack"]
from hosttap import Tap
from stacks import boot
t = Tap()

# the one that minds its own business: a file without a name, a pipe, a secret in its environment
QUIET = r"""
export SECRET=quiet-secret
exec 5<> /tmp/nameless; rm /tmp/nameless; echo hidden >&5
sleep 1000 & sleeper=$!
(while :; do echo x; sleep 0.01; done) | (read x; while [ ! -e /tmp/over ]; do read x || echo the pipe broke; done) &
reader=$!
echo "quiet pid $$ parent $PPID world $(ls /proc | grep -c '^[0-9]')"
: > /tmp/there
while [ ! -e /tmp/over ]; do sleep 0.02; done
kill -0 $sleeper && echo quiet is whole; wait $reader
kill $sleeper; wait $sleeper 2> /dev/null; echo "quiet child $?"
exit 21
"""
# the one that tries: numbers from 1 to 80 and groups, but itself; then all at once
LOUD = r"""
while [ ! -e /tmp/there ]; do sleep 0.02; done
echo "loud pid $$ parent $PPID world $(ls /proc | grep -c '^[0-9]')"
for s in 0 TERM KILL STOP INT; do for n in {1..80} -{2..80}; do 
	if [ ${n#-} != $$ ] && [ $n != 1 ] && kill -s $s -- $n 2> /dev/null; then echo "reached $s $n"; fi
done; done
for n in {1..80}; do [ $n == $$ ] || for f in environ cmdline maps stat exe fd/5 fd; do [ -e /proc/$n/$f ] && echo "sees $n/$f"; done; done
grep -l quiet-secret /proc/[0-9]*/environ 2> /dev/null
cat /proc/[0-9]*/fd/* < /dev/null 2> /dev/null | grep hidden
trap '' TERM; kill -TERM -1 2> /dev/null; echo loud has tried
exit 22
"""
def file(name, text):
    return "cat > /tmp/%s << 'END'\n%sEND\n" % (name, text)

def pair(before):
    """One after the other first, so that what servers keep has its size."""
    return before + r"""
both() {
	rm -f /tmp/there /tmp/over; : > /tmp/nameless
	sleep 1000 & outer=$!
	process bash /tmp/quiet > /tmp/quiet.out 2>&1 & quiet=$!
	process bash /tmp/loud > /tmp/loud.out 2>&1; echo "status loud $?"
	: > /tmp/over; wait $quiet; echo "status quiet $?"
	kill -0 $outer && echo outer is there; kill $outer; wait $outer 2> /dev/null
}
for i in 1 2 3 4; do (both) > /dev/null; done; look before
(both)		# what a shell keeps of its jobs goes with it
cat /tmp/quiet.out /tmp/loud.out; look after
"""

r = boot(pair(file("quiet", QUIET) + file("loud", LOUD)))
t.check("beside-01", "each has a first process 2, child of a PID 1 of its own", re.search(r"^quiet pid 2 parent 1 ", r.out, re.M) and
        re.search(r"^loud pid 2 parent 1 ", r.out, re.M), r.out + r.err)
t.check("beside-02", "signals to every number and group, and to all at once, reach nobody in the other or outside", "loud has tried" in r.out and
        "quiet is whole" in r.out and "quiet child 143" in r.out and "outer is there" in r.out and "reached" not in r.out and "broke" not in r.out, r.out)
t.check("beside-03", "/proc shows no process of the other, nor its environment, nor its open files", "loud has tried" in r.out and "sees" not in r.out and
        "secret" not in r.out and "hidden" not in r.out, r.out)
t.check("beside-04", "both end as they should", "status loud 22" in r.out and "status quiet 21" in r.out, r.out)
t.check("beside-05", "and leave free memory and every type of object exactly as before", r.same("before", "after"), r.seen("before", "after"))
# the same attempts inside one world do reach it: the test can fail
r = boot(file("quiet", QUIET) + file("loud", LOUD) + r""": > /tmp/nameless
process bash -c 'bash /tmp/quiet & bash /tmp/loud; : > /tmp/over; wait $!; echo status $?' 2>&1""")
t.check("beside-06", "within one world the same attempts do reach the other", "reached 0 3\n" in r.out and "status 21" not in r.out, r.out)

# ---- capabilities: all that either holds
WORLD = r"""
cd /tmp; seq 2000 | sort -rn | head -n 1; mkfifo fifo.NAME; (cat fifo.NAME; sleep 0.1) & echo through > fifo.NAME; wait
(exec 5<> /tmp/common; echo NAME >&5; bash -c 'sleep 0.3; ls /proc | head -n 3'); sleep 1000 & 
: > /tmp/there.NAME; until [ -e /tmp/there.a ] && [ -e /tmp/there.b ]; do sleep 0.05; done; [ NAME = b ] && : > /tmp/over
while :; do sleep 0.1; done
"""
def held(leak=()):
    with tempfile.TemporaryDirectory(prefix="pair.", dir="build") as work:
        for name in "ab":
            with open("%s/%s" % (work, name), "w") as f:
                f.write(WORLD.replace("NAME", name))
        r = subprocess.run(["boot/run", "--icount", "--timeout", "60", "--put", work + "/a:/tmp/a", "--put", work + "/b:/tmp/b", "--stack", "", "--",
                            "/fluke/apps/pair", *leak, "/tmp/a", "/tmp/b"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    return r.stdout.split("\n"), [int(n) for n in (re.findall(r"pair: (\d+) looks, (\d+) references", r.stdout) or [(0, 0)])[0]], r.stdout + r.stderr

lines, counted, seen = held()
both = sorted(line.split(" ", 2)[2] for line in lines if line.startswith("both: "))
t.check("beside-07", "no reference or link below either of two managers leads into the other's world, or to what is not root's", counted[0] >= 10 and
        counted[1] >= 4000 and lines.count("through") == 2 and not [line for line in lines if re.match("across|pair's", line)], seen)
t.equal("beside-08", "what both hold is what root gives to everybody, and memory that neither can write to", both, sorted(
    ["type 5 " + name for name in ("clock", "debug", "descriptor", "fs", "scheduler", "session", "threads")] + ["type 4 read-only"]))
lines, counted, seen = held(["leak=below"])
t.check("beside-09", "known bad: one gets a port of the other's, and it is found", any(line.startswith("across: B type 5") for line in lines), seen)
lines, counted, seen = held(["leak=pair"])
t.check("beside-10", "known bad: both get the same port of somebody else's, and it is found", any(line.startswith("pair's: - type 5") for line in lines), seen)

t.done()

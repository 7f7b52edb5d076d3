#!/usr/bin/env python3
"""Two process managers beside each other: each its own first process and numbers, and no way from one to the other, be it by signals, by
/proc or by open files.  What the file system above shows to both is theirs together; so they meet by a file there."""
import re, sys
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

t.done()

#!/usr/bin/env python3
# A server that dies while clients wait for it makes each of them fail with an error; nothing else notices.
import re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

def run(script):
    options = ["--put", "build/tests/posix/mourn:/t/mourn"]
    r = subprocess.run(["boot/run", "--icount", "--timeout", "60", *options, "--", "/bin/bash", "-c", script], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, errors="replace")
    return r.returncode, r.stdout, r.stderr

# deadserver gives the inner shell a file of the server as standard input and error, and kills the server once so many wait
WAITERS = r"""
/fluke/apps/deadserver fifo 6 process -- bash -c '
	exec 3<&0 4>&2 2>&1
	for call in read poll select lock; do /t/mourn $call 3 & done
	/t/mourn write 4 & /fluke/apps/deadserver read <&3 & wait
	echo the inner shell goes on: $(seq 3 | paste -sd+)'
echo status $?
/fluke/apps/deadserver file 2 process -- bash -c 'exec 3<&0 4>&2 2>&1; /t/mourn read 3 & /t/mourn map 3 & wait; /t/mourn read 3'
echo "the outer shell goes on: $(seq 4 | paste -sd+)"
"""
status, out, err = run(WAITERS)
seen = out.splitlines()
t.check("dead-server-01", "read, write and a record lock that wait fail with EIO", all(line in seen for line in ["read -1 EIO", "write -1 EIO", "lock -1 EIO"]), out + err)
t.check("dead-server-02", "poll and select that wait return; poll says POLLERR", "poll 1 POLLERR" in seen and "select 1" in seen, out + err)
t.check("dead-server-03", "a native client's call ends with a transport error", "native transport error" in seen, out + err)
t.check("dead-server-04", "the shell whose programs waited goes on", "the inner shell goes on: 1+2+3" in seen and "status 0" in seen, out + err)
t.check("dead-server-05", "a page whose pager died is SIGBUS", "map SIGBUS" in seen, out + err)
t.check("dead-server-06", "a read after the death fails at once", seen.count("read -1 EIO") == 3, out + err)
t.check("dead-server-07", "the outer shell goes on", "the outer shell goes on: 1+2+3+4" in seen and status == 0, out + err)

KILLED = r"""
free() { while read -r name value unit; do [ $name = MemFree: ] && echo $value; done < /proc/meminfo; }
once() {
	mkfifo /tmp/up
	/fluke/nesters/process -- bash -c 'sleep 1000 | cat & echo up > /tmp/up; wait' & inner=$!
	read word < /tmp/up; kill -9 $inner; wait $inner 2> /dev/null; echo "inner $word $?"; rm /tmp/up
}
once; sleep 1; before=$(free); once; sleep 1; echo "free $before $(free)"; echo "left $(pgrep -c sleep)"
"""
status, out, err = run(KILLED)
t.check("dead-server-08", "a process manager killed by signal 9 takes all of its own along, waiting or not", len(re.findall(r"^inner up 137$", out, re.M)) == 2 and "left 0" in out, out + err)
m = re.search(r"^free (\d+) (\d+)$", out, re.M)
t.check("dead-server-09", "and leaves nothing", m and abs(int(m[1]) - int(m[2])) <= 768, out + err)
t.done()

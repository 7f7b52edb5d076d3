#!/usr/bin/env python3
# Limit: 900
"""The debugger: a stock gdb in batch mode, over the socket of boot/run --debug, on programs below nesters/debug."""
import os, re, subprocess, sys, tempfile, time
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
work = tempfile.mkdtemp(prefix="debug.", dir="build")
SUBJECT = "build/tests/debug/subject"

class Session:
    """One boot and one gdb (or several, one after the other)."""
    def __init__(self, command, stack=None, options=(), put=(SUBJECT + ":/tmp/subject",)):
        self.socket = os.path.join(work, "gdb%d.sock" % id(self))
        line = ["boot/run", "--icount", "--timeout", "60", "--debug", self.socket]
        for p in put:
            line += ["--put", p]
        if stack is not None:
            line += ["--stack", stack]
        self.out = tempfile.TemporaryFile(dir=work)
        self.err = tempfile.TemporaryFile(dir=work)
        self.boot = subprocess.Popen(line + list(options) + ["--", *command], stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err)

    def ready(self, suffix=""):
        end = time.time() + 120
        while not os.path.exists(self.socket + suffix) and time.time() < end and self.boot.poll() is None:
            time.sleep(0.05)
        return self.socket + suffix

    def gdb(self, *commands, file=SUBJECT, suffix="", timeout=200):
        """What gdb says; each command after a line `> command`."""
        line = ["gdb", "-nx", "-q", "-batch", "-ex", "set pagination off", "-ex", "set width 0", "-ex", "set confirm off", "-ex",
                "set breakpoint pending on", "-ex", "set sysroot build/sysroot", "-ex", "set tcp connect-timeout 60"]
        if file:
            line += ["-ex", "file " + file]
        line += ["-ex", "target extended-remote " + self.ready(suffix)]
        for c in commands:
            line += ["-ex", "echo > %s\\n" % c.replace("\\", ""), "-ex", c]
        r = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
        self.said = r.stdout.decode(errors="replace")
        return self.said

    def after(self, command, number=1):
        """What gdb said after the number-th such command."""
        parts = re.split(r"^> (.*)\n", self.said, flags=re.M)
        found = [parts[i + 1] for i in range(1, len(parts), 2) if parts[i] == command]
        return found[number - 1] if len(found) >= number else "(no such command)"

    def end(self):
        try:
            status = self.boot.wait(timeout=100)
        except subprocess.TimeoutExpired:
            self.boot.kill()
            status = "hangs"
        self.out.seek(0)
        self.err.seek(0)
        self.stderr = self.err.read().decode(errors="replace")
        return status, self.out.read().decode(errors="replace")

    def check(self, number, sentence, *patterns, after=None, which=1):
        text = self.after(after, which) if after else self.said
        t.check("debug-%02d" % number, sentence, all(re.search(p, text, re.M | re.S) for p in patterns), text[-1500:] if after else self.said[-3000:])

# ---- a native program
s = Session(["/fluke/apps/hello", "one"], stack="")
s.gdb("info registers eip", "break main", "continue", "print argc", "print argv[1]", "backtrace", "stepi", "x/i $pc", "info threads",
      "print $xmm0.uint128", "set var argc = 1", "tbreak exit", "continue", "backtrace 2", "continue", file="build/apps/hello")
s.check(1, "a native program waits at its first instruction", r"eip +0x400000 +0x400000 <_start>", after="info registers eip")
s.check(2, "a breakpoint is met, arguments are shown by the program's symbols", r"Breakpoint 1, main \(argc=2", after="continue")
s.check(3, "memory: a string of the program", r'"one"', after="print argv[1]")
s.check(4, "a backtrace of it", r"#0  main \(argc=2", after="backtrace")
s.check(5, "single step", r"=> 0x[0-9a-f]+ <main\+\d+>", after="x/i $pc")
s.check(6, "its one thread", r"\* 1 +Thread 40001\.1", after="info threads")
s.check(7, "a write to its memory counts, its end is told with its status", r"exited normally", after="continue", which=3)
t.equal("debug-08", "... and it has done what the changed memory says", s.end(), (0, "hello from a nested process\n"))

# ---- a Linux program: libraries, steps, watchpoints, hidden breakpoints
s = Session(["/tmp/subject", "plain", "watch", "float", "syscall", "self"])
s.gdb("info registers eip", "info auxv", "break add", "continue", "backtrace", "info sharedlibrary", "finish", "delete",
      "watch global", "continue", "delete", "break level3", "continue", "backtrace", "print n", "delete", "watch global", "continue", "continue",
      "delete", "break scene_float", "continue", "tbreak here", "continue", "info float", "delete",
      "tbreak syscall_before", "continue", "stepi", "x/i $pc", "stepi", "x/i $pc", "print $eax", "delete",
      "hbreak add", "continue", "backtrace", "delete", "break write", "continue", "backtrace", "delete", "continue")
s.check(9, "a Linux program waits at the first instruction of its loader", r"eip +0xb", after="info registers eip")
s.check(10, "its auxiliary vector", r"AT_ENTRY", r'AT_EXECFN.*"/tmp/subject"', after="info auxv")
s.check(11, "a breakpoint in it", r"Breakpoint 1, add \(a=2, b=3\)|Breakpoint 1, add \(a=a@entry=2, b=3\)", after="continue")
s.check(12, "a backtrace by its debug information", r"#0 +add.*#1 .*scene_plain.*#2 .*main \(argc=6", after="backtrace")
s.check(13, "libraries: ld.so and libc, from the host's copy of the tree", r"ld-linux\.so\.2", r"libc\.so\.6", after="info sharedlibrary")
s.check(14, "finish shows what the function returns", r"Value returned is \$\d+ = 5", after="finish")
s.check(15, "a watchpoint: unchanged writes are passed over, a change is told with both values", r"Old value = 5\s+New value = 15", after="continue",
        which=2)
s.check(16, "... again, in another function", r"Old value = 15\s+New value = 6", after="continue", which=4)
s.check(17, "... and again", r"Old value = 6\s+New value = 77", after="continue", which=5)
s.check(18, "a breakpoint deep in calls, its argument", r"\$\d+ = 15", after="print n")
s.check(19, "... and the whole stack", r"#0 +level3.*#1 .*level2.*#2 .*level1.*#3 .*scene_plain.*#4 .*main", after="backtrace", which=2)
s.check(20, "a backtrace from write through libc's stdio to the program", r"#0 .* write \(\) from .*libc.*#\d+ .* from .*libc.*#\d+ .*main \(argc=6",
        after="backtrace", which=4)
s.check(21, "FPU registers, with their tags", r"R7: Valid|R7: Empty", after="info float")
s.check(22, "a step over a system call ends behind it", r"=> 0x[0-9a-f]+ <scene_syscall\+\d+>:\tnop", after="x/i $pc", which=2)
s.check(23, "... with its result", r"\$\d+ = 2\b", after="print $eax")
s.check(24, "a hidden breakpoint is met by the program that reads its own text", r"#0 +add \(.*#1 .*scene_self", after="backtrace", which=3)
status, out = s.end()
t.check("debug-25", "the program, debugged, prints what it prints, its text unchanged in its own eyes, and ends with its status",
        status == 3 and "watched 77 127" in out and "number 25.629" in out and "same pid" in out and "text unchanged" in out, (status, out))

# ---- threads
s = Session(["/tmp/subject", "threads", "thread_crash"])
s.gdb("break add", "continue", "info threads", "bt 2", "delete", "break crasher", "continue", "info threads", "delete", "continue", "backtrace", "info threads",
      "thread apply all backtrace 1", "print $_siginfo", "continue")
s.check(26, "a breakpoint in one of several threads", r"hit Breakpoint 1.*add \(a=", after="continue")
s.check(27, "threads are listed", r"Thread 2\.1.*Thread 2\.2", after="info threads")
s.check(28, "a crash in a thread: the signal before it is delivered, the line", r"received signal SIGSEGV.*\*\(volatile int \*\)16 = 1", after="continue", which=3)
s.check(29, "a backtrace of the thread that crashed", r"#0 +crasher .*#1 .* from .*libc", after="backtrace")
s.check(30, "the others stand in their system calls, in libc", r"Thread 2\.1.* from .*libc", after="thread apply all backtrace 1")
s.check(31, "delivered, the signal ends the program; that is told", r"terminated with signal SIGSEGV", after="continue", which=4)
t.check("debug-32", "... to its parent too", s.end()[0] == 139, s.said[-500:])

# ---- fork, exec
s = Session(["/tmp/subject", "fork"])
s.gdb("break add", "continue", "backtrace 1", "continue")
s.check(33, "fork, the parent followed: the child runs without its breakpoints", r"Detaching after fork from child process 3.*add \(a=(a@entry=)?30", after="continue")
t.equal("debug-34", "... to its end", s.end(), (3, "child ended with 21\nparent has 31\n"))
s = Session(["/tmp/subject", "fork"])
s.gdb("set follow-fork-mode child", "break add", "continue", "print a", "continue")
s.check(35, "a breakpoint hit by a forked child", r"hit Breakpoint 1, add \(a=(a@entry=)?20", after="continue")
s.check(36, "its end, with its status; the parent had been let go", r"Inferior 2 \(process 3\) exited with code 025", after="continue", which=2)
t.equal("debug-37", "... and ends as ever", s.end(), (3, "child ended with 21\nparent has 31\n"))
s = Session(["/tmp/subject", "fork"])
s.gdb("set detach-on-fork off", "set schedule-multiple on", "break add", "continue", "info inferiors", "print a", "continue", "inferior 1", "continue",
      "print a", "continue")
s.check(38, "both processes of a fork at once: the child is at the breakpoint", r"\* 2 +process 3", r"  1 +process 2", after="info inferiors")
s.check(39, "... and later the parent", r"\$\d+ = 30", after="print a", which=2)
t.equal("debug-40", "... both end as ever", s.end(), (3, "child ended with 21\nparent has 31\n"))
s = Session(["/tmp/subject", "exec"])
s.gdb("catch exec", "continue", "info inferiors", "info sharedlibrary", "break write", "continue", "backtrace 1", "continue")
s.check(41, "exec is told, with the new program", r"exec'd /bin/echo", after="continue")
s.check(42, "... whose symbols gdb has", r"process 2 .*/echo", after="info inferiors")
s.check(43, "a breakpoint in the new program's libc", r"#0 .* write \(\) from .*libc", after="backtrace 1")
t.equal("debug-44", "... which ends as ever", s.end(), (0, "executed\n"))

# ---- signals
s = Session(["/tmp/subject", "signal", "trap", "divide"])
s.gdb("handle SIGUSR2 nostop noprint pass", "continue", "backtrace 3", "break caught", "continue", "print signal", "delete", "signal 0", "x/i $pc-1", "continue", "print zero",
      "continue")
s.check(45, "a signal posted to the program is told first", r"received signal SIGUSR1", after="continue")
s.check(46, "... and then reaches its handler", r"Breakpoint \d, caught \(signal=(signal@entry=)?10\)", after="continue", which=2)
s.check(47, "the program's own int3 is a SIGTRAP behind it; another signal passes unseen", r"int3", after="x/i $pc-1")
s.check(48, "a division by zero is a SIGFPE", r"received signal SIGFPE", after="continue", which=3)
status, out = s.end()
t.check("debug-49", "... and ends the program", status == 136 and "signal 10\nsignal 12\nafter the trap\n" in out, (status, out))

# ---- attach, detach: only once the program is listed and found in the call in which it waits, however long that takes
s = Session(["bash", "-c", "/tmp/subject wait; echo bash has $?"], stack="debug process")
s.gdb("source tests/debug/attach.py", "wait-listed 3 /tmp/subject", "info os processes", "attach 2", "detach", "attach-in 3 nanosleep", "backtrace",
      "print counter >= 0", "break nanosleep", "continue", "backtrace 2", "delete", "set var released = 1", "detach", "attach 77")
s.check(50, "what runs below is listed", r"40001 .*native.*\n2 .*/usr/bin/bash.*\n3 .*/tmp/subject", after="info os processes")
s.check(51, "attached to something that waits in a system call: the stack through libc to the program", r"nanosleep.*scene_wait.*main", after="backtrace")
s.check(52, "a breakpoint in it", r"Breakpoint 1, .*nanosleep", after="continue")
s.check(53, "attach to what is not there is refused", r"Attaching to process 77 failed|failed", after="attach 77")
t.equal("debug-54", "detached, all goes on to its end", s.end(), (0, "waited\nbash has 3\n"))

# ---- a gdb that talks nonsense and goes without a word
import socket
def packet(text):
    return b"$%s#%02x" % (text, sum(text) & 255)
s = Session(["/tmp/subject", "plain"])
line = socket.socket(socket.AF_UNIX)
line.connect(s.ready())
line.settimeout(60)
line.sendall(b"nonsense\xff\x00}#$#$broken#00" + packet(b"qSupported:multiprocess+"))
heard = b""
while b"PacketSize" not in heard:
    heard += line.recv(4096)
line.sendall(b"+" + packet(b"nosuchpacket") + packet(b"g" * 20000) + packet(b"?") + b"$half a pack")
while b"T05" not in heard:
    heard += line.recv(4096)
t.check("debug-55", "garbage on the line: what has a wrong sum is refused, what is unknown gets the empty answer", b"-" in heard and b"$#00" in heard, heard)
line.close()
t.equal("debug-56", "a connection cut in the middle of a packet: the program goes on", s.end(), (3, "level 21\nglobal 15\n"))

# ---- gdb inside gdb
s = Session(["/tmp/subject", "plain"], stack="debug debug -w process")
s.ready(".2")
outer = subprocess.Popen(["gdb", "-nx", "-q", "-batch", "-ex", "set sysroot build/sysroot", "-ex", "file build/nesters/debug", "-ex",
    "target extended-remote " + s.ready(), "-ex", "attach 40001", "-ex", "tbreak breakpoint_add", "-ex", "echo ready\\n", "-ex", "continue", "-ex",
    "backtrace", "-ex", "print/x address", "-ex", "detach"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
outer_said = ""
while "ready" not in outer_said:
    outer_said += outer.stdout.readline() or "ready"
s.gdb("break add", "continue", "backtrace 1", "delete", "continue", suffix=".2")
outer_said += outer.communicate(timeout=100)[0]
t.check("debug-57", "a debugger under a debugger: the outer gdb stops the inner debugger at work", re.search(
        r"breakpoint_add \(.*#1 .*breakpoint .*\$1 = 0x", outer_said, re.S), outer_said[-1500:])
s.check(58, "... while the inner gdb debugs the program below", r"#0 +add \(a=", after="backtrace 1")
t.equal("debug-59", "... which ends as ever", s.end(), (3, "level 21\nglobal 15\n"))

# ---- other stacks, and that this test can fail
s = Session(["/tmp/subject", "plain"], stack="memory debug -w process")
s.gdb("break add", "continue", "delete", "continue")
s.check(60, "debug below memory", r"Breakpoint 1, add", after="continue")
s.end()
s = Session(["/tmp/subject", "plain"], stack="debug -w memory process")
s.gdb("break add", "continue", "backtrace", "delete", "continue")
s.check(61, "memory below debug", r"#0 +add.*#1 .*scene_plain", after="backtrace")
s.end()
s = Session(["/tmp/subject", "plain"])
s.gdb("break no_such_function", "continue")
t.check("debug-62", "known bad: a breakpoint that is nowhere is not met", "Breakpoint 1," not in s.after("continue") and s.end()[0] == 3, s.said[-500:])

# ---- two managers, each with a process 2: what one tells is not taken for the other's; and one gdb at both
s = Session(["bash", "-c", "process bash -c '/tmp/subject wait; exit 4'; /tmp/subject wait; echo outer $?"], stack="debug process")
s.gdb("source tests/debug/attach.py", "wait-listed 4[0-9]+ /tmp/subject", "info os processes")
inner = re.search(r"^(4\d+) .*/tmp/subject", s.said, re.M)
inner = inner[1] if inner else "0"
s.gdb("source tests/debug/attach.py", "attach-in %s nanosleep" % inner, "info proc mappings", "set var released = 1", "break exit", "continue", "backtrace 2", "continue",
      "wait-listed [0-9]+ /tmp/subject", "info os processes")
s.check(63, "a process of the inner manager, whose number the outer one has too: attached by a number of its own, its end is its own",
        r"Inferior 1 \(process %s\) exited with code 03" % inner, after="continue", which=2)
s.check(64, "its memory as it is now, with the names of files", r"/tmp/subject.*libc\.so\.6.*\[stack\]", after="info proc mappings")
outer = re.search(r"^(\d+) .*/tmp/subject", s.after("info os processes"), re.M)
outer = outer[1] if outer else "0"
s.gdb("source tests/debug/attach.py", "attach-in %s nanosleep" % outer, "set var released = 1", "detach")
t.equal("debug-65", "... and everything ends as ever", s.end(), (0, "waited\nwaited\nouter 3\n"))

# ---- breakpoints that a program can see, and that it cannot
s = Session(["/tmp/subject", "self"])
s.gdb("break add", "continue", "info mem", "delete", "continue")
s.check(66, "the memory map: all that a program may have, by mappings", r"0x56555000 0x56556000 rw .*0xbffff000 0xc0000000 ro ", after="info mem")
status, out = s.end()
t.check("debug-67", "`break` is an int3, which a program that reads its text can see", "1 int3 seen" in out, (status, out))
s = Session(["/tmp/subject", "self", "syscall"])
s.gdb("monitor hide on", "break add", "continue", "backtrace 2", "delete", "tbreak syscall_before", "continue", "stepi", "stepi", "x/i $pc", "print $eax", "monitor hide", "delete",
      "continue")
s.check(68, "after `monitor hide on` it is met", r"#0 +add \(.*#1 .*scene_self", after="backtrace 2")
s.check(69, "... so is a step over a system call made", r"=> 0x[0-9a-f]+ <scene_syscall\+\d+>:\tnop", after="x/i $pc")
status, out = s.end()
t.check("debug-70", "... and the program cannot see it", status == 3 and "text unchanged\n0 int3 seen" in out, (status, out))

# ---- a program that tries to get away, or to see us: a hidden breakpoint in its function `secret` meanwhile
ATTEMPTS = [
    ("its handlers are its own", "as set 0"), ("without handlers it is still stopped", "returned 0x2"),
    ("with exceptions off it is still stopped", "returned 0x3"), ("a fault reaches its own handler", "exception 0xe"),
    ("so does an undefined instruction", "exception 0x6"), ("and a division by zero", "exception 0"),
    ("its space's state", "exception 0x10b"), ("its space's keeper changed", "exception 0x10b"), ("its space destroyed", "exception 0x10b"),
    ("its space moved", "exception 0x10b"), ("spaces among its objects", "count 0"), ("threads among its objects", "count 0x1"),
    ("its own thread read", "exception 0x116"), ("a thread where a debugger has its windows", "exception 0xe"),
    ("a thread at the kernel's address", "exception 0x102"), ("memory where a debugger has its windows", "exception 0xe"),
    ("a line to a gdb: COM4, not its debugger's", "a line 0"), ("Machine", "error 0x2"), ("a watch on itself, taken away", "error 0"),
    ("after that", "returned 0x4"), ("a signal posted to itself", "error 0x1"), ("its own end", "error 0x1"),
    ("after that", "returned 0x5"), ("its text, read", None), ("its text, written", "exception 0xe"),
    ("its text, written through its segment", "error 0"), ("after that", "returned 0x6"),
    ("its text, written through another mapping", "returned 0x7"), ("a step of its own", "exception 0xffff"),	# lost: README
    ("a thread of its own", "returned 0x29")]
alone = subprocess.run(["boot/run", "--icount", "--timeout", "20", "--stack", "", "--", "/fluke/apps/escape"], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True).stdout.splitlines()
s = Session(["/fluke/apps/escape"], stack="")
s.gdb("handle all nostop noprint pass", "hbreak secret", "ignore 1 100", "continue", "info breakpoints", "continue", "info breakpoints", "continue",
      file="build/apps/escape")
lines = s.end()[1].splitlines()
for n, (what, result) in enumerate(ATTEMPTS):
    got = lines[n] if n < len(lines) else "nothing"
    wanted = "attempt %d: %s: %s" % (n + 1, what, result) if result else alone[n] if n < len(alone) else "(nothing)"
    t.equal("debug-%d" % (71 + n), "attempt %d: %s: %s" % (n + 1, what, result or "as without a debugger"), got, wanted)
t.check("debug-101", "... and its calls of `secret` have met the breakpoint, each one", "already hit 6 times" in s.said or "already hit 7 times" in s.said, s.said[-800:])
t.done()

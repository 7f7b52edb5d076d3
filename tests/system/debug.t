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
      "watch global", "continue", "continue", "continue", "delete", "break level3", "continue", "backtrace", "print n", "up", "info locals",
      "delete", "break scene_float", "continue", "finish", "delete",
      "break write", "continue", "backtrace", "delete", "tbreak here", "continue", "info float", "print $st0",
      "tbreak syscall_before", "continue", "stepi", "x/i $pc", "stepi", "x/i $pc", "print $eax", "rwatch text[3]", "awatch counter", "delete",
      "hbreak add", "continue", "backtrace", "delete", "continue")
s.check(9, "a Linux program waits at the first instruction of its loader", r"eip +0xb", after="info registers eip")
s.check(10, "its auxiliary vector", r"AT_ENTRY", r'AT_EXECFN.*"/tmp/subject"', after="info auxv")
s.check(11, "a breakpoint in it", r"Breakpoint 1, add \(a=2, b=3\)|Breakpoint 1, add \(a=a@entry=2, b=3\)", after="continue")
s.check(12, "a backtrace by its debug information", r"#0 +add.*#1 .*scene_plain.*#2 .*main \(argc=6", after="backtrace")
s.check(13, "libraries: ld.so and libc, from the host's copy of the tree", r"ld-linux\.so\.2", r"libc\.so\.6", after="info sharedlibrary")
s.check(14, "finish shows what the function returns", r"Value returned is \$\d+ = 5", after="finish")
s.check(15, "a watchpoint: unchanged writes are passed over, a change is told with both values", r"Old value = 5\s+New value = 15", after="continue",
        which=2)
s.check(16, "... again, in another function", r"Old value = 15\s+New value = 6", after="continue", which=3)
s.check(17, "... and again", r"Old value = 6\s+New value = 77", after="continue", which=4)
t.done()

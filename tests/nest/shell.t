#!/usr/bin/env python3
"""Nesters around programs: in the stack, and as commands of a running shell (docs/design/nesting.md)."""
import os, pty, select, signal, subprocess, sys, time
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

def run(command, stack="process", stdin=b"", options=()):
    r = subprocess.run(["boot/run", "--stack", stack, "--timeout", "60", "--icount", *options, "--", *command], input=stdin,
                       capture_output=True, timeout=300)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")

PIPE = 'cat | sort -n | md5sum; exit 3'
NUMBERS = "".join("%d\n" % (n * 7919 % 20011) for n in range(20000)).encode()
wanted = run(["bash", "-c", PIPE], stdin=NUMBERS)
t.check("shell-01", "what a pipe of three programs prints", wanted[0] == 3 and len(wanted[1]) > 32, wanted)
for number, stack in enumerate(["memory process", "memory", "process memory process", "memory memory process memory process"], 2):
    t.equal("shell-%02d" % number, 'the same below "%s"' % stack, run(["bash", "-c", PIPE], stack, NUMBERS), wanted)

SCRIPT = r"""
seq 20000 >/tmp/big; cd /tmp; export X=5
memory -s 8M sort -R --random-source=/bin/bash big | sort -n | cksum
seq 5 | memory sort -r | tr '\n' ' '; echo
memory sh -c 'exit 7'; echo $?
(memory -s 8M bash -c 'kill -SEGV $$') 2>/dev/null; echo $?
process bash -c 'echo $X; pwd; ls -d big; echo $0 "$@"; exit 9' name "a b" c; echo $?
env -u PWD process pwd
process bash -c 'memory bash -c "process bash -c \"echo deep; exit 4\"; exit \$?"'; echo $?
memory hello one
memory nosuch; echo $?
memory -s 1M true 2>/dev/null; echo $?
memory -s lots true; echo $?
"""
status, out, err = run(["bash", "-c", SCRIPT])
cksum = subprocess.run("seq 20000 | cksum", shell=True, capture_output=True, text=True).stdout
t.equal("shell-06", "memory and process as commands: input, output, status, arguments, environment, working directory", (status, out),
        (0, cksum + "5 4 3 2 1 \n7\n139\n5\n/tmp\nbig\nname a b c\n9\n/tmp\ndeep\n4\nhello from a nested process\nargument 1: one\n"
         "127\n126\n126\n"))
t.check("shell-07", "a program that is not there, and a size that is none, have a message", "nosuch: not found" in err and
        "memory: lots: Invalid" in err, err)
status, out, err = run(["bash", "-c", r"""
sleep 1000 & outer=$!
process bash -c "echo \$\$; kill -0 $outer 2>/dev/null || echo cannot see it; (kill -9 -1); sleep 0.1; echo alone" & wait $!
kill -0 $outer && echo still there
memory -s 8M bash -c 'trap "" TERM; echo ready; while :; do :; done' >/tmp/o & pid=$!
until grep -q ready /tmp/o; do sleep 0.05; done
kill $pid; wait $pid; echo $?
process bash -c 'echo after'
"""])
t.equal("shell-08", "the world inside is another one; ending a nester ends all below it and nothing else", (status, out),
        (0, "2\ncannot see it\nstill there\n143\nafter\n") if "alone" not in out else (0, "2\ncannot see it\nalone\nstill there\n143\nafter\n"))

# ---- a terminal

class Terminal:
    def __init__(self):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ["TERM"] = "dumb"
            os.execvp("boot/run", ["boot/run", "--timeout", "60"])
        self.text, self.all = b"", b""

    def expect(self, text, limit=60):
        end = time.time() + limit
        while text not in self.text:
            if time.time() > end:
                raise EOFError("no %r" % text)
            if select.select([self.fd], [], [], 1)[0]:
                data = os.read(self.fd, 4096)
                self.text += data
                self.all += data
        self.text = self.text.split(text, 1)[1]

    def command(self, text, answer):
        os.write(self.fd, text.encode() + b"\r")
        self.expect(answer.encode())
        self.expect(b"# ")

    def interrupted(self, text, status):
        """A command that says `ready` and gets ^C."""
        os.write(self.fd, text.encode() + b"\r")
        self.expect(b"ready\r\n")
        os.write(self.fd, b"\x03")
        self.expect(b"# ")
        self.command("echo st $?", "st %d" % status)

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

tty, seen = Terminal(), None
try:
    tty.expect(b"# ")
    tty.command("process bash", "process bash")
    tty.command("echo in $$", "in 2")
    tty.interrupted("bash -c 'echo ready; sleep 1000'", 130)
    os.write(tty.fd, b"bash -c 'echo ready; sleep 1000'\r")
    tty.expect(b"ready\r\n")
    os.write(tty.fd, b"\x1a")
    tty.expect(b"Stopped")
    tty.expect(b"# ")
    # bash's own wait may come before the news of the death, and a stopped job would keep it from leaving
    tty.command('kill -9 %1; until [ -z "$(jobs)" ]; do sleep 0.1; done; echo jobs $((0))', "jobs 0")
    tty.command("exit 5", "exit")
    tty.command("echo st $?", "st 5")
    tty.interrupted("bash -c 'echo ready; sleep 1000'", 130)
    tty.interrupted("memory -s 8M bash -c 'echo ready; sleep 1000'", 130)
    tty.command("memory -s 8M sleep 1000 &", "[1]")
    os.write(tty.fd, b"echo re''ady; read word; echo got $word\r")
    tty.expect(b"ready\r\n")
    tty.command("line", "got line")
except (EOFError, OSError) as error:
    seen = error
tty.end()
t.check("shell-09", "the terminal goes to the world inside, with ^C and ^Z, and comes back; not to one in the background", seen is None,
        "%s\n%s" % (seen, tty.all.decode(errors="replace")))
t.done()

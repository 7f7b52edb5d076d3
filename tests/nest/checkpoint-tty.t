#!/usr/bin/env python3
# Limit: 300
"""Jobs at a terminal in images: taken in one boot and gone on with in another (boot/run --checkpoint, --restore without a command), and
destroyed and restored in the same boot between the keys.  A driven pseudo-terminal types and looks."""
import fcntl, os, pty, re, select, signal, struct, sys, termios, time
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
DRIVE, PROMPT = "build/tests/checkpoint-tty.img", r"\$> "

class Terminal:
    def __init__(self, *options, rows=30, columns=100):
        self.text, self.all = "", ""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.environ["TERM"] = "linux"
            os.execvp("boot/run", ["boot/run", "--timeout", "120", *options])

    def wait(self, pattern, seconds=60):
        """What appeared until the pattern did."""
        end = time.time() + seconds
        while not (m := re.search(pattern, self.text, re.S)):
            if not select.select([self.fd], [], [], max(0, end - time.time()))[0]:
                raise EOFError("no %r in %r" % (pattern, self.text[-1500:]))
            try:
                more = os.read(self.fd, 4096).decode(errors="replace")
            except OSError:
                raise EOFError("it ended without %r: %r" % (pattern, self.text[-1500:]))
            self.text += more
            self.all += more
        seen, self.text = self.text[:m.end()], self.text[m.end():]
        return seen

    def type(self, keys, pattern=None):
        os.write(self.fd, keys.encode())
        return self.wait(pattern) if pattern else ""

    def kill(self):
        if not self.pid:
            return
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
        self.pid = 0

def generation():
    """Of the newer commit record of the drive's image."""
    with open(DRIVE, "rb") as f:
        found = [0]
        for at in (4096, 8192):			# `image` is the drive's first file
            f.seek(at)
            magic, _, number = struct.unpack("<III", f.read(12))
            found.append(number if magic == 0x43504b46 else 0)
    return max(found)

def another_image():
    """One that was begun after now has been committed."""
    before, end = generation(), time.time() + 60
    while generation() < before + 2:
        if time.time() > end:
            raise EOFError("no images are taken")
        time.sleep(0.05)

def attempt(i, sentence, talk, wanted):
    seen = None
    try:
        seen = talk()
    except EOFError as e:
        seen = e
    t.check(i, sentence, wanted(seen) if isinstance(seen, str) else False, seen)

first = then = None
def begin():
    global first
    if os.path.exists(DRIVE):
        os.unlink(DRIVE)
    first = Terminal("--checkpoint", DRIVE + ",300")
    first.wait("# ")
    first.type("PS1='$''> '\r", "\n.*" + PROMPT)

def go_on(**size):
    """The machine is killed as soon as there is an image of all that was typed."""
    global then
    another_image()
    first.kill()
    time.sleep(0.3)
    before, end = generation(), time.time() + 60
    then = Terminal("--restore", DRIVE, **size)
    while generation() == before and time.time() < end:		# it is there when it takes images again
        time.sleep(0.05)

def jobs():
    begin()
    first.type("n=17; sleep 100 & sleep 200 &\r", r"200.*\[2\].*" + PROMPT)
    first.type("echo on; cat | tee /tmp/x\r", "\ron\r\n")
    first.type("one\r", "one\r\none\r\n")
    first.type("\x1a", "Stopped.*" + PROMPT)
    first.type("echo begin; read -rs x; echo end\r", "\rbegin\r\n")
    time.sleep(0.5)
    first.type("secr")
    go_on(rows=40, columns=90)
    seen = then.type("et\r", "end\r\n.*" + PROMPT)
    seen += then.type("echo $x $n; jobs; stty size\r", r"40 90\r\n.*" + PROMPT)
    seen += then.type("fg\r", "/x\r\n") + then.type("two\r", "two\r\ntwo\r\n") + then.type("\x04", PROMPT)
    return seen + then.type("kill %1 %2; wait; cat /tmp/x; echo left $(jobs -p) none\r", "\nleft none\r\n.*" + PROMPT)
attempt("checkpoint-tty-01", "bash with jobs in the background, one stopped, a line half typed without echo, goes on in another boot at a terminal of another size",
        jobs, lambda s: "secret 17" in s and s.count("Running") == 2 and "Stopped" in s and "one\r\ntwo\r\nleft none" in s)

def interrupts():
    seen = then.type("trap 'echo caught' INT; echo on; cat; trap - INT\r", "\ron\r\n") + then.type("a\r", "a\r\na\r\n") + then.type("\x03", PROMPT)
    seen += then.type("echo on; sleep 60\r", "\ron\r\n")
    time.sleep(0.5)					# its group has the terminal
    seen += then.type("\x1a", "Stopped.*" + PROMPT) + then.type("bg\r", "sleep 60 &\r\n.*" + PROMPT)
    seen += then.type("fg\r", "\rsleep 60\r\n")
    time.sleep(0.5)
    seen += then.type("\x03", PROMPT)
    return seen
attempt("checkpoint-tty-02", "there ^C, ^Z, bg, fg work as before", interrupts, lambda s: "caught" in s and "Stopped" in s)
if then:
    then.kill()

def raw():
    begin()
    first.type("stty -icanon -isig -echo; echo raw; head -c 6 | od -An -tx1; stty sane\r", "\rraw\r\n")
    time.sleep(0.5)
    first.type("a\x03\x1a")
    go_on()
    return then.type("\x04bc", PROMPT) + then.type("stty -a\r", PROMPT)
attempt("checkpoint-tty-03", "a program that reads in raw mode, half of its bytes typed before", raw, lambda s: "61 03 1a 04 62 63" in s and " icanon" in s)
if then:
    then.kill()

def pager():
    begin()
    first.type("seq 500 | less\r", "\n29\r\n:")
    go_on()
    seen = then.type("/31[2]\r", "312.*\n340\r\n.*:") + then.type("G", "500.*END") + then.type("q", PROMPT)
    return seen + then.type("stty -a\r", "icanon.*" + PROMPT)
attempt("checkpoint-tty-04", "less on its second screen in another boot: it searches, ends, leaves the terminal as it was", pager,
        lambda s: " icanon" in s and " echo " in s)
if then:
    then.kill()

def same():
    shell = Terminal("--stack", "checkpoint -v -c -i 400 process")
    again = "restored in .*?\n"
    try:
        shell.wait("# ")
        shell.type("PS1='$''> '\r", "\n.*" + PROMPT)
        seen = ""
        for keys, pattern in (("sleep 300 &\r", r"\[1\].*" + PROMPT), ("echo on; cat\r", "\ron\r\n"), ("on", "on"), ("e\r", "\none\r\n"), ("\x1a", "Stopped.*" + PROMPT),
                              ("jobs\r", "Running.*" + PROMPT), ("fg %2\r", "cat\r\n"), ("two\r", "\ntwo\r\n"), ("\x04", PROMPT),
                              ("seq 300 | less\r", "\n29\r\n:"), (" ", "58.*:"), ("q", PROMPT), ("kill %1; wait; echo go''ne\r", "gone\r\n.*" + PROMPT), ("exit\r", "exit")):
            if keys != "e\r":
                shell.wait(again)
            seen += shell.type(keys, pattern)
        return seen + "restored %d" % shell.all.count("restored in")
    finally:
        shell.kill()
attempt("checkpoint-tty-05", "destroyed and restored between the keys in the same boot", same, lambda s: int(s.rsplit(" ", 1)[1]) >= 12)
t.done()

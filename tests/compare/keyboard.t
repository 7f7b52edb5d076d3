#!/usr/bin/env python3
# A conversation with bash at a terminal - typing, editing, ^C, ^Z, ^\, ^D, job control - in the
# guest's console and on Linux in a pseudo-terminal: what appears must be the same.
import fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios, time
sys.dont_write_bytecode = True
sys.path[:0] = ["tests", "tests/compare"]
import compare
from hosttap import Tap

PROMPT = r"\$> "
# (id, sentence, [(keys, what must appear before the next keys)])
TALK = [
    ("keyboard-01", "a command is echoed and answered", [("echo hello\r", "\r\nhello\r\n.*" + PROMPT)]),
    ("keyboard-02", "the erase and kill characters edit a line",
     [("ecj\x7fho hix\x7f\r", "\r\nhi\r\n.*" + PROMPT), ("rubbish\x15echo clean\r", "\r\nclean\r\n.*" + PROMPT),
      ("echo one two\x17three\r", "\r\none three\r\n.*" + PROMPT)]),
    ("keyboard-03", "^C ends the foreground command with 130", [("sleep 60\r", "sleep 60\r\n"), ("\x03", r"\^C.*" + PROMPT), ("echo $?\r", "\r\n130\r\n.*" + PROMPT)]),
    ("keyboard-04", "^C at the prompt drops the line", [("half a li", "half a li"), ("\x03", PROMPT), ("echo ok\r", "\r\nok\r\n.*" + PROMPT)]),
    ("keyboard-05", "^Z stops, bg and fg go on, ^C ends",
     [("sleep 60\r", "sleep 60\r\n"), ("\x1a", r"Stopped.*" + PROMPT), ("jobs\r", "Stopped +sleep 60\r\n.*" + PROMPT), ("bg\r", "sleep 60 &\r\n.*" + PROMPT),
      ("jobs\r", "Running +sleep 60 &\r\n.*" + PROMPT), ("fg\r", "\r\nsleep 60\r\n"), ("\x03", PROMPT), ("echo $?; jobs\r", "130\r\n.*" + PROMPT)]),
    ("keyboard-06", "^\\ quits with 131", [("ulimit -c 0\r", PROMPT), ("sleep 60\r", "sleep 60\r\n"), ("\x1c", PROMPT), ("echo $?\r", "\r\n131\r\n.*" + PROMPT)]),
    ("keyboard-07", "cat reads lines until ^D", [("cat\r", "cat\r\n"), ("first\r", "first\r\nfirst\r\n"), ("se\x7fsecond\r", "ssecond\r\n"), ("\x04", PROMPT)]),
    ("keyboard-08", "a trap on INT runs", [("trap 'echo caught' INT; cat; trap - INT\r", "INT\r\n"), ("\x03", PROMPT), ("echo after\r", "\r\nafter\r\n.*" + PROMPT)]),
    ("keyboard-09", "stty -echo hides what is typed",
     [("stty -echo\r", PROMPT), ("echo unseen\r", "unseen\r\n.*" + PROMPT), ("stty echo\r", PROMPT), ("read -s x; echo got $x\r", "\r\n"), ("secret\r", "got secret\r\n.*" + PROMPT)]),
    ("keyboard-10", "^C ends a whole pipeline", [("yes | cat > /dev/null\r", "null\r\n"), ("\x03", PROMPT), ("echo ${PIPESTATUS[*]}\r", r"\d+\r\n.*" + PROMPT)]),
    ("keyboard-11", "a background reader is stopped by the terminal",
     [("cat & sleep 0.5\r", r"\[1\] \d+\r\n.*" + PROMPT), ("\r", PROMPT), ("jobs\r", "Stopped.*cat\r\n.*" + PROMPT), ("kill %1; read -t 0.5\r", PROMPT), ("\r", PROMPT)]),
    ("keyboard-12", "size, name and settings of the terminal", [("stty size\r", r"\d+ \d+\r\n.*" + PROMPT), ("test -t 0 && echo terminal\r", "\r\nterminal\r\n.*" + PROMPT),
     ("stty -a | tr ';' '\\n' | grep -E 'intr|erase|eof|susp'\r", "susp.*" + PROMPT)]),
    ("keyboard-13", "a sub-shell with its own job control comes and goes", [("bash --norc\r", PROMPT), ("sleep 50\r", "50\r\n"), ("\x1a", "Stopped.*" + PROMPT), ("kill %1; read -t 0.5\r", PROMPT), ("exit 4\r", PROMPT), ("echo $?\r", "\r\n4\r\n.*" + PROMPT)]),
    ("keyboard-14", "stty raw passes control characters as bytes", [("stty -icanon -isig -echo; head -c 4 | od -An -tx1; stty sane\r", "sane\r\n"), ("a\x03\x1a\x04", "61 03 1a 04\r\n.*" + PROMPT)]),
    ("keyboard-15", "^D at the prompt ends the shell", [("\x04", "exit\r\n")]),
]
ROWS, COLUMNS = 30, 100
LINE = "/bin/bash --norc --noprofile -i"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/root", "PS1": "$> ", "TERM": "dumb", "LC_ALL": "C", "HISTFILE": "/dev/null"}

def start(argv):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        os.execvp(argv[0], argv)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    return pid, fd

def talk(argv, limit):
    """id -> what appeared, until the first step that got no answer."""
    pid, fd = start(argv)
    seen, failed = {}, None

    def wait_for(pattern, seconds):
        text, end = "", time.time() + seconds
        while not re.search(pattern + r"\Z" if pattern.endswith(PROMPT) else pattern, text, re.S):
            if time.time() > end:
                return text, False
            if select.select([fd], [], [], 0.2)[0]:
                try:
                    more = os.read(fd, 4096)
                except OSError:
                    more = b""
                if not more:
                    return text, False
                text += more.decode("latin-1")
        return text, True

    text, ok = wait_for(PROMPT, limit)
    if not ok:
        failed = "no prompt: " + text[-500:]
    for i, _, steps in TALK if ok else []:
        seen[i] = ""
        for keys, pattern in steps:
            # a person is not faster; what comes late belongs to the last step; a program must have the terminal first
            time.sleep(1 if keys[0] < " " and keys != "\r" else 0.15)
            os.write(fd, keys.encode())
            text, ok = wait_for(pattern, 20)
            seen[i] += text
            if not ok:
                failed = "%s: after %r no %r but %r" % (i, keys, pattern, text)
                break
        if not ok:
            break
    try:
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.2)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    os.close(fd)
    os.waitpid(pid, 0)
    return seen, failed

def normal(text):
    text = re.sub(r"\[(\d+)\] \d+", r"[\1] PID", text)
    return re.sub(r"\x1b\[\?2004[hl]\r?", "", text)

t = Tap()
if not compare.linux_possible():
    for i, sentence, _ in TALK:
        t.skip(i, sentence, "no i386 programs on this host")
    t.done()
root = compare.linux_root("keyboard")
script = os.path.join(root, "talk.sh")
with open(script, "w") as f:
    f.write("exec env -i %s %s\n" % (" ".join("%s='%s'" % e for e in ENVIRONMENT.items()), LINE))
linux, why = talk(compare.as_root() + ["unshare", "-m", "-p", "-f", "--kill-child", "sh", "-c", compare.IN_CHROOT, "sh", root, "/talk.sh"], 20)
subprocess.run(compare.as_root() + ["rm", "-rf", root])
if why:
    print("# Linux: " + why, file=sys.stderr)
append = 'cmd="%s" cwd=/ ' % LINE + " ".join("env=%s" % ("\"%s=%s\"" % e if " " in e[1] else "%s=%s" % e) for e in ENVIRONMENT.items())
guest, why = talk(["boot/run", "--memory", "256", "--log", "build/logs/keyboard.log", "--append", append], 120)
if why:
    print("# guest: " + why, file=sys.stderr)
for i, sentence, _ in TALK:
    t.equal(i, sentence, normal(guest.get(i, "(not reached)")), normal(linux.get(i, "(not reached on Linux)")))
t.done()

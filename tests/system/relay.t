#!/usr/bin/env python3
# boot/run with the real system: input, output, status, files in and out.
import hashlib, os, subprocess, sys, tempfile, time
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
work = tempfile.mkdtemp(prefix="relay.", dir="build")

def run(*args, stdin=b"", options=(), tree="small"):
    r = subprocess.run(["boot/run", "--tree", tree, "--timeout", "60", *options, "--", *args], input=stdin, capture_output=True)
    return r.returncode, r.stdout, r.stderr

data = bytes((i * 7 + i // 256) & 255 for i in range(200000))
t.equal("relay-01", "200 KB of any bytes go through cat", run("cat", stdin=data), (0, data, b""))
t.equal("relay-02", "output and error output stay apart and in order",
        run("sh", "-c", "for i in 1 2 3; do echo o$i; echo e$i >&2; done; exit 77"), (77, b"o1\no2\no3\n", b"e1\ne2\ne3\n"))
t.equal("relay-03", "the end of input reaches the command", run("wc", "-c", stdin=b"12345")[:2], (0, b"5\n"))
t.equal("relay-04", "a command killed by signal 9 gives 137", run("sh", "-c", "kill -9 $$")[0], 137)
t.equal("relay-05", "arguments keep blanks, quotes, newlines and UTF-8",
        run("printf", "<%s>", "a b", "it's", '"', "$x", "new\nline", "größer", "")[1], "<a b><it's><\"><$x><new\nline><größer><>".encode())
status, out, err = run("no-such-command")
t.check("relay-06", "a command that is not there is boot/run's own failure or 127", status in (125, 127), (status, err))
big = os.path.join(work, "big")
with open(big, "wb") as f:
    for i in range(64):
        f.write(hashlib.sha256(b"%d" % i).digest() * 32768)
start = time.time()
status, out, err = run("md5sum", "/in/big", options=["--memory", "256", "--put", big + ":/in/big"])
seconds = time.time() - start
t.equal("relay-07", "--put of 64 MB arrives whole", out.split()[:1], [hashlib.md5(open(big, "rb").read()).hexdigest().encode()])
t.check("relay-08", "and costs seconds, not minutes", seconds < 60, seconds)
os.makedirs(work + "/folder/sub")
with open(work + "/folder/sub/script", "w") as f:
    f.write("#!/bin/sh\necho made > /tmp/result; chmod 751 /tmp/result; ls -l /in/folder/sub/script | cut -c1-10\n")
os.chmod(work + "/folder/sub/script", 0o700)
status, out, err = run("/in/folder/sub/script", options=["--put", work + "/folder:/in/folder", "--get", "/tmp/result:" + work + "/result"])
t.equal("relay-09", "a folder goes in with modes, a file comes out with its mode",
        (status, out, open(work + "/result").read(), os.stat(work + "/result").st_mode & 0o777), (0, b"-rwx------\n", "made\n", 0o751))
p = subprocess.run("boot/run --tree small -- yes | head -3", shell=True, capture_output=True, timeout=300)
t.equal("relay-10", "a reader that leaves ends the writer", p.stdout, b"y\ny\ny\n")
status, out, err = run("true", options=["--append", "frobnicate"])
t.check("relay-11", "an unknown word on the command line is refused", status == 125 and b"frobnicate" in err, (status, err))
status, out, err = run("sh", "-c", "echo text > /dev/console; poweroff; sleep 5")
t.check("relay-12", "poweroff in the guest ends the run", status != 124, (status, out, err))
subprocess.run(["rm", "-rf", work])
t.done()

#!/usr/bin/env python3
# boot/run by itself: the guest is tests/system/standin.c, which speaks the channel as told.
import os, signal, subprocess, sys, tempfile, time
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
STANDIN = "build/tests/system/standin.elf"
work = tempfile.mkdtemp(prefix="boot-run.", dir="build")

def run(*args, stdin=b"", kernel=STANDIN, timeout=300):
    r = subprocess.run(["boot/run", "--kernel", kernel, "--bare", *args], input=stdin, capture_output=True, timeout=timeout)
    return r.returncode, r.stdout, r.stderr.decode()

data = bytes(range(256)) * 40
status, out, err = run("--", "echo", stdin=data)
t.equal("boot-run-01", "input and output are passed byte for byte, with the status", (status, out, err), (3, data, ""))
status, out, err = run("--", "both")
t.equal("boot-run-02", "standard output and error come apart", (status, out, err), (7, b"out\n", "err\n"))
t.equal("boot-run-03", "a command killed by signal 11 gives 139", run("--", "killed")[0], 139)
status, out, err = run("--", "nofile")
t.check("boot-run-04", "a command that cannot start gives 125 and one line",
        status == 125 and err.startswith("boot/run: cannot run nofile: No such file") and err.count("\n") == 1, err)
status, out, err = run("--timeout", "3", "--", "hang")
t.check("boot-run-05", "no progress gives 124 and names the log",
        status == 124 and err.startswith("boot/run: no progress") and "log: " in err and err.count("\n") == 1, err)
status, out, err = run("--", "panic")
t.check("boot-run-06", "a panic gives 126", status == 126 and "boot/run: panic: the stand-in" in err and err.count("\n") == 1, err)
status, out, err = run("--", "stop")
t.check("boot-run-07", "a machine that stops gives 125 with its last line",
        status == 125 and "stand-in: unknown word" in err and err.count("\n") == 1, err)
status, out, err = run("--no-such-option", "--", "both")
t.check("boot-run-08", "a bad option gives 125", status == 125 and err.startswith("boot/run: ") and err.count("\n") == 1, err)
status, out, err = run("--put", work + "/none:/x", "--", "both")
t.check("boot-run-09", "a missing file gives 125", status == 125 and "no file" in err, err)
status, out, err = run("--cpu", "nonsense", "--", "both")
t.check("boot-run-10", "QEMU's own failure gives 125", status == 125 and "boot/run: " in err and err.count("\n") == 1, err)
f = work + "/status"
run("--status-file", f, "--", "killed")
one = open(f).read()
run("--status-file", f, "--timeout", "2", "--", "hang")
t.check("boot-run-11", "the status file tells the command's end from our own",
        one == "command signal 11\n" and open(f).read().startswith("boot/run 124 "), one + open(f).read())
status, out, err = run("--get", "/etc/some file:" + work + "/got", "--", "both")
st = os.stat(work + "/got")
t.equal("boot-run-12", "--get brings contents, mode and time",
        (status, open(work + "/got").read(), st.st_mode & 0o777, int(st.st_mtime)), (7, "/etc/some file", 0o640, 1000000000))
status, out, err = run("--get", "/none:" + work + "/none", "--", "both")
t.check("boot-run-13", "--get of a missing file gives 125", status == 125 and "cannot get /none: No such file" in err, err)
p = subprocess.run("boot/run --kernel %s --bare -- flood | head -c 70000 | wc -c" % STANDIN, shell=True, capture_output=True, timeout=300)
t.equal("boot-run-14", "a reader that leaves is told to the guest", p.stdout.strip(), b"70000")
status, out, err = run("--", "flood")
t.equal("boot-run-15", "300 KB of output pass under flow control", (status, len(out)), (0, 300000))
p = subprocess.Popen(["boot/run", "--kernel", STANDIN, "--bare", "--", "signal"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
p.stdout.readline()
p.send_signal(signal.SIGINT)
p.communicate(timeout=120)
t.equal("boot-run-16", "SIGINT to boot/run goes to the command", p.returncode, 130)
p = subprocess.Popen(["boot/run", "--kernel", STANDIN, "--bare", "--", "hang"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
time.sleep(2)
p.send_signal(signal.SIGTERM)
p.communicate(timeout=120)
t.equal("boot-run-21", "SIGTERM ends the run at once", p.returncode, 143)
status, out, err = run("-v", "--", "both")
t.check("boot-run-17", "-v shows the log and the missing calls", "stand-in: console" in err and "fancy_call 3" in err, err)
status, out, err = run(stdin=b"")
t.check("boot-run-18", "without a command the console is relayed", b"stand-in: console\r\nbye" in out and status == 5, (status, out, err))
status, out, err = run("-n", "--", "a b", "it's", '"')
t.check("boot-run-19", "-n prints the command, arguments quoted for the kernel's line",
        status == 0 and b"qemu-system-i386" in out and out.count(b"\n") == 1, out)
status, out, err = run("-v", "--", "both", "a b", "it's", '"')
t.check("boot-run-20", "arguments are quoted on the kernel's line",
        "cmd=\"both 'a b' 'it'\\\\''s' '\\\"'\"" in err, err)
subprocess.run(["rm", "-rf", work])
t.done()

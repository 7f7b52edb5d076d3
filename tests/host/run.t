#!/usr/bin/env python3
# tests/run itself: a group that hangs, and one that lies, are caught.
import contextlib, io, os, sys, tempfile, time
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
import hosttap
t = hosttap.Tap()
tests_run = hosttap.program("tests/run")
work = tempfile.TemporaryDirectory(dir="build")

def run(program, limit=60, only=()):
    tests_run.GROUP_LIMIT = limit
    start = time.time()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        found = tests_run.run_tap("bad/program", program, list(only))
    return found, said.getvalue(), time.time() - start

def program(text):
    path = work.name + "/program"
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return run(path)[0]

os.environ["HANG_PID"] = work.name + "/pid"
found, said, seconds = run("tests/bad/hang.t", limit=2)
t.equal("run-01", "a group that hangs keeps what passed, and its missing ids fail", found,
        [("hang-01", True), ("hang-02", False), ("hang-03", False)])
t.check("run-02", "it says that the time limit was over", said.count("time limit") == 2 and seconds < 60, (said, seconds))
pid = open(work.name + "/pid").read().strip()
t.check("run-03", "all that it started is gone, other sessions too", not os.path.exists("/proc/%s/cmdline" % pid) or
        not open("/proc/%s/cmdline" % pid).read(), pid)
t.equal("run-04", "a group that ends in order counts as it says", program("echo ok 1 - a-01 one; echo not ok 2 - a-02 two; echo 1..2"),
        [("a-01", True), ("a-02", False)])
t.equal("run-05", "a group without a plan lacks a case", program("echo ok 1 - a-01 one"), [("a-01", True), ("(missing)", False)])
t.equal("run-06", "a status is a failure though every case passed", program("echo ok 1 - a-01 one; echo 1..1; exit 3"),
        [("a-01", True), ("(exit status 3)", False)])
t.equal("run-07", "a skip without a reason in tests/skips is a failure", program("echo ok 1 - a-01 one '# SKIP no wish'; echo 1..1"),
        [("a-01", False)])
t.done()

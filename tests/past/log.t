#!/usr/bin/env python3
# An empty line that arrived by itself stopped boot/run with a Python back trace.
import os, sys, tempfile
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
import hosttap
t = hosttap.Tap()
boot_run = hosttap.program("boot/run")
with tempfile.TemporaryDirectory(dir="build") as work:
    log = boot_run.Log(work + "/log", False)
    for piece in (b"\n", b"one\r\n", b"\n", b"\xff\n\n", b"", b"two"):
        log.take("debug", piece)
    t.equal("past-log-01", "empty lines by themselves keep the last line said", log.last["debug"], "\ufffd")
    log.flush()
    t.equal("past-log-02", "every byte reaches the log", open(work + "/log", "rb").read(), b"\none\r\n\n\xff\n\ntwo")
t.done()

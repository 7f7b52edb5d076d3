#!/usr/bin/env python3
"""sendfile and copy_file_range refused to work in a process of several threads; a folder put onto /bin, which is a link to
usr/bin, replaced the link, so that no program was found any more."""
import os, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
folder = "build/tests/past-copies"
os.makedirs(folder, exist_ok=True)
with open(folder + "/put-there", "w") as f:
    f.write("#!/bin/sh\necho put there\n")
os.chmod(folder + "/put-there", 0o755)
r = subprocess.run(["boot/run", "--icount", "--timeout", "60", "--put", "build/tests/posix/sendfile:/usr/bin/send-files", "--put", folder + ":/bin", "--",
                    "sh", "-c", "cd /tmp; send-files; put-there; test -L /bin && ls -d /usr/bin/put-there"], capture_output=True, text=True, timeout=300)
lines = r.stdout.splitlines()
for n, (line, sentence) in enumerate({"sendfile right": "sendfile by three threads at once", "range right": "copy_file_range by three threads at once",
                                      "put there": "a folder put onto a link to a folder", "/usr/bin/put-there": "the link stays a link"}.items(), 1):
    t.check("past-copies-%02d" % n, sentence, line in lines, r.stdout + r.stderr)
t.done()

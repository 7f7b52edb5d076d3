#!/usr/bin/env python3
"""docs/nester.md: its program, and the commands it shows, word for word."""
import re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

text = open("docs/nester.md").read()
program = re.search(r"^```c\n(.*?)^```$", text, re.M | re.S).group(1)
t.equal("nester-01", "the program that runs is the one on the page", open("build/yesterday.c").read(), program)
t.check("nester-02", "it has about 60 lines", len(program.splitlines()) <= 80, len(program.splitlines()))
shown = re.findall(r"^\$ (boot/run .*)\n(.*)$", text, re.M)
t.check("nester-03", "the page shows two commands", len(shown) == 2, shown)
for number, (command, wanted) in enumerate(shown, 4):
    r = subprocess.run(command.replace("boot/run ", "boot/run --icount ", 1), shell=True, capture_output=True, text=True, timeout=300)
    t.equal("nester-%02d" % number, command, (r.stdout, r.stderr), (wanted + "\n", ""))
r = subprocess.run("boot/run --icount --stack 'yesterday process' -- sh -c 'date -s 2030-01-01 >/dev/null || echo refused'", shell=True,
                   capture_output=True, text=True, timeout=300)
t.equal("nester-06", "below it nobody sets the clock", r.stdout, "refused\n")
t.done()

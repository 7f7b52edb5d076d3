#!/usr/bin/env python3
# The tour in README.md, word for word: `$ ` lines run in bash, with the lines `> ` that go on with them; what follows is the output.
import re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
text = open("README.md").read()
tour = text[text.index("## A tour"):text.index("## The folders")]
steps = []
for block in re.findall(r"^```\n(.*?)^```", tour, re.M | re.S):
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        elif line.startswith("> ") and not steps[-1][1]:
            steps[-1] = (steps[-1][0] + "\n" + line[2:], [])
        elif steps:
            steps[-1][1].append(line)

def output(command):
    r = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       timeout=400, text=True)
    return r.stdout.splitlines(), r.stderr

for n, (command, wanted) in enumerate(steps, 1):
    got, errors = output(command)
    t.check("tour-%02d" % n, command.replace("#", "\\#").replace("\n", "; "), got == wanted, "got    %r\nwanted %r\n%s" % (got, wanted, errors))
t.check("tour-99", "the tour has ten steps or more", len(steps) >= 10)
t.done()

"""Tests whose guest program says a line `NAME right` or `NAME wrong: WHAT` for each of its kinds."""
import subprocess

def check(t, program, kinds, *options):
    """Case past-PROGRAM-NN for each name and sentence of kinds; the program is in build/tests/posix."""
    r = subprocess.run(["boot/run", "--icount", "--timeout", "60", *options, "--put", "build/tests/posix/%s:/usr/bin/%s" % (program, program), "--", program],
                       capture_output=True, text=True, timeout=300)
    for n, (kind, sentence) in enumerate(kinds.items(), 1):
        t.check("past-%s-%02d" % (program, n), sentence, kind + " right" in r.stdout.splitlines(), r.stdout + r.stderr)

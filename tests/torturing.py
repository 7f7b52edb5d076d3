#!/usr/bin/env python3
"""Boots with the torture nester: tests/torturing.py [--rounds N] [--seed N] [--rate US] [--batch N]

Runs the script tests/system/torture/script under `torture process`, once per seed, several seeds per boot, and compares
what each run printed.  Nothing comes in from the host and instructions are the clock, so the same first seed
and number of runs give the same boot again, to the instruction.  --rounds 0 goes on for ever.  At the first run
that printed something else it ends with status 1 and says how to have exactly that boot again."""
import argparse, os, re, subprocess, sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILES = {"script": "tests/system/torture/script", "float": "build/tests/posix/float"}
# what the script prints on Linux
WANTED = """\
d4d8892d1e38a7ccbfd0629b407b4a30  -
95e555edf2265ff21ff542c8648bd3ab  -
same
status 3
17
twotwo
one
float 20 of 20
end
"""
SUMS = ["instants", "stopped", "trips", "left", "tables", "spaces", "revoked", "restored", "objects", "frames", "faults"]

class Boot:
    """What one boot did: runs = [(seed, status, output)], sums, pairs = {(call, stage): count}."""
    def __init__(self, text):
        self.text = text.replace("\r", "")
        self.runs, self.sums, self.pairs = [], {}, {}
        at = 0
        for m in re.finditer(r"^torture: seed (\d+): status (\d+), \d+ round trips\n", self.text, re.M):
            self.runs.append((int(m[1]), int(m[2]), self.text[at:m.start()]))
            at = m.end()
        self.rest = self.text[at:]
        for m in re.finditer(r"^torture: pair (.*) ([0-9a-f]+) (\d+) [\d.]+%$", self.rest, re.M):
            self.pairs[m[1], m[2]] = int(m[3])
        m = re.search(r"^torture: instants .*", self.rest, re.M)
        words = m[0].split()[1:] if m else []
        self.sums = {a: int(b) for a, b in zip(words[::2], words[1::2]) if a in SUMS}

    def bad(self, seed, count):
        """Index of the first run that is not what it should be, or None."""
        for n in range(count):
            if n >= len(self.runs) or self.runs[n] != (seed + n, 0, WANTED):
                return n
        return None if self.sums else count

def boot(seed, count, rate, words="", stack="process", timeout=90, show=None):
    """show: called with every line as it comes."""
    line = 'stack="torture -v seed=%d runs=%d rate=%d %s %s" cmd="bash /torture/script"' % (seed, count, rate, words, stack)
    q = subprocess.Popen(["boot/run", "--memory", "256", "--icount", "--timeout", str(timeout), "--log", "build/logs/torture.log",
                          *[w for name, path in FILES.items() for w in ("--put", path + ":/torture/" + name)], "--append", line], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=TOP)
    text = ""
    for part in q.stdout:
        text += part
        if show:
            show(part)
    q.wait()
    return Boot(text)

def explain(b, n, seed):
    got = b.runs[n] if n < len(b.runs) else (seed + n, "no end", b.rest)
    return "seed %d: status %s, printed\n%s" % got

def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rounds", type=int, default=100)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--rate", type=int, default=1000)
    p.add_argument("--batch", type=int, default=20)
    a = p.parse_args()
    done, trips, seed = 0, 0, a.seed
    while not a.rounds or done < a.rounds:
        count = min(a.batch, a.rounds - done) if a.rounds else a.batch
        b = boot(seed, count, a.rate)
        n = b.bad(seed, count)
        if n is not None:
            print(explain(b, n, seed))
            print("once more, exactly: make torture SEED=%d ROUNDS=%d RATE=%d" % (seed, min(n + 1, count), a.rate))
            sys.exit(1)
        done, seed, trips = done + count, seed + count, trips + b.sums["trips"]
        print("seeds %d to %d: %d round trips, %d in all, %d pairs, tables %d, restored %d" % (seed - count, seed - 1,
              b.sums["trips"], trips, len(b.pairs), b.sums["tables"], b.sums["restored"]), flush=True)

if __name__ == "__main__":
    main()

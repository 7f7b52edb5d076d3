"""Prints TAP from Python tests: t = Tap(); t.check(id, sentence, claim, what_was_seen);
t.equal(id, sentence, got, wanted); t.done().  The plan comes last; a test that dies early has
none, which counts as a failure."""
import importlib.machinery, importlib.util, os, sys

def why(i, text):
    """One line for the list at the end of tests/run: why that test failed."""
    if "TEST_RESULTS" in os.environ:
        with open("%s/why.%s" % (os.environ["TEST_RESULTS"], i.replace("/", "-")), "w") as f:
            f.write(" ".join(text.split())[:200])

def difference(got, wanted):
    """Where two values begin to differ, with what stands there in each."""
    a, b = ("\n".join(map(str, v)) if isinstance(v, (tuple, list)) else str(v) for v in (got, wanted))
    at = next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return "%r instead of %r" % (a[max(0, at - 25):at + 50], b[max(0, at - 25):at + 50])

class Tap:
    def __init__(self):
        self.count = self.failed = 0
        self.only = os.environ.get("TEST_ONLY", "").split()

    def wanted(self, i):
        return not self.only or i in self.only or not any(o.rsplit("-", 1)[0] == i.rsplit("-", 1)[0] for o in self.only)

    def check(self, i, sentence, claim, seen=None):
        self.count += 1
        print("%sok %d - %s %s" % ("" if claim else "not ", self.count, i, sentence), flush=True)
        if not claim:
            self.failed += 1
            if seen is not None:
                why(i, str(seen))
                for line in str(seen).splitlines()[:40]:
                    print("#   " + line, file=sys.stderr)
        return claim

    def equal(self, i, sentence, got, wanted):
        self.check(i, sentence, got == wanted, "got    %.2000r\nwanted %.2000r" % (got, wanted))
        if got != wanted:
            why(i, difference(got, wanted))
        return got == wanted

    def skip(self, i, sentence, why):
        self.count += 1
        print("ok %d - %s %s # SKIP %s" % (self.count, i, sentence, why), flush=True)

    def done(self):
        print("1..%d" % self.count)
        sys.exit(1 if self.failed else 0)

def program(path):
    """A Python program without .py as a module."""
    loader = importlib.machinery.SourceFileLoader(os.path.basename(path), path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module

"""What comes out of the kernel against what the headers say.  A kernel built with CHECK=1 notes each
(call, error or insanity) that reaches user code and prints it when the machine ends; the headers
list the same in the lines `Returns:` and `Insanities:` of each call (tools/man.py reads them).
`second processor` behind a name there: it cannot be seen on one."""
import os, re, shutil, sys, tempfile
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools"))
import man

def seen(text):
    """The pairs in the kernel's log: {(call, "error" | "insanity", name)}."""
    calls = {number: name for number, name, *_ in man.calls_def()}
    codes = man.codes()
    names = {"error": {v: k for k, v in codes["Returns"].items()}, "insanity": {v: k for k, v in codes["Insanities"].items()}}
    found = set()
    for call, kind, code in re.findall(r"^pair (\d+) (error|insanity) (\d+)\s*$", text, re.M):
        pair = (calls.get(int(call), "call " + call), kind, names[kind].get(int(code), code))
        if pair[2] != "INVALID_CALL":	# of no call
            found.add(pair)
    return found

def documented(changes={}):
    """What the headers say; or what they would say with these changes: {header: (old, new)}."""
    if not changes:
        return man.documented()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(os.path.join(TOP, "include"), os.path.join(folder, "include"))
        for header, (old, new) in changes.items():
            path = os.path.join(folder, "include/fluke", header)
            text = open(path).read()
            if old not in text:
                raise ValueError("%s has no `%s`" % (header, old))
            open(path, "w").write(text.replace(old, new, 1))
        man.TOP, top = folder, man.TOP
        try:
            return man.documented()
        finally:
            man.TOP = top

def lines(pairs):
    return "\n".join("fluke_%s: %s %s" % p for p in sorted(pairs))

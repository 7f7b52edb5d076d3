#!/usr/bin/env python3
"""Makes the manual pages of the kernel calls from include/fluke: a page per call.

usage: man.py OUTPUT_FOLDER

The text of a page is the comment right before the call's prototype (or before the first of
several prototypes that follow each other); number, class and registers come from calls.def.  A
call without a prototype or without a text is an error."""

import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADERS = ["thread", "space", "region", "mapping", "port", "portset", "mutex", "cond", "ref", "ipc"]
CLASSES = {
    "TRIVIAL": "trivial: always runs to its end",
    "SHORT": "short: rolled back and begun again at a fault",
    "LONG": "long: may sleep without end",
    "MULTI": "multi-stage: may sleep, and be stopped at points in between; the registers then name the rest",
}
SOURCES = {"MANUAL": "the Fluke reference manual", "PAPER": "the OSDI '99 paper", "OURS": "this system alone"}
PLAIN = ["ebx", "ecx", "edx", "esi", "edi"]


def clean(comment):
    """A C comment as lines of text."""
    body = re.sub(r"^/\*+\s?|\s*\*/$", "", comment.strip())
    return [re.sub(r"^\s*\* ?", "", line) for line in body.split("\n")]


def comments_and_prototypes(text):
    """In order: ("comment", lines, blank line behind) or ("prototype", name, text)."""
    pattern = re.compile(r"/\*.*?\*/|^\w[\w \t*]*?\*?fluke_(\w+)\([^;]*?\)[^;]*;", re.S | re.M)
    for match in pattern.finditer(text):
        if match.group(0).startswith("/*"):
            yield "comment", clean(match.group(0)), text[match.end():match.end() + 2] == "\n\n"
        else:
            yield "prototype", match.group(1), re.sub(r"\s+", " ", match.group(0)).replace(" ;", ";")


def read_header(name):
    """call -> (prototype, text); and what the header says of all its calls."""
    text = open(os.path.join(TOP, "include/fluke/%s.h" % name)).read()
    found, current = {}, None
    head = clean(re.match(r"/\*.*?\*/", text, re.S).group(0))
    for kind, what, more in comments_and_prototypes(text):
        if kind == "comment":
            current = None if more else what
            if name == "ipc" and what[0].startswith("What every call"):
                head = head + [""] + what
            if any("SIDE_" in line for line in what):
                found.update(sides(what))
        elif current:
            found[what] = (more, current)
    return found, head


def sides(lines):
    """The entries `fluke_ipc_SIDE_x: text` of one comment, for client and server."""
    found, name = {}, None
    entries = {}
    for line in lines:
        match = re.match(r"fluke_ipc_SIDE_(\w+): (.*)", line)
        if match:
            name = match.group(1)
            entries[name] = [match.group(2)]
        elif name:
            entries[name].append(line.strip())
    for name, text in entries.items():
        for side in ("client", "server"):
            arguments, result = ("void", "void") if name in ("disconnect", "alert") else ("fluke_ipc_params_t *params", "fluke_error_t")
            call = "ipc_%s_%s" % (side, name)
            found[call] = ("%s fluke_%s(%s);" % (result, call, arguments), text)
    return found


def outcomes(call, text, names):
    """The sets that a call's text names: `Returns: A (why), B; C.` and `Insanities: D, E.`; names: all there
    are.  One marked `(second processor ...)` is left out."""
    found = {"Returns": set(), "Insanities": set()}
    whole = re.sub(r"\b[A-Z_]+ \([^)]*second processor[^)]*\)|\([^)]*\)", "", " ".join(text))
    for label in found:
        parts = re.findall(r"\b%s: (.*?)\." % label, whole)
        if label == "Insanities" and len(parts) != 1:
            sys.exit("man.py: fluke_%s: %d lines `Insanities:`" % (call, len(parts)))
        for name in re.findall(r"\b[A-Z][A-Z_]+\b", " ".join(parts)):
            if name not in names[label]:
                sys.exit("man.py: fluke_%s: %s: there is no %s" % (call, label, name))
            found[label].add(name)
    return found["Returns"], found["Insanities"]


def codes():
    """The names in errors.h -> their numbers, for returned errors and for insanities."""
    text = open(os.path.join(TOP, "include/fluke/errors.h")).read()
    every = re.findall(r"^#define FLUKE_(\w+)\s+(\d+)\b", text, re.M)
    start = [n for n, _ in every].index("IPC_NOT_NOW") + 1
    return {"Returns": {n: int(v) for n, v in every[:start]},
            "Insanities": {n[9:]: int(v) for n, v in every if n.startswith("INSANITY_")}}


def documented():
    """{(call, "error" | "insanity", name)}, all that the headers say may come out of each call."""
    names, pairs = codes(), set()
    texts = {call: both for header in HEADERS for call, both in read_header(header)[0].items()}
    for number, call, _, _, result, _ in calls_def():
        if call not in texts:
            sys.exit("man.py: no prototype with a text before it: fluke_" + call)
        prototype, text = texts[call]
        errors, insanities = outcomes(call, text, names)
        if bool(errors) != (result == "error"):
            sys.exit("man.py: fluke_%s returns %s, and has %s line `Returns:`" % (call, result, "a" if errors else "no"))
        returned = errors or (set() if "noreturn" in prototype else {"SUCCESS"})
        pairs |= {(call, "error", e) for e in returned} | {(call, "insanity", i) for i in insanities}
    return pairs


def calls_def():
    text = re.sub(r"/\*.*?\*/", "", open(os.path.join(TOP, "include/fluke/calls.def")).read(), flags=re.S)
    return [(int(n), name, k, s, r, a) for n, name, k, s, r, a in
            re.findall(r"^CALL\(\s*(\d+),\s*(\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*\((.*)\)\)", text, re.M)]


def registers(name, arguments):
    """Where each argument travels, by the rules in the head of calls.def."""
    plain, value, out = iter(PLAIN), iter(("esi", "edi")), []
    for kind, what in re.findall(r"(\w+)(?:\(([^)]*)\))?", arguments):
        label = what or kind.lower()
        if kind in ("BLOCK", "HALF"):
            out.append("block ebx" + (", its %s half in eax 16-31, ecx, esi, edi, edx" % what if kind == "HALF" else ""))
        elif kind == "ALIAS":
            out.append("alias ebp at return")
        elif name.startswith("ipc_"):
            out.append("%s edi" % label)
        elif kind == "INOUT" or (kind == "OUT" and what == "word"):
            out.append("%s %s%s" % (label, next(value), " both ways" if kind == "INOUT" else " at return"))
        else:
            out.append("%s %s" % (label, next(plain)))
    return "; ".join(out) or "none"


def page(call, prototype, text, header, head):
    number, name, klass, source, result, arguments = call
    lines = ["# fluke_" + name, "", "Made by `make docs` from `include/fluke/%s.h` and `calls.def`." % header, "",
             "```c", prototype, "```", ""]
    for i, line in enumerate(text):
        lines += [""] if re.match("(Returns|Insanities): ", line) else []
        lines.append(re.sub(r"^fluke_%s: " % name, "", line) if i == 0 else line)
    lines += ["", "| | |", "|---|---|", "| number | %d |" % number, "| class | %s |" % CLASSES[klass],
              "| registers | %s |" % registers(name, arguments), "| eax at return | %s |" % (result if result != "void" else "0, of no meaning"),
              "| known from | %s |" % SOURCES[source], "", "## Of all calls in `%s.h`" % header, ""] + head
    return "\n".join(line.rstrip() for line in lines) + "\n"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    calls = calls_def()
    documented()		# every text is readable
    pages = {}
    for header in HEADERS:
        found, head = read_header(header)
        for call in calls:
            if call[1] in found and call[1] not in pages:
                pages[call[1]] = page(call, *found[call[1]], header, head)
    missing = [c[1] for c in calls if c[1] not in pages]
    if missing:
        sys.exit("man.py: no prototype with a text before it: " + " ".join(missing))
    index = ["# Manual pages of the kernel calls", "", "Made by `make docs`.", "", "| call | class |", "|---|---|"]
    for call in sorted(calls, key=lambda c: c[1]):
        open(os.path.join(folder, "fluke_%s.md" % call[1]), "w").write(pages[call[1]])
        index.append("| [fluke_%s](fluke_%s.md) | %s |" % (call[1], call[1], call[2].lower()))
    open(os.path.join(folder, "README.md"), "w").write("\n".join(index) + "\n")


if __name__ == "__main__":
    main()

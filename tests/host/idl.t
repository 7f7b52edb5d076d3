#!/usr/bin/env python3
"""The IDL compiler: malformed files get file, line and reason; good ones give code that both compilers take."""
import os, re, subprocess, sys, tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from hosttap import Tap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEAD = "#pragma interface 7\ninterface X {\n"
BAD = [		# text, line, what the reason says
	("interface X { void a(); };\n", 1, "without '#pragma interface"),
	("#pragma interface 0\ninterface X { };\n", 1, "not within 1 to 65535"),
	("#pragma interface many\ninterface X { };\n", 1, "expected the interface's number"),
	("#pragma pack 1\n", 1, "expected '#pragma interface NUMBER'"),
	("#pragma interface 7\n", 2, "without an interface after it"),
	("#pragma interface 7\n#pragma interface 8\ninterface X { };\n", 2, "without an interface before it"),
	("", 1, "no interface in this file"),
	("// nothing\n", 2, "no interface in this file"),
	("/* never\nended", 1, "comment does not end"),
	(HEAD + "\tvoid a()\n\tvoid b();\n};\n", 3, "expected ';' after the method, found 'void'"),
	(HEAD + "\tvoid a(in long x;\n};\n", 3, "between parameters"),
	(HEAD + "\tvoid a(in short x);\n};\n", 3, "'short' is a reserved word"),
	(HEAD + "\tvoid a(in unsigned x);\n};\n", 3, "unknown type 'unsigned'"),
	(HEAD + "\tvoid a(in Missing x);\n};\n", 3, "unknown type 'Missing'"),
	(HEAD + "\tvoid a(long x);\n};\n", 3, "begins with 'in' or 'out'"),
	(HEAD + "\tvoid a(inout long x);\n};\n", 3, "begins with 'in' or 'out'"),
	(HEAD + "\tlong a();\n};\n", 3, "begins with 'void'"),
	(HEAD + "\tvoid a(in long);\n};\n", 3, "expected the parameter's name"),
	(HEAD + "\tvoid a(in long while);\n};\n", 3, "reserved word"),
	(HEAD + "\tvoid a(in long x, out long x);\n};\n", 3, "parameter x is there twice"),
	(HEAD + "\tvoid a();\n\tvoid b();\n\tvoid a();\n};\n", 5, "method a is defined twice"),
	(HEAD + "\toneway void a(out long x);\n};\n", 3, "oneway method a has an out parameter"),
	(HEAD + "\tvoid a(in bulk x, in bulk y);\n};\n", 3, "two in bulk parameters"),
	(HEAD + "\tvoid a(out string x, out bulk y);\n};\n", 3, "out string beside an out bulk"),
	(HEAD + "\tvoid a(in Object a, in Object b, in Object c, in Object d, in Object e);\n};\n", 3, "more than 4"),
	(HEAD + "\tvoid a();\n", 4, "does not end"),
	(HEAD + "\tvoid a();\n}\n", 4, "expected ';' after the interface"),
	(HEAD + "};\n#pragma interface 7\ninterface Y { };\n", 4, "interface number 7 is taken by X"),
	(HEAD + "};\n#pragma interface 8\ninterface X { };\n", 5, "interface X is defined twice"),
	("struct S { long a; };\nstruct S { long b; };\n", 2, "struct S is defined twice"),
	("struct S { };\n", 1, "struct S is empty"),
	("struct S { string a; };\n", 1, "cannot be a member of a struct"),
	("struct S { long a, a; };\n", 1, "member a is there twice"),
	("struct T { long a; };\nstruct S { T a; };\n", 2, "struct inside a struct"),
	("struct S { long a }\n", 1, "expected ';' after the member"),
	(HEAD + "\tvoid a(in long $x);\n};\n", 3, "unexpected character '$'"),
	("module M { };\n", 1, "expected '#pragma', 'struct' or 'interface', found 'module'"),
]

def idl(arguments):
	return subprocess.run([sys.executable, "tools/idl.py"] + arguments, cwd=TOP, capture_output=True, text=True)

t = Tap()
with tempfile.TemporaryDirectory() as folder:
	for n, (text, line, reason) in enumerate(BAD, 1):
		path = os.path.join(folder, "Bad.idl")
		open(path, "w").write(text)
		r = idl(["--out", folder + "/out", path])
		first = r.stderr.splitlines()[0] if r.stderr else ""
		good = r.returncode == 1 and first.startswith("%s:%d: " % (path, line)) and reason in first and len(r.stderr.splitlines()) == 1
		t.check("idl-%02d" % n, "malformed: %s" % reason, good and not os.path.exists(folder + "/out"),
			"status %d, wanted line %d: %s" % (r.returncode, line, r.stderr))
	r = idl(["--out", folder, os.path.join(folder, "None.idl")])
	t.check("idl-40", "a missing file", r.returncode == 1 and "None.idl:1: cannot be read" in r.stderr, r.stderr)
	files = sorted("include/protocols/" + f for f in os.listdir(TOP + "/include/protocols") if f.endswith(".idl"))
	r = idl(["--out", folder + "/good", "--docs", folder + "/docs"] + files)
	t.check("idl-41", "the Common Protocols", r.returncode == 0 and not r.stderr, r.stderr)
	flags = ("-m32 -std=gnu11 -O2 -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Werror -ffreestanding -fsyntax-only "
		"-Iinclude -Ilibc/include -I%s/good/include" % folder).split()
	sources = [folder + "/good/protocols/" + f for f in sorted(os.listdir(folder + "/good/protocols")) if f.endswith(".c")]
	for n, cc in ((42, "gcc"), (43, "clang")):
		if cc == "clang" and not any(os.access(p + "/clang", os.X_OK) for p in os.environ["PATH"].split(":")):
			t.skip("idl-43", "generated code has no warnings from clang", "no clang")
			continue
		r = subprocess.run([cc] + flags + sources, cwd=TOP, capture_output=True, text=True)
		t.check("idl-%d" % n, "generated code has no warnings from " + cc, r.returncode == 0, r.stderr)
	numbers = [int(x) for f in files for x in re.findall(r"#pragma interface (\d+)", open(os.path.join(TOP, f)).read())]
	t.check("idl-44", "every interface has its own number", len(numbers) == len(set(numbers)), numbers)
	stale = [f for f in os.listdir(folder + "/docs") if not os.path.exists(TOP + "/docs/protocols/" + f)
		or open(TOP + "/docs/protocols/" + f).read() != open(folder + "/docs/" + f).read()]
	t.check("idl-45", "docs/protocols is up to date (make docs)", not stale, stale)
t.done()

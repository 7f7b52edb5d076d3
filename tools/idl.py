#!/usr/bin/env python3
"""Compiler of the Common Protocols (include/protocols/*.idl, a small CORBA IDL subset).

From all files together it makes, under --out:
  include/protocols/NAME.h         structs and client stubs
  include/protocols/NAME_server.h  method tables, dispatch and reply functions
  protocols/NAME_client.c, NAME_server.c
  protocols/tables.c               decoding tables (include/protocols/proto.h)
and with --docs the reference pages.  The wire format is in include/protocols/README.md.
A malformed file gets `file:line: reason` on standard error and exit status 1.
"""
import argparse
import os
import re
import sys

SCALARS = {		# IDL type: (C type, words, kind in proto.h)
	"long": ("int32_t", 1, "PROTO_LONG"),
	"unsigned long": ("uint32_t", 1, "PROTO_ULONG"),
	"long long": ("int64_t", 2, "PROTO_LONGLONG"),
	"unsigned long long": ("uint64_t", 2, "PROTO_ULONGLONG"),
	"boolean": ("uint32_t", 1, "PROTO_BOOLEAN"),
}
SPECIAL = {"string": "PROTO_STRING", "Object": "PROTO_OBJECT", "bulk": "PROTO_BULK",
	"Direct": "PROTO_DIRECT"}	# an Object that the kernel itself will use: nobody between may put another in its place
RESERVED = set("""auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
interface pragma in out oneway boolean string Object Direct bulk""".split())
OURS = {"dest", "self", "r", "p", "w", "end", "error"}		# names that generated code uses
MAX_REFS = 4
TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[{}();,#]|.", re.S)


class Bad(Exception):
	def __init__(self, file, line, reason):
		super().__init__("%s:%d: %s" % (file, line, reason))


class Param:
	def __init__(self, direction, type_name, name, line):
		self.direction, self.name, self.line = direction, name, line
		self.type = "Object" if type_name == "Direct" else type_name
		self.shown = type_name		# as the file says it

	@property
	def c(self):
		return self.name + "_" if self.name in OURS else self.name


class Method:
	def __init__(self, name, number, oneway, line):
		self.name, self.number, self.oneway, self.line = name, number, oneway, line
		self.params, self.doc = [], []

	def ins(self):
		return [p for p in self.params if p.direction == "in"]

	def outs(self):
		return [p for p in self.params if p.direction == "out"]


class Interface:
	def __init__(self, name, number, file, line):
		self.name, self.number, self.file, self.line = name, number, file, line
		self.methods, self.doc = [], []


class Struct:
	def __init__(self, name, file, line):
		self.name, self.file, self.line, self.members = name, file, line, []

	def words(self):
		return sum(SCALARS[t][1] for t, _ in self.members)


class Parser:
	"""One file.  Comments are kept for the reference pages: those before an item and those on its last line."""

	def __init__(self, path, interfaces, structs):
		self.path, self.interfaces, self.structs = path, interfaces, structs
		self.name = os.path.splitext(os.path.basename(path))[0]
		self.doc, self.file_interfaces, self.file_structs = [], [], []
		self.tokens = []
		self.comments = {}	# line: text
		self.lex()

	def lex(self):
		try:
			text = open(self.path, encoding="utf-8").read()
		except (OSError, UnicodeDecodeError) as error:
			raise Bad(self.path, 1, "cannot be read: %s" % error)
		line, position = 1, 0
		while position < len(text):
			if text.startswith("//", position):
				stop = text.find("\n", position)
				stop = len(text) if stop < 0 else stop
				self.comments[line] = text[position + 2:stop].strip()
				position = stop
				continue
			if text.startswith("/*", position):
				stop = text.find("*/", position + 2)
				if stop < 0:
					raise Bad(self.path, line, "comment does not end")
				self.comments[line] = " ".join(text[position + 2:stop].split())
				line += text.count("\n", position, stop)
				position = stop + 2
				continue
			token = TOKEN.match(text, position).group()
			if token == "\n":
				line += 1
			elif not token.isspace():
				if not re.match(r"[A-Za-z0-9_{}();,#]", token):
					raise Bad(self.path, line, "unexpected character %r" % token)
				self.tokens.append((token, line))
			position += len(token)
		self.tokens.append(("", line))
		self.position = 0

	def line(self):
		return self.tokens[self.position][1]

	def last_line(self):
		return self.tokens[max(self.position - 1, 0)][1]

	def peek(self, ahead=0):
		return self.tokens[min(self.position + ahead, len(self.tokens) - 1)][0]

	def next(self):
		token = self.tokens[self.position]
		if token[0]:
			self.position += 1
		return token[0]

	def fail(self, reason, line=None):
		raise Bad(self.path, self.line() if line is None else line, reason)

	def expect(self, wanted, where):
		if self.peek() != wanted:
			# a missing ; or ) is the fault of the line before
			line = self.last_line() if wanted in ";)," else self.line()
			self.fail("expected '%s' %s, found %s" % (wanted, where, "'%s'" % self.peek() if self.peek() else "end of file"),
				line)
		self.next()

	def identifier(self, what):
		token = self.peek()
		if not re.match(r"[A-Za-z_]", token):
			self.fail("expected %s, found %s" % (what, "'%s'" % token if token else "end of file"))
		if token in RESERVED:
			self.fail("'%s' is a reserved word, not %s" % (token, what))
		return self.next()

	def doc_before(self, line):
		"""The block of comment lines that ends just above the line."""
		found = []
		line -= 1
		code = {l for t, l in self.tokens if t}
		while line in self.comments and line not in code:
			found.insert(0, self.comments[line])
			line -= 1
		return found

	def parse(self):
		code = min([l for t, l in self.tokens if t] or [1])
		self.doc = [self.comments[l] for l in sorted(self.comments) if l < code]
		pragma = None
		while self.peek():
			line = self.line()
			if self.peek() == "#":
				if pragma is not None:
					self.fail("#pragma interface without an interface before it")
				pragma = self.pragma()
			elif self.peek() == "struct":
				self.struct()
			elif self.peek() == "interface":
				if pragma is None:
					self.fail("interface without '#pragma interface NUMBER' before it")
				self.interface(pragma)
				pragma = None
			else:
				self.fail("expected '#pragma', 'struct' or 'interface', found '%s'" % self.peek(), line)
		if pragma is not None:
			self.fail("#pragma interface without an interface after it")
		if not self.file_interfaces and not self.file_structs:
			self.fail("no interface in this file")

	def pragma(self):
		self.next()
		if self.next() != "pragma" or self.next() != "interface":
			self.fail("expected '#pragma interface NUMBER'", self.last_line())
		if not self.peek().isdigit():
			self.fail("expected the interface's number, found '%s'" % self.peek())
		line, number = self.line(), int(self.next())
		if not 1 <= number <= 0xffff:
			self.fail("interface number %d is not within 1 to 65535" % number, line)
		for other in self.interfaces.values():
			if other.number == number:
				self.fail("interface number %d is taken by %s (%s:%d)" % (number, other.name, other.file, other.line), line)
		return number

	def type(self, allowed_special):
		line, words = self.line(), []
		while self.peek() in ("unsigned", "long", "boolean", "string", "Object", "Direct", "bulk"):
			words.append(self.next())
		name = " ".join(words)
		if not words:
			name = self.identifier("a type")
			if name not in self.structs:
				self.fail("unknown type '%s'" % name, line)
			if not allowed_special:
				self.fail("a struct inside a struct is not supported", line)
		elif name in SPECIAL and not allowed_special:
			self.fail("'%s' cannot be a member of a struct" % name, line)
		elif name not in SCALARS and name not in SPECIAL:
			self.fail("unknown type '%s'" % name, line)
		return name

	def struct(self):
		self.next()
		item = Struct(self.identifier("the struct's name"), self.name, self.last_line())
		if item.name in self.structs:
			self.fail("struct %s is defined twice" % item.name, item.line)
		self.expect("{", "after the struct's name")
		while self.peek() != "}":
			member_type = self.type(False)
			while True:
				name = self.identifier("a member's name")
				if name in [n for _, n in item.members]:
					self.fail("member %s is there twice" % name, self.last_line())
				item.members.append((member_type, name))
				if self.peek() != ",":
					break
				self.next()
			self.expect(";", "after the member")
		self.next()
		self.expect(";", "after the struct")
		if not item.members:
			self.fail("struct %s is empty" % item.name, item.line)
		self.structs[item.name] = item
		self.file_structs.append(item)

	def interface(self, number):
		line = self.line()
		self.next()
		item = Interface(self.identifier("the interface's name"), number, self.path, line)
		if item.name in self.interfaces:
			self.fail("interface %s is defined twice" % item.name, line)
		item.doc = self.doc_before(line)
		self.interfaces[item.name] = item
		self.expect("{", "after the interface's name")
		while self.peek() != "}":
			if not self.peek():
				self.fail("interface %s does not end" % item.name)
			self.method(item)
		self.next()
		self.expect(";", "after the interface")
		if len(item.methods) > 256:
			self.fail("more than 256 methods", line)
		self.file_interfaces.append(item)

	def method(self, interface):
		start, oneway = self.line(), False
		if self.peek() == "oneway":
			oneway = True
			self.next()
		if self.peek() != "void":
			self.fail("a method begins with 'void' or 'oneway void', found '%s'" % self.peek())
		self.next()
		item = Method(self.identifier("the method's name"), len(interface.methods), oneway, start)
		if item.name in [m.name for m in interface.methods]:
			self.fail("method %s is defined twice" % item.name, start)
		self.expect("(", "after the method's name")
		while self.peek() != ")":
			if item.params:
				self.expect(",", "between parameters")
			self.param(item)
		self.next()
		self.expect(";", "after the method")
		item.doc = self.doc_before(start)
		if self.last_line() in self.comments:
			item.doc = item.doc + [self.comments[self.last_line()]]
		self.check(item)
		interface.methods.append(item)

	def param(self, method):
		line = self.line()
		if self.peek() not in ("in", "out"):
			self.fail("a parameter begins with 'in' or 'out', found %s" %
				("'%s'" % self.peek() if self.peek() else "end of file"))
		direction = self.next()
		type_name = self.type(True)
		name = self.identifier("the parameter's name")
		if name in [p.name for p in method.params]:
			self.fail("parameter %s is there twice" % name, line)
		method.params.append(Param(direction, type_name, name, line))

	def check(self, method):
		if method.oneway and method.outs():
			self.fail("oneway method %s has an out parameter" % method.name, method.line)
		for params, what in ((method.ins(), "in"), (method.outs(), "out")):
			if len([p for p in params if p.type == "bulk"]) > 1:
				self.fail("method %s has two %s bulk parameters" % (method.name, what), method.line)
			if len([p for p in params if p.type == "Object"]) > MAX_REFS:
				self.fail("method %s has more than %d %s Object parameters" % (method.name, MAX_REFS, what), method.line)
		outs = [p.type for p in method.outs()]
		if "bulk" in outs and "string" in outs:
			self.fail("method %s has an out string beside an out bulk" % method.name, method.line)


# ---- what is common to the generated sides ----

class Generator:
	def __init__(self, files, structs):
		self.files, self.structs = files, structs

	def words(self, param):
		"""Fixed words in the header; strings add their bytes to one word."""
		if param.type in SCALARS:
			return SCALARS[param.type][1]
		if param.type in SPECIAL:
			return {"string": 1, "Object": 0, "bulk": 2}[param.type]
		return self.structs[param.type].words()

	def fixed(self, params):
		return 1 + sum(self.words(p) for p in params)

	def client_arguments(self, method):
		out = ["fluke_ref_t *dest"]
		for p in method.params:
			into = p.direction == "in"
			if p.type in SCALARS:
				out.append("%s %s%s" % (SCALARS[p.type][0], "" if into else "*", p.c))
			elif p.type == "string":
				out += ["const char *%s" % p.c] if into else ["char *%s" % p.c, "size_t %s_size" % p.c]
			elif p.type == "Object":
				out.append(("void *%s" if into else "fluke_ref_t *%s") % p.c)
			elif p.type == "bulk":
				out += ["const void *%s" % p.c, "size_t %s_size" % p.c] if into else ["void *%s" % p.c, "size_t *%s_size" % p.c]
			else:
				out.append("%sstruct %s *%s" % ("const " if into else "", p.type, p.c))
		return out

	def reply_arguments(self, method):
		out = ["struct request *r"]
		for p in method.outs():
			if p.type in SCALARS:
				out.append("%s %s" % (SCALARS[p.type][0], p.c))
			elif p.type == "string":
				out.append("const char *%s" % p.c)
			elif p.type == "Object":
				out.append("void *%s" % p.c)
			elif p.type == "bulk":
				out += ["const void *%s" % p.c, "size_t %s_size" % p.c]
			else:
				out.append("const struct %s *%s" % (p.type, p.c))
		return out

	def server_arguments(self, method):
		out = ["void *self", "struct request *r"]
		for p in method.params:
			into = p.direction == "in"
			if p.type in SCALARS:
				out.append("%s %s%s" % (SCALARS[p.type][0], "" if into else "*", p.c))
			elif p.type == "string":
				out.append("const char *%s%s" % ("" if into else "*", p.c))
			elif p.type == "Object":
				out.append(("fluke_ref_t *%s" if into else "void **%s") % p.c)
			elif p.type == "bulk":
				out += (["const void *%s" % p.c, "size_t %s_size" % p.c] if into
					else ["const void **%s" % p.c, "size_t *%s_size" % p.c])
			else:
				out.append("%sstruct %s *%s" % ("const " if into else "", p.type, p.c))
		return out

	def uses(self, file):
		"""Other files whose structs this one uses."""
		return sorted({self.structs[p.type].file for i in file.file_interfaces for m in i.methods for p in m.params
			if p.type in self.structs and self.structs[p.type].file != file.name})

	# ---- headers ----

	def header(self, file):
		guard = "PROTOCOLS_%s_H" % file.name.upper()
		out = ["/* Made by tools/idl.py from %s.idl. */" % file.name, "#ifndef " + guard, "#define " + guard, "",
			"#include <protocols/proto.h>"]
		out += ["#include <protocols/%s.h>" % name for name in self.uses(file)]
		out.append("")
		for s in file.file_structs:
			out.append("struct %s {" % s.name)
			out += ["\t%s\t%s;" % (SCALARS[t][0], n) for t, n in s.members]
			out += ["};", "_Static_assert(sizeof(struct %s) == 4 * %d, \"wire format\");" % (s.name, s.words()), ""]
		for i in file.file_interfaces:
			out.append("#define %s_INTERFACE\t%d" % (i.name, i.number))
			out += ["#define %s_%s_NUMBER\t%d" % (i.name, m.name, m.number) for m in i.methods]
			out += ["int\t%s_%s(%s);" % (i.name, m.name, ", ".join(self.client_arguments(m))) for m in i.methods]
			out.append("")
		return "\n".join(out + ["#endif", ""])

	def server_header(self, file):
		guard = "PROTOCOLS_%s_SERVER_H" % file.name.upper()
		out = ["/* Made by tools/idl.py from %s.idl. */" % file.name, "#ifndef " + guard, "#define " + guard, "",
			"#include <protocols/server.h>", "#include <protocols/%s.h>" % file.name, ""]
		for i in file.file_interfaces:
			out.append("/* A null entry answers ENOSYS. */")
			out.append("struct %s_methods {" % i.name)
			out += ["\tint\t(*%s)(%s);" % (m.name, ", ".join(self.server_arguments(m))) for m in i.methods]
			out += ["};", "int\t%s_dispatch(const void *methods, void *self, struct request *r);" % i.name]
			out.append("/* Fill in the reply of a parked request; then request_answer(r, 0). */")
			out += ["int\t%s_%s_reply(%s);" % (i.name, m.name, ", ".join(self.reply_arguments(m)))
				for m in i.methods if not m.oneway]
			out.append("")
		return "\n".join(out + ["#endif", ""])

	# ---- client ----

	def client(self, file):
		out = ["/* Made by tools/idl.py from %s.idl. */" % file.name, "#include <protocols/%s.h>" % file.name,
			"#include <protocols/client.h>", ""]
		for i in file.file_interfaces:
			for m in i.methods:
				out += self.client_method(i, m)
		return "\n".join(out)

	def client_method(self, i, m):
		ins, outs = m.ins(), m.outs()
		strings_in = [p for p in ins if p.type == "string"]
		strings_out = [p for p in outs if p.type == "string"]
		refs_in = [p for p in ins if p.type == "Object"]
		refs_out = [p for p in outs if p.type == "Object"]
		bulk_in = next((p for p in ins if p.type == "bulk"), None)
		bulk_out = next((p for p in outs if p.type == "bulk"), None)
		send, receive = self.fixed(ins), self.fixed(outs)
		# two words are a minimum message, which may merge with others: an event, not a oneway method
		padding = max(0, (3 if m.oneway else 2) - send)
		body = []
		declare = ["fluke_ipc_params_t p;"]
		for p in strings_in:
			declare.append("size_t %s_length = strlen(%s);" % (p.c, p.c))
		for p in strings_in:
			body += ["if (%s_length > PROTO_STRING_MAX)" % p.c, "\treturn ENAMETOOLONG;"]
		for p in strings_out:
			body += ["if (%s_size > PROTO_STRING_MAX + 1)" % p.c, "\t%s_size = PROTO_STRING_MAX + 1;" % p.c]
		size = " + ".join(["%d" % (send + padding)] + ["%s_length / 4 + 1" % p.c for p in strings_in])
		in_size = " + ".join(["%d" % receive] + ["%s_size / 4 + 1" % p.c for p in strings_out])
		late = []
		(late if strings_in else declare).append("uint32_t out[%s];" % size)
		if not m.oneway:
			(late if strings_out else declare).append("uint32_t in[%s];" % in_size)
		declare.append("int error;") if not m.oneway else None
		if refs_in:
			declare.append("void *send_refs[] = { %s };" % ", ".join(p.c for p in refs_in))
		if refs_out:
			declare.append("fluke_ref_t *receive_refs[] = { %s };" % ", ".join(p.c for p in refs_out))
		if bulk_in:
			declare.append("fluke_ipc_buffer_t send_buffer = { %s_size / 4, (void *)(uintptr_t)%s };" % (bulk_in.c, bulk_in.c))
		if bulk_out:
			declare.append("fluke_ipc_buffer_t receive_buffer = { *%s_size / 4, %s };" % (bulk_out.c, bulk_out.c))
		walk = bool(strings_in)
		code, at = ["out[0] = %du << 8 | %d;" % (i.number, m.number)], 1
		if walk:
			declare.append("uint32_t *w;")
			code = ["w = out;", "*w++ = %du << 8 | %d;" % (i.number, m.number)]
		for p in ins:
			def put(expression):
				nonlocal at
				code.append(("*w++ = %s;" if walk else "out[%d] = %%s;" % at) % expression)
				at += 1
			if p.type in SCALARS:
				put("(uint32_t)%s" % p.c)
				if SCALARS[p.type][1] == 2:
					put("(uint32_t)((uint64_t)%s >> 32)" % p.c)
			elif p.type == "string":
				code.append("w = proto_put_string(w, %s, %s_length);" % (p.c, p.c))
			elif p.type == "bulk":
				put("(uint32_t)%s_size" % p.c)
				put("proto_tail(%s, %s_size)" % (p.c, p.c))
			elif p.type != "Object":
				n = self.structs[p.type].words()
				code.append("memcpy(%s, %s, %d);" % ("w" if walk else "out + %d" % at, p.c, 4 * n))
				if walk:
					code.append("w += %d;" % n)
				at += n
		for _ in range(padding):
			code.append("out[%d] = 0;" % at)
			at += 1
		if not m.oneway:
			code.append("again:")
		code.append("p.send_words = %s;" % ("(natural_t)(w - out)" if walk else "%d" % (send + padding)))
		code.append("p.send_data = out;")
		code.append("p.send_buffers = %s;" % ("%s_size >= 4" % bulk_in.c if bulk_in else "0"))
		code.append("p.send_buffer_table = %s;" % ("&send_buffer" if bulk_in else "NULL"))
		if len(refs_in) > 1:
			code.append("p.send_refs = proto_count_refs(send_refs, %d);" % len(refs_in))
		else:
			code.append("p.send_refs = %s;" % ("%s != NULL" % refs_in[0].c if refs_in else "0"))
		code.append("p.send_ref_table = %s;" % ("send_refs" if refs_in else "NULL"))
		if m.oneway:
			code.append("return proto_status(PROTO_SEND(&p, dest));")
			code = ["p.recv_buffers = p.recv_refs = 0;"] + code
		else:
			code.append("p.recv_words = %s;" % ("sizeof(in) / 4" if strings_out else "%d" % receive))
			code.append("p.recv_data = in;")
			code.append("p.recv_buffers = %s;" % ("receive_buffer.words != 0" if bulk_out else "0"))
			code.append("p.recv_buffer_table = %s;" % ("&receive_buffer" if bulk_out else "NULL"))
			code.append("p.recv_refs = %d;" % len(refs_out))
			code.append("p.recv_ref_table = %s;" % ("receive_refs" if refs_out else "NULL"))
			code.append("in[0] = EPROTO;")
			code.append("error = proto_status(PROTO_CALL(&p, dest));")
			code += ["if (error || (error = (int)in[0]) != 0) {", "\tif (error == PROTO_AGAIN)", "\t\tgoto again;",
				"\treturn error;", "}"]
			code += self.client_results(outs, strings_out)
			code.append("return 0;")
		lines = ["int %s_%s(%s)" % (i.name, m.name, ", ".join(self.client_arguments(m))), "{"]
		if late:
			# arrays sized at run time come after the checks of their sizes
			lines += ["\t" + d for d in declare] + [""] + ["\t" + b for b in body] + ["\t{"]
			lines += ["\t\t" + d for d in late] + [""] + ["\t\t" + c for c in code] + ["\t}"]
		else:
			lines += ["\t" + d for d in declare] + [""] + ["\t" + b for b in body] + ["\t" + c for c in code]
		return lines + ["}", ""]

	def client_results(self, outs, strings):
		code, at = [], 1
		walk = bool(strings)
		if walk:
			code.append("const uint32_t *in_w = in + 1, *in_end = in + (sizeof(in) / 4 - p.recv_words);")
		for p in outs:
			here = "in_w[0]" if walk else "in[%d]" % at
			high = "in_w[1]" if walk else "in[%d]" % (at + 1)
			n = self.words(p)
			if p.type in SCALARS:
				value = "(%s)%s" % (SCALARS[p.type][0], here)
				if n == 2:
					value = "(%s)((uint64_t)%s << 32 | %s)" % (SCALARS[p.type][0], high, here)
				code += ["if (%s)" % p.c, "\t*%s = %s;" % (p.c, value)]
			elif p.type == "string":
				code += ["error = proto_get_string(&in_w, in_end, %s, %s_size);" % (p.c, p.c), "if (error)", "\treturn error;"]
				continue
			elif p.type == "bulk":
				code += ["if (%s > *%s_size)" % (here, p.c), "\treturn EPROTO;",
					"if (%s / 4 > (p.recv_buffers ? 0 : receive_buffer.words - p.recv_words))" % here,
					"\treturn PROTO_BROKEN;		/* cut off in the midst of it */",
					"*%s_size = %s;" % (p.c, here), "proto_put_tail(%s, %s, %s);" % (p.c, here, high)]
			elif p.type != "Object":
				code += ["if (%s)" % p.c, "\tmemcpy(%s, %s, %d);" % (p.c, "in_w" if walk else "in + %d" % at, 4 * n)]
			if walk and n:
				code.append("in_w += %d;" % n)
			at += n
		return code

	# ---- server ----

	def server(self, file):
		out = ["/* Made by tools/idl.py from %s.idl. */" % file.name, "#include <protocols/%s_server.h>" % file.name,
			"#include <protocols/client.h>", ""]
		for i in file.file_interfaces:
			for m in i.methods:
				if not m.oneway:
					out += self.server_reply(i, m)
			for m in i.methods:
				out += self.server_method(i, m)
			out += ["int %s_dispatch(const void *methods, void *self, struct request *r)" % i.name, "{",
				"\tconst struct %s_methods *m = methods;" % i.name, "", "\tswitch (r->words[0] & 0xff) {"]
			for m in i.methods:
				out += ["\tcase %d:" % m.number,
					"\t\treturn m->%s ? serve_%s_%s(m, self, r) : ENOSYS;" % (m.name, i.name, m.name)]
			out += ["\t}", "\treturn ENOSYS;", "}", ""]
		return "\n".join(out)

	def server_reply(self, i, m):
		out = ["int %s_%s_reply(%s)" % (i.name, m.name, ", ".join(self.reply_arguments(m))), "{"]
		fixed = [p for p in m.outs() if p.type != "Object"]
		if any(p.type == "string" for p in fixed):
			out.append("\tuint32_t *w = r->reply + 1;")
			for p in fixed:
				if p.type == "string":
					out += ["\tsize_t %s_length = strlen(%s);" % (p.c, p.c)]
			out.append("")
			for p in fixed:
				if p.type == "string":
					out += ["\tif (%s_length > PROTO_STRING_MAX)" % p.c, "\t\treturn ENAMETOOLONG;"]
		else:
			out.append("\tuint32_t *w = r->reply + 1;")
			out.append("")
		for p in m.outs():
			n = self.words(p)
			if p.type in SCALARS:
				out.append("\t*w++ = (uint32_t)%s;" % p.c)
				if n == 2:
					out.append("\t*w++ = (uint32_t)((uint64_t)%s >> 32);" % p.c)
			elif p.type == "string":
				out.append("\tw = proto_put_string(w, %s, %s_length);" % (p.c, p.c))
			elif p.type == "Object":
				out += ["\tif (%s)" % p.c, "\t\tr->reply_ref[r->reply_refs++] = %s;" % p.c]
			elif p.type == "bulk":
				out.append("\tw = request_put_bulk(r, w, %s, %s_size);" % (p.c, p.c))
			else:
				out += ["\tmemcpy(w, %s, %d);" % (p.c, 4 * n), "\tw += %d;" % n]
		return out + ["\tr->reply_words = (uint32_t)(w - r->reply);", "\treturn 0;", "}", ""]

	def server_method(self, i, m):
		ins, outs = m.ins(), m.outs()
		out = ["static int serve_%s_%s(const struct %s_methods *m, void *self, struct request *r)" % (i.name, m.name, i.name), "{"]
		declare, code = [], []
		bulk = next((p for p in ins if p.type == "bulk"), None)
		declare.append("uint32_t *w = r->words + 1;") if any(p.type != "Object" for p in ins) else None
		fixed = self.fixed(ins)
		strings = [p for p in ins if p.type == "string"]
		refs = [p for p in ins if p.type == "Object"]
		if fixed > 1:
			code += ["if (r->count < %d)" % fixed, "\treturn EBADMSG;"]
		call, reply = ["self", "r"], ["r"]
		ref_number = 0
		for p in m.params:
			n = self.words(p)
			if p.direction == "in":
				if p.type in SCALARS:
					declare.append("%s %s;" % (SCALARS[p.type][0], p.c))
					value = "(%s)w[0]" % SCALARS[p.type][0]
					if n == 2:
						value = "(%s)((uint64_t)w[1] << 32 | w[0])" % SCALARS[p.type][0]
					if strings:
						code += ["if (r->words + r->count - w < %d)" % n, "\treturn EBADMSG;"]
					code += ["%s = %s;" % (p.c, value), "w += %d;" % n]
					call.append(p.c)
				elif p.type == "string":
					declare.append("const char *%s;" % p.c)
					code += ["%s = request_get_string(r, &w);" % p.c, "if (!%s)" % p.c, "\treturn EBADMSG;"]
					call.append(p.c)
				elif p.type == "Object":
					call.append("&r->ref[%d]" % ref_number)
					ref_number += 1
				elif p.type == "bulk":
					declare += ["uint32_t %s_size, %s_tail;" % (p.c, p.c), "const void *%s;" % p.c]
					if strings:
						code += ["if (r->words + r->count - w < 2)", "\treturn EBADMSG;"]
					code += ["%s_size = w[0];" % p.c, "%s_tail = w[1];" % p.c, "w += 2;"]
					call += [p.c, p.c + "_size"]
				else:
					declare.append("const struct %s *%s;" % (p.type, p.c))
					if strings:
						code += ["if (r->words + r->count - w < %d)" % n, "\treturn EBADMSG;"]
					code += ["%s = (const void *)w;" % p.c, "w += %d;" % n]
					call.append(p.c)
			elif p.type in SCALARS:
				declare.append("%s %s = 0;" % (SCALARS[p.type][0], p.c))
				call.append("&" + p.c)
				reply.append(p.c)
			elif p.type == "string":
				declare.append("const char *%s = \"\";" % p.c)
				call.append("&" + p.c)
				reply.append(p.c)
			elif p.type == "Object":
				declare.append("void *%s = NULL;" % p.c)
				call.append("&" + p.c)
				reply.append(p.c)
			elif p.type == "bulk":
				declare += ["const void *%s = NULL;" % p.c, "size_t %s_size = 0;" % p.c]
				call += ["&" + p.c, "&%s_size" % p.c]
				reply += [p.c, p.c + "_size"]
			else:
				declare.append("struct %s %s = { 0 };" % (p.type, p.c))
				call.append("&" + p.c)
				reply.append("&" + p.c)
		if bulk:
			code += ["%s = request_get_bulk(r, w, %s_size, %s_tail);" % (bulk.c, bulk.c, bulk.c),
				"if (!%s)" % bulk.c, "\treturn EBADMSG;"]
		elif ins and any(p.type != "Object" for p in ins):
			code.append("(void)w;")
		if m.oneway:
			code.append("return m->%s(%s);" % (m.name, ", ".join(call)))
		else:
			declare.append("int error;")
			code += ["error = m->%s(%s);" % (m.name, ", ".join(call)),
				"return error ? error : %s_%s_reply(%s);" % (i.name, m.name, ", ".join(reply))]
		return out + ["\t" + d for d in declare] + [""] + ["\t" + c for c in code] + ["}", ""]

	# ---- tables and pages ----

	def tables(self):
		out = ["/* Made by tools/idl.py: what the tracer needs to decode any message. */", "#include <protocols/proto.h>", ""]
		for s in sorted(self.structs.values(), key=lambda s: s.name):
			out.append("static const struct proto_param struct_%s[] = {" % s.name)
			out += ["\t{ \"%s\", %s, 0, 0 }," % (n, SCALARS[t][2]) for t, n in s.members]
			out += ["\t{ 0, 0, 0, 0 },", "};"]
		names = []
		for file in self.files:
			for i in file.file_interfaces:
				for m in i.methods:
					out.append("static const struct proto_param %s_%s[] = {" % (i.name, m.name))
					for p in m.params:
						kind = SCALARS[p.type][2] if p.type in SCALARS else SPECIAL.get(p.shown, "PROTO_STRUCT")
						out.append("\t{ \"%s\", %s, %d, %s }," % (p.name, kind, p.direction == "out",
							"struct_" + p.type if kind == "PROTO_STRUCT" else "0"))
					out += ["\t{ 0, 0, 0, 0 },", "};"]
				out.append("static const struct proto_method methods_%s[] = {" % i.name)
				out += ["\t{ \"%s\", %d, %s_%s }," % (m.name, m.oneway, i.name, m.name) for m in i.methods]
				out.append("};")
				names.append((i.number, i.name, len(i.methods)))
		out.append("const struct proto_interface proto_interfaces[] = {")
		out += ["\t{ %d, \"%s\", %d, methods_%s }," % (number, name, count, name) for number, name, count in sorted(names)]
		return "\n".join(out + ["\t{ 0, 0, 0, 0 },", "};", ""])

	def page(self, file):
		out = ["# %s" % file.name, "", "Made by `make docs` from `include/protocols/%s.idl`." % file.name, ""]
		if file.doc:
			out += [" ".join(file.doc), ""]
		for s in file.file_structs:
			out += ["## struct %s" % s.name, "", "| member | type |", "|---|---|"]
			out += ["| `%s` | %s |" % (n, t) for t, n in s.members] + [""]
		for i in file.file_interfaces:
			out += ["## interface %s (number %d)" % (i.name, i.number), ""]
			if i.doc and i.doc != file.doc:
				out += [" ".join(i.doc), ""]
			for m in i.methods:
				out += ["### %s.%s (%d)" % (i.name, m.name, m.number), ""]
				out += ["`int %s_%s(%s)`" % (i.name, m.name, ", ".join(self.client_arguments(m))), ""]
				if m.doc:
					out += [" ".join(m.doc), ""]
				if m.params:
					out += ["| parameter | | type |", "|---|---|---|"]
					out += ["| `%s` | %s | %s |" % (p.name, p.direction, p.shown) for p in m.params] + [""]
				sizes = "request %d words" % max(3 if m.oneway else 2, self.fixed(m.ins()))
				if m.oneway:
					sizes += ", one way"
				else:
					sizes += ", reply %d" % self.fixed(m.outs())
				variable = {p.type for p in m.params} & {"string", "bulk"}
				out += [sizes + (", besides what its %s hold%s" % (" and ".join(sorted(variable)), "s" if len(variable) == 1 else "")
					if variable else "") + ".", ""]
		return "\n".join(out)


def write(path, text):
	os.makedirs(os.path.dirname(path), exist_ok=True)
	with open(path, "w", encoding="utf-8") as file:
		file.write(text)


def main():
	arguments = argparse.ArgumentParser(description="Compiles the Common Protocols.")
	arguments.add_argument("--out", help="folder for the generated code")
	arguments.add_argument("--docs", help="folder for the reference pages")
	arguments.add_argument("files", nargs="+", help=".idl files (all together: they share structs and numbers)")
	options = arguments.parse_args()
	interfaces, structs, files = {}, {}, []
	try:
		parsers = [Parser(path, interfaces, structs) for path in options.files]
		# a file that uses another's struct comes after it
		pending = sorted(parsers, key=lambda f: f.name)
		defines = {t[0]: f for f in parsers for n, t in enumerate(f.tokens) if n and f.tokens[n - 1][0] == "struct"}
		while pending:
			ready = [f for f in pending if not any(t in defines and defines[t] is not f and defines[t] in pending
				for t, _ in f.tokens)] or pending[:1]
			for f in ready:
				f.parse()
				files.append(f)
				pending.remove(f)
	except Bad as bad:
		print(bad, file=sys.stderr)
		return 1
	files.sort(key=lambda f: f.name)
	generator = Generator(files, structs)
	for f in files:
		if options.out:
			write("%s/include/protocols/%s.h" % (options.out, f.name), generator.header(f))
			write("%s/include/protocols/%s_server.h" % (options.out, f.name), generator.server_header(f))
			write("%s/protocols/%s_client.c" % (options.out, f.name), generator.client(f))
			write("%s/protocols/%s_server.c" % (options.out, f.name), generator.server(f))
		if options.docs:
			write("%s/%s.md" % (options.docs, f.name), generator.page(f))
	if options.out:
		write("%s/protocols/tables.c" % options.out, generator.tables())
	return 0


if __name__ == "__main__":
	sys.exit(main())

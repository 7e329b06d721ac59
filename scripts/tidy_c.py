# SPDX-License-Identifier: GPL-2.0-only
"""C, parsed as lightly as tidy.py needs: functions, structs, includes.

Kernel style does the work: a function's braces are in column one, a struct
ends with `};`. Comments and strings are blanked, line numbers are kept.
Macros are not looked into.
"""
import collections
import re

Function = collections.namedtuple(
    "Function", "name line lines nesting parameters body")
Struct = collections.namedtuple("Struct", "name line fields")
Field = collections.namedtuple("Field", "name line text comment")

TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\""
                   r"|'(?:\\.|[^'\\\n])*'", re.S)
BLOCK_OPEN = re.compile(r"(\)|\belse|\bdo|^)\s+$|\($")
# The first `name(` of a function's head that is not an annotation.
SIGNATURE = re.compile(r"(\w+)\s*\(")


def strip(text, keep_strings=False):
    """Blank comments (and strings), keep every position."""
    def blank(match):
        token = match.group()
        if token[0] in "\"'":
            if keep_strings:
                return token
            return token[0] + " " * (len(token) - 2) + token[-1]
        return re.sub(r"[^\n]", " ", token)
    return TOKEN.sub(blank, text)


def nesting(body):
    """Deepest block inside a function; initialisers are not blocks."""
    stack, deepest, last = [], 0, 0
    for match in re.finditer(r"[{}]", body):
        if match.group() == "{":
            before = body[last:match.start()]
            line = before.rsplit("\n", 1)[-1]
            block = BLOCK_OPEN.search(line) or not line.strip()
            stack.append(bool(block) and all(stack))
            deepest = max(deepest, sum(stack))
        elif stack:
            stack.pop()
        last = match.end() if match.group() == "}" else match.start() + 1
    return deepest


def split_parameters(text):
    """Number of parameters in the text between the parentheses."""
    depth, commas = 0, 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        commas += char == "," and depth == 0
    return 0 if text.strip() in ("", "void") else commas + 1


def signature(text):
    """(name, number of parameters) of a function's head, or None."""
    for match in SIGNATURE.finditer(text):
        name = match.group(1)
        if name.startswith("__") and not name.startswith("__qbd_"):
            continue
        depth = 0
        for at in range(match.end() - 1, len(text)):
            depth += (text[at] == "(") - (text[at] == ")")
            if depth == 0:
                inner = text[match.end():at]
                if name.isupper():  # TEST(name)
                    return f"{name}({inner})", 0
                return name, split_parameters(inner)
    return None


class CFile:
    """One C file."""

    def __init__(self, name, text):
        self.name = name
        self.text = text
        self.code = strip(text)

    def includes(self):
        """(line, `<x.h>` or `"x.h"`) of each include."""
        text = strip(self.text, keep_strings=True)
        for number, line in enumerate(text.split("\n"), 1):
            match = re.match(r"\s*#\s*include\s+([<\"][^>\"]+[>\"])", line)
            if match:
                yield number, match.group(1)

    def functions(self):
        """Functions of kernel style: `{` and `}` alone in column one."""
        lines = self.code.split("\n")
        head, start, macro = [], None, False
        for number, line in enumerate(lines, 1):
            if start is not None:
                if line.startswith("}"):
                    found = signature(" ".join(head))
                    body = "\n".join(lines[start:number - 1])
                    if found:
                        yield Function(found[0], start - len(head),
                                       number - start + 1, nesting(body),
                                       found[1], body)
                    head, start = [], None
                continue
            if macro or line.startswith("#"):
                macro = line.endswith("\\")
                head = []
            elif line.rstrip() == "{":
                start = number
            elif not line.strip() or line.rstrip().endswith((";", "}")):
                head = []
            else:
                head.append(line)

    def structs(self):
        """Top-level structs with their fields and what is said of them."""
        pattern = re.compile(r"^struct (\w+) \{\n(.*?)^\}", re.S | re.M)
        for match in pattern.finditer(self.code):
            line = self.code.count("\n", 0, match.start()) + 1
            yield Struct(match.group(1), line,
                         list(self._fields(match, line + 1)))

    def _fields(self, match, first):
        """Each declaration; its comment is beside, above or kernel-doc."""
        doc = self._kernel_doc(match.start())
        lines = self.text[match.start(2):match.end(2)].split("\n")
        code = match.group(2).split("\n")
        text, above, beside, start = "", "", "", None
        for number, line in enumerate(code):
            comment = "".join(TOKEN.findall(lines[number])) or (
                lines[number] if not line.strip() else "")
            if not text and not line.strip():
                above = above + comment if comment.strip() else ""
                continue
            start = number if start is None else start
            text += " " + line.strip()
            beside += comment
            if re.search(r"\b(struct|union)\b[\w ]*\{\s*$", text):
                text, beside, above, start = "", "", "", None
            elif text.rstrip().endswith(";"):
                name = re.search(r"\(\*(\w+)\)|(\w+)[^\w]*;\s*$", re.sub(
                    r"\[[^\]]*\]|__\w+(\([^)]*\))?", "", text))
                name = name and (name.group(1) or name.group(2))
                if name and not text.strip().startswith("}"):
                    yield Field(name, first + start, text,
                                above + beside + self._tail(lines, number) +
                                doc.get(name, ""))
                text, beside, above, start = "", "", "", None

    @staticmethod
    def _tail(lines, number):
        """The rest of a comment that begins behind a declaration."""
        rest = ""
        if "/*" in lines[number] and "*/" not in lines[number]:
            for line in lines[number:]:
                rest += line
                if "*/" in line:
                    break
        return rest

    def _kernel_doc(self, at):
        """{field: text} from the kernel-doc comment that ends before @at."""
        before = self.text[:at].rstrip()
        start = before.rfind("/**")
        if not before.endswith("*/") or start < 0:
            return {}
        parts = re.split(r"^ \* @(\w+):", before[start:], flags=re.M)
        return dict(zip(parts[1::2], parts[2::2]))

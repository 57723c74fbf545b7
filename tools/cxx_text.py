"""Just enough reading of C++ text for tools/tidy.py and tools/check_layers.py.

No parser: comments and literals are blanked out, and functions are found by their braces. Invariant:
blanking keeps every line and column where it was, so that findings point at the right place.
"""

import dataclasses
import re

_LITERALS = re.compile(
    r"""
    //[^\n]*                                       # comment to the end of the line
  | /\*.*?\*/                                      # comment over lines
  | R"(?P<delimiter>[^()\s\\]{0,16})\(.*?\)(?P=delimiter)"   # raw string
  | "(?:[^"\\\n]|\\.)*"                            # string
  | (?<![0-9a-zA-Z_])'(?:[^'\\\n]|\\.)*'           # character, but not a digit separator
    """,
    re.VERBOSE | re.DOTALL,
)


def _blank(match):
    text = re.sub(r"[^\n]", " ", match.group(0))
    return '"' + text[1:-1] + '"' if match.group(0)[0] in '"R' and len(text) > 1 else text


def blank_literals(text):
    """The text with comments and literals replaced by spaces (strings keep their quotes)."""
    return _LITERALS.sub(_blank, text)


def blank_directives(text):
    """The text without preprocessor directives, macro bodies included."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$", lambda match: re.sub(r"[^\n]", " ", match.group(0)), text,
                  flags=re.MULTILINE)


def includes(text):
    """(line number, path) of each #include."""
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
        if match:
            yield number, match.group(1)


@dataclasses.dataclass
class Function:
    name: str
    line: int
    lines: int
    parameters: int


# A brace that follows a name without a space initializes it: `count_{0}`, `std::vector<int>{}`.
_INITIALIZER = Function("", 0, 0, 0)

_CONTROL = re.compile(r"^(if|for|while|switch|do|else|catch|try|return)\b")
_TYPE = re.compile(
    r"(template\s*<.*?>\s*)?((class|struct|union|enum|namespace|extern)\b[^()]*$"
    r"|(class|struct)\s+[\w:<>, ]+?(\s+final)?\s*:(?!:))", re.DOTALL)
_HEAD = re.compile(r"(~?\w+|operator\s*\S{1,3})\s*\((.*)$", re.DOTALL)


def _count_parameters(text):
    """How many parameters the list has that begins right after an opening parenthesis."""
    depth = angle = commas = 0
    seen = False
    for character in text:
        if character in "([{":
            depth += 1
        elif character in ")]}":
            if depth == 0:
                break
            depth -= 1
        elif character == "<":
            angle += 1
        elif character == ">":
            angle -= 1
        elif character == "," and depth == 0 and angle == 0:
            commas += 1
        seen = seen or not character.isspace()
    return commas + 1 if seen else 0


def _function_head(head):
    """(name, parameters) when the text before a brace opens a function, else None."""
    head = re.sub(r"\b(public|private|protected)\s*:", "", head).strip()
    if not head or _CONTROL.match(head) or head.endswith("="):
        return None
    if _TYPE.match(head):
        return None
    match = _HEAD.search(re.sub(r"\balignas\s*\([^)]*\)", "", head))
    if not match:
        return None
    return match.group(1), _count_parameters(match.group(2))


def functions(text):
    """The functions that a file defines. Lambdas count as part of the function they stand in."""
    found = []
    scopes = []  # For each open brace: a Function being read, _INITIALIZER, or None.
    inside = 0  # How many of the open braces are functions' own.
    start = 0
    line = 1
    blanked = blank_directives(blank_literals(text))
    parentheses = 0
    for index, character in enumerate(blanked):
        if character == "\n":
            line += 1
        elif character == "(":
            parentheses += 1
        elif character == ")":
            parentheses -= 1
        elif character == "{":
            scope = None
            if index and (blanked[index - 1].isalnum() or blanked[index - 1] in "_>"):
                scopes.append(_INITIALIZER)
                continue
            if not inside and not parentheses:
                head = _function_head(blanked[start:index])
                if head:
                    first = line - blanked[start:index].lstrip().count("\n")
                    scope = Function(head[0], first, 0, head[1])
            scopes.append(scope)
            inside += scope is not None
            start = index + 1
        elif character == "}" and scopes:
            scope = scopes.pop()
            if scope is _INITIALIZER:
                continue
            if scope is not None:
                inside -= 1
                scope.lines = line - scope.line + 1
                found.append(scope)
            start = index + 1
        elif character == ";" and not parentheses:
            start = index + 1
    return found

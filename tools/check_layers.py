#!/usr/bin/env python3
"""Checks every #include of the project against docs/layers.txt. Prints "file:line: what is wrong and what is allowed".

check_layers.py [ROOT]: ROOT defaults to the folder above this script. Exit code 0 when all is well, 1 otherwise.
"""
import collections
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCE_SUFFIXES = {".h", ".cc", ".inc"}
SKIPPED_FOLDERS = {"build", ".git", "third_party"}
ANYTHING = "*"


class Table:
    """docs/layers.txt as values."""

    def __init__(self, text):
        self.modules = {}  # module -> names it may include
        self.libraries = []  # (prefix, modules, private), longest prefix first
        self.errors = []
        self._parse(text)
        self._check_names()
        self.libraries.sort(key=lambda library: -len(library[0]))

    def _parse(self, text):
        in_libraries, names = False, None
        for number, line in enumerate(text.splitlines(), 1):
            content = line.split("#")[0].rstrip()
            if not content:
                continue
            if content == "[libraries]":
                in_libraries = True
            elif content[0] == " " and names is not None:  # a line that goes on
                names.extend(content.split())
            elif ":" in content:
                left, right = content.split(":", 1)
                names = right.split()
                words = left.split()
                if in_libraries:
                    self.libraries.append((words[-1], names, words[0] == "private"))
                elif left in self.modules:
                    self.errors.append(f"docs/layers.txt:{number}: module '{left}' stands here twice")
                else:
                    self.modules[left] = names
            else:
                self.errors.append(f"docs/layers.txt:{number}: '{content}' is not 'module: modules'")

    def _check_names(self):
        for owner, names in [*self.modules.items(), *((prefix, names) for prefix, names, _ in self.libraries)]:
            for name in names:
                if name != ANYTHING and name not in self.modules:
                    self.errors.append(f"docs/layers.txt: '{owner}' names '{name}', which is no module")

    def module_of(self, path):
        """The module that owns a file (a path relative to the root), or None."""
        parts = path.split("/")[:-1]
        for length in range(len(parts), 0, -1):
            if "/".join(parts[:length]) in self.modules:
                return "/".join(parts[:length])
        return None

    def library_of(self, header):
        for library in self.libraries:
            prefix = library[0]
            if header == prefix or prefix.endswith("/") and header.startswith(prefix):
                return library
        return None


def find_cycle(graph):
    """A list of names that closes on itself, or None. Edges are followed in a fixed order."""
    state, path = {}, []

    def visit(name):
        state[name] = "open"
        path.append(name)
        for target in sorted(graph.get(name, ())):
            if state.get(target) == "open":
                return path[path.index(target):] + [target]
            if target not in state:
                cycle = visit(target)
                if cycle:
                    return cycle
        state[name] = "done"
        path.pop()
        return None

    for name in sorted(graph):
        if name not in state:
            cycle = visit(name)
            if cycle:
                return cycle
    return None


class Checker:
    def __init__(self, root, table):
        self.root, self.table, self.errors = root, table, list(table.errors)
        self.files = {path.relative_to(root).as_posix(): path for path in self._sources()}
        self.file_graph = collections.defaultdict(set)

    def _sources(self):
        for top in sorted({module.split("/")[0] for module in self.table.modules}):
            for path in sorted((self.root / top).rglob("*")):
                folders = path.relative_to(self.root).parts[:-1]
                if path.suffix in SOURCE_SUFFIXES and path.is_file() and not SKIPPED_FOLDERS & set(folders):
                    yield path

    def run(self):
        for name, path in self.files.items():
            self._check_file(name, path)
        allowed = {module: [n for n in names if n != ANYTHING] for module, names in self.table.modules.items()}
        for what, graph in (("the table", allowed), ("headers", self.file_graph)):
            cycle = find_cycle(graph)
            if cycle:
                self.errors.append(f"cycle in {what}: {' -> '.join(cycle)}")
        return self.errors

    def _check_file(self, name, path):
        module = self.table.module_of(name)
        if module is None:
            self.errors.append(f"{name}:1: is in no module of docs/layers.txt")
            return
        lines = path.read_text(encoding="utf-8").splitlines()
        if path.suffix == ".h" and not any(line.strip() == "#pragma once" for line in lines):
            self.errors.append(f"{name}:1: a header needs #pragma once")
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if match:
                error = self._check_include(name, module, *match.groups())
                if error:
                    self.errors.append(f"{name}:{number}: {error}")

    def _check_include(self, name, module, quote, header):
        target = self.table.module_of(header) if quote == '"' else None
        if target is not None:
            return self._check_own(name, module, header, target)
        library = self.table.library_of(header)
        if library is not None:
            return self._check_library(name, module, header, library)
        if quote == '"':
            return f'"{header}" is neither a full path from the root nor a library of docs/layers.txt'
        if header.endswith((".h", ".hpp")) or "/" in header:
            return f"<{header}> is no library of docs/layers.txt"
        return None  # the C++ standard library

    def _check_own(self, name, module, header, target):
        if header in self.files:
            self.file_graph[name].add(header)
        elif not self._is_generated(header):
            return f'"{header}" does not exist'
        if target == module:
            return None
        allowed = self.table.modules[module]
        if ANYTHING not in allowed and target not in allowed:
            return f"{module} may not include {target} (\"{header}\"); allowed: {' '.join(allowed) or 'nothing'}"
        if "internal" in header.split("/") and module != "tests":
            return f'"{header}" is internal to {target}'
        return None

    def _is_generated(self, header):
        """Made by protoc from a .proto of the same name, or by the CMakeLists.txt of its folder, which names it."""
        for suffix in (".grpc.pb.h", ".pb.h"):
            if header.endswith(suffix):
                return (self.root / (header[:-len(suffix)] + ".proto")).is_file()
        folder, _, name = header.rpartition("/")
        recipe = self.root / folder / "CMakeLists.txt"
        return recipe.is_file() and f"/{name}" in recipe.read_text(encoding="utf-8")

    def _check_library(self, name, module, header, library):
        prefix, allowed, private = library
        if module == "tests":
            return None
        if ANYTHING not in allowed and module not in allowed:
            return f"{module} may not include <{header}>; '{prefix}' is for {' '.join(allowed) or 'tests'} only"
        if private and name.endswith(".h") and "internal" not in name.split("/"):
            return f"<{header}> in a face header; it belongs into .cc files and internal/"
        return None


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    checker = Checker(root, Table((root / "docs/layers.txt").read_text(encoding="utf-8")))
    errors = checker.run()
    for error in errors:
        print(error)
    print(f"layers: {len(checker.files)} files, {len(errors)} violations")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())

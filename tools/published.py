#!/usr/bin/env python3
"""Makes and verifies src/inventory/npm/javascript/published.txt: what tells the published versions of packages apart.

    published.py fetch FOLDER [NAME...]
    published.py table FOLDER [--without NUMBER] > src/inventory/npm/javascript/published.txt
    published.py verify FNAUDIT ESBUILD FOLDER [--of NUMBER]
    published.py installed FNAUDIT NODE_MODULES

`fetch` takes the newest releases of each package of published-packages.txt with `npm pack`, one package after the
other, into FOLDER, which lies outside the project. Releases that are there are not fetched again.

`table` compares them. A trace is a digest of a file, or of four words of code in a row; with it go the versions that
have it. Words and digests are as src/inventory/npm/javascript/published/traces.rs has them. With `--without N` every Nth
version is left out, to see what is said of versions that the table does not know.

`verify` bundles releases with ESBUILD, in the form with comments that name modules, and with a source map alone, and
has FNAUDIT read them. With `--of N` only every Nth version of a package.

`installed` makes a source map of the code of each package in a node_modules, without its package.json, has FNAUDIT read
it, and compares: for packages that no rule was made on.

Python 3.11 or later, and npm for `fetch`.
"""
import collections
import datetime
import functools
import hashlib
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

NAMES = pathlib.Path(__file__).with_name("published-packages.txt")
CODE = (".js", ".cjs", ".mjs")
# The newest releases of a package that are compared. A set of versions is one machine word in the program.
MOST_VERSIONS = 64
MOST_BYTES = 1 << 20
# How many traces tell two releases that follow one another apart, in each direction, at least and at most.
FEW, MANY = 8, 24
# Of a package with more files than this only some are in the table, and a file that is not says nothing.
MOST_FILES = 300
MASK = (1 << 64) - 1
# A package without a release for so many years is taken to be finished: then the newest one is the last.
FINISHED = 2
SKIPPED = {b"var", b"let", b"const", b"use", b"strict", b"undefined", b"void", b"true", b"false"}
TOKEN = re.compile(rb"//[^\n]*|/\*.*?(?:\*/|\Z)|(?P<text>\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|`(?:[^`\\]|\\.)*`?)|(?P<word>[\w$]+)",
                   re.DOTALL | re.ASCII)
WORD = re.compile(rb"[\w$]+", re.ASCII)
IMPORTED = re.compile(rb"\bimport\s*(?:[\w$]+\s*,\s*)?\{([^}]*)\}\s*from\b", re.ASCII)
ALIAS = re.compile(rb"([\w$]+)\s+as\s+([\w$]+)", re.ASCII)


def rows():
    """Name and, of some packages, the newest release that is known and its year."""
    lines = NAMES.read_text(encoding="utf-8").splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines if line and not line.startswith("#")}


def number(version):
    return tuple(int(part) for part in version.split("."))


def fetch(folder, wanted):
    for name in wanted or rows():
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        known = target / "meta.json"
        if not known.exists():
            shown = subprocess.run(["npm", "view", name, "versions", "--json"], check=True, capture_output=True)
            known.write_bytes(shown.stdout)
        missing = [version for version in releases(target)[0][-MOST_VERSIONS:] if not tarball(target, version).exists()]
        if missing:
            command = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(target)]
            subprocess.run(command + [f"{name}@{version}" for version in missing], check=True, capture_output=True)


def releases(target):
    """All releases of a package, and the newest ones that are there without a gap."""
    every = sorted((v for v in json.loads((target / "meta.json").read_text()) if re.fullmatch(r"\d+\.\d+\.\d+", v)), key=number)
    there = list(itertools.takewhile(lambda version: tarball(target, version).exists(), reversed(every)))
    return every, there[:MOST_VERSIONS][::-1]


def tarball(target, version):
    return target / f"{target.name}-{version}.tgz"


def files(target, version):
    """Path and text of each file of code, and of those that source maps in the package hold."""
    with tarfile.open(tarball(target, version)) as archive:
        for member in archive:
            path = member.name.split("/", 1)[-1]
            if not member.isfile() or member.size > MOST_BYTES or "node_modules/" in path:
                continue
            if path.endswith(CODE):
                yield path, archive.extractfile(member).read()
            elif path.endswith(".map"):
                yield from mapped(path, archive.extractfile(member).read())


def mapped(path, text):
    try:
        sources = json.loads(text)
        contents = zip(sources["sources"], sources.get("sourcesContent") or [])
        yield from ((f"{path}:{source}", content.encode()) for source, content in contents if content)
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeEncodeError):
        return


@functools.cache
def word_hash(word):
    value = 0xCBF29CE484222325
    for byte in word:
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def words(text):
    """The words of code, without comments. Bundlers give some a number, and write numbers in other ways."""
    for token in TOKEN.finditer(text):
        found = WORD.findall(token["text"]) if token["text"] else [token["word"]] if token["word"] else []
        for word in found:
            word = word.rstrip(b"0123456789").rstrip(b"$")
            if word and word not in SKIPPED and not word[:1].isdigit():
                yield word_hash(word)


def code_traces(text):
    """A number of 48 bits for every four words in a row."""
    last = []
    for word in words(text):
        last.append(word)
        if len(last) == 4:
            value = 0
            for part in last:
                value = (value * 0x9E3779B97F4A7C15 + part) & MASK
            yield value >> 16
            last.pop(0)


def as_bundled(text):
    """Bundlers give back its own name to what a module imports under another."""
    names = {alias: name for imported in IMPORTED.findall(text) for name, alias in ALIAS.findall(imported) if name != b"default"}
    return WORD.sub(lambda word: names.get(word[0], word[0]), text) if names else text


def file_trace(text):
    return int.from_bytes(hashlib.sha256(text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")).digest()[:6], "big")


def compared(target, versions):
    """Per kind of trace: the versions that have it, as a set of bits, and the file that it was first seen in."""
    by_text = collections.defaultdict(lambda: [0, ""])
    for index, version in enumerate(versions):
        for path, text in files(target, version):
            row = by_text[text]
            row[0] |= 1 << index
            row[1] = row[1] or path
    kinds = {"file": collections.defaultdict(lambda: [0, ""]), "code": collections.defaultdict(lambda: [0, ""])}
    for text, (found, path) in by_text.items():
        code = {trace for form in {text, as_bundled(text)} for trace in code_traces(form)}
        for kind, traces in (("file", {file_trace(text)}), ("code", code)):
            for trace in traces:
                row = kinds[kind][trace]
                row[0] |= found
                row[1] = row[1] or path
    return kinds


def chosen(rows, count):
    """The traces of code that tell releases that follow one another apart."""
    picked = set()
    by_set = collections.defaultdict(list)
    for trace, (versions, path) in rows.items():
        by_set[versions].append((path, trace))
    sets = [versions for versions in by_set if runs(versions, count) is not None]
    for index in range(count - 1):
        for inside, outside in ((index, index + 1), (index + 1, index)):
            telling = [by_set[s] for s in sets if s >> inside & 1 and not s >> outside & 1]
            by_path = collections.defaultdict(list)
            for path, trace in sorted(entry for entries in telling for entry in entries):
                by_path[path].append(trace)
            # From as many files as there are: a bundle holds some of them.
            paths = sorted(by_path, key=lambda path: (path.count("/"), path))
            ranked = [trace for turn in range(FEW) for path in paths for trace in by_path[path][turn:turn + 1]]
            picked.update(ranked[:max(FEW, min(MANY, len(paths)))])
    return picked


def runs(versions, count):
    """The first and last of each row of versions that follow one another; none for what tells nothing, or little."""
    found = []
    for index in range(count):
        if versions >> index & 1:
            if found and found[-1][1] == index - 1:
                found[-1][1] = index
            else:
                found.append([index, index])
    return found if len(found) <= 4 and versions != every_bit(count) else None


def every_bit(count):
    return (1 << count) - 1


def table(folder, without):
    print("# Made by tools/published.py, which says what is what. Do not edit.")
    for target in (folder / name for name in sorted(rows()) if (folder / name / "meta.json").exists()):
        every, versions = releases(target)
        is_whole = len(every) == len(versions)
        if without:
            versions = versions[::-1]
            del versions[without - 1::without]
            versions = versions[::-1]
        if not versions:
            continue
        kinds = compared(target, versions)
        known = rows().get(target.name) or [None, "9999"]
        is_finished = known[0] == every[-1] and datetime.date.today().year - int(known[1]) >= FINISHED
        sets = collections.defaultdict(list)
        few = sorted(kinds["file"].items(), key=lambda row: (row[1][1].count("/"), row[1][1]))
        has_all_files = len(few) <= MOST_FILES
        for trace, (found, _) in few[:MOST_FILES]:
            # A file that tells nothing still tells that it is of one of these versions.
            tells = runs(found, len(versions)) is not None
            sets[found if tells or not has_all_files else every_bit(len(versions))].append(trace)
        for trace in chosen(kinds["code"], len(versions)):
            sets[kinds["code"][trace][0]].append(trace)
        flags = (" older" if not is_whole else "") + (" newer" if not is_finished else "") + (" files" if has_all_files else "")
        print(f"\n{target.name}{flags}\n{' '.join(versions)}")
        for found in sorted(sets):
            spans = runs(found, len(versions)) or (has_all_files and found == every_bit(len(versions)) and [[0, len(versions) - 1]])
            if spans:
                print(",".join(f"{a}-{b}" for a, b in spans), *(f"{trace:012x}" for trace in sorted(set(sets[found]))))


def verify(fnaudit, esbuild, folder, step):
    total = collections.Counter()
    print("| package | bundles | exact | range | unknown | wrong |\n| --- | --- | --- | --- | --- | --- |")
    for target in sorted(path for path in folder.iterdir() if (path / "meta.json").exists()):
        count = collections.Counter()
        for version in releases(target)[1][::step]:
            for form in ("comments", "map"):
                said = bundled(fnaudit, esbuild, target, version, form)
                if said is not None:
                    count[said] += 1
                    if said == "wrong":
                        print(f"wrong: {target.name}@{version} {form}", file=sys.stderr)
        total.update(count)
        print_row(target.name, count)
    print_row("all", total)


def print_row(name, count):
    print(f"| {name} | {count.total()} | {count['exact']} | {count['range']} | {count['unknown']} | {count['wrong']} |", flush=True)


def bundled(fnaudit, esbuild, target, version, form):
    """What is said of the version of a package that was bundled alone."""
    with tempfile.TemporaryDirectory() as scratch:
        package = pathlib.Path(scratch, "node_modules", target.name)
        with tarfile.open(tarball(target, version)) as archive:
            for member in archive:
                path = pathlib.PurePosixPath(member.name).parts[1:]
                if member.isfile() and ".." not in path:
                    package.joinpath(*path).parent.mkdir(parents=True, exist_ok=True)
                    package.joinpath(*path).write_bytes(archive.extractfile(member).read())
        pathlib.Path(scratch, "own.js").write_text(f"module.exports = require({json.dumps(target.name)})\n")
        out = pathlib.Path(scratch, "out")
        command = [esbuild, "own.js", "--bundle", "--platform=node", "--packages=bundle", "--log-level=silent",
                   f"--outfile={out}/index.js"] + (["--minify", "--sourcemap"] if form == "map" else [])
        # What it depends on is not there, and not asked about.
        command += [f"--external:{name}" for name in dependencies(package)]
        if subprocess.run(command, cwd=scratch, capture_output=True).returncode:
            return None
        if form == "map":
            (out / "index.js").write_text("")
        return judged(fnaudit, out, target.name, version)


def judged(fnaudit, folder, name, version):
    """Whether what is said of a package in a folder is its version, and how much that is."""
    report = subprocess.run([fnaudit, "inventory", "--format", "json", str(folder)], check=True, capture_output=True)
    found = [package for package in json.loads(report.stdout)["packages"] if package["name"] == name]
    if any(package["version"] not in (version, None) for package in found):
        return "wrong"
    if any(package["version"] for package in found):
        return "exact"
    ranges = [package["version_range"] for package in found if package["version_range"]]
    if any(not satisfies(version, asked) for asked in ranges):
        return "wrong"
    return "range" if ranges else "unknown"


def installed(fnaudit, node_modules):
    total = collections.Counter()
    for manifest in sorted(node_modules.rglob("package.json")):
        inside = manifest.parent.as_posix().rpartition("node_modules/")[2]
        if inside.count("/") != inside.startswith("@"):
            continue
        try:
            package = json.loads(manifest.read_text(encoding="utf-8"))
        except ValueError:
            continue
        if package.get("name") != inside or "version" not in package:
            continue
        modules = {}
        for file in manifest.parent.rglob("*"):
            path = file.relative_to(manifest.parent).as_posix()
            if file.suffix in CODE and file.is_file() and "node_modules/" not in path:
                modules[f"node_modules/{inside}/{path}"] = file.read_text(encoding="utf-8", errors="replace")
        with tempfile.TemporaryDirectory() as scratch:
            text = json.dumps({"sources": list(modules), "sourcesContent": list(modules.values())})
            pathlib.Path(scratch, "index.js.map").write_text(text, encoding="utf-8")
            said = judged(fnaudit, scratch, inside, package["version"])
        total[said] += 1
        if said == "wrong":
            print(f"wrong: {inside}@{package['version']}")
    print(dict(total))


def dependencies(package):
    manifest = json.loads((package / "package.json").read_text(errors="replace"))
    fields = ("dependencies", "optionalDependencies", "peerDependencies", "devDependencies")
    return {name for field in fields for name in (manifest.get(field) or {})}


def satisfies(version, asked):
    """Whether a version is in a range of the form that the program makes: `>=1.2.3 <2.0.0 || =2.0.1`."""
    version = number(version.split("-")[0].split("+")[0])

    def holds(part):
        operator, bound = re.fullmatch(r"(>=|<=|<|=)(.*)", part).groups()
        bound = number(bound)
        return {">=": version >= bound, "<=": version <= bound, "<": version < bound, "=": version == bound}[operator]
    return any(all(holds(part) for part in choice.split()) for choice in asked.split("||"))


def option(name, arguments):
    return int(arguments[arguments.index(name) + 1]) if name in arguments else 0


def main():
    match sys.argv[1:]:
        case ["fetch", folder, *wanted]:
            fetch(pathlib.Path(folder), wanted)
        case ["table", folder, *rest]:
            table(pathlib.Path(folder), option("--without", rest))
        case ["verify", fnaudit, esbuild, folder, *rest]:
            verify(fnaudit, str(pathlib.Path(esbuild).resolve()), pathlib.Path(folder), option("--of", rest) or 1)
        case ["installed", fnaudit, node_modules]:
            installed(fnaudit, pathlib.Path(node_modules))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()

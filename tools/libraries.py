#!/usr/bin/env python3
"""Verifies the table of JavaScript libraries, src/inventory/npm/javascript/libraries/, on what is published.

    libraries.py survey FNAUDIT FOLDER [NAME...]
    libraries.py reprinted FNAUDIT ESBUILD FOLDER [NAME...]
    libraries.py precision FNAUDIT NODE_MODULES

`survey` fetches the versions that each row names with `npm pack`, one by one, into FOLDER, which lies outside the
project and is not fetched into again. It copies each of the row's files out alone, so that neither its name nor a
package.json helps, has FNAUDIT read it, and prints a Markdown table. `reprinted` has ESBUILD bundle each file with what
it requires of its own package first, printed anew and minified, under paths that name no package. `precision` prints what FNAUDIT recognises in
the packages of a node_modules besides the packages themselves: each line is a copy of another's code, or an error.

Python 3.11 or later, npm, and esbuild for `reprinted`.
"""
import collections
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib

TABLE = pathlib.Path(__file__).parent.parent / "src/inventory/npm/javascript/libraries"
CODE = (".js", ".mjs", ".cjs", ".css")


def rows():
    for path in sorted(TABLE.glob("*.toml")):
        yield from tomllib.loads(path.read_text(encoding="utf-8"))["library"]


def surveyed(folder, row):
    """The published versions that a row names, each with the folder of its files."""
    survey = row.get("survey", {"versions": []})
    for version in survey["versions"]:
        yield version, fetched(folder, survey.get("package", row["name"]), version)


def fetched(folder, name, version):
    """The folder with the files of a published version."""
    target = folder / name.replace("/", "+") / version
    if not target.exists():
        with tempfile.TemporaryDirectory() as scratch:
            command = ["npm", "pack", f"{name}@{version}", "--ignore-scripts", "--pack-destination", scratch]
            subprocess.run(command, check=True, capture_output=True)
            tarball = next(pathlib.Path(scratch).iterdir())
            unpack(tarball, target)
    return target


def unpack(tarball, target):
    """Writes the code of a package. The first part of its paths is a folder for all of them."""
    with tarfile.open(tarball) as archive:
        for member in archive:
            parts = pathlib.PurePosixPath(member.name).parts[1:]
            if member.isfile() and member.name.endswith(CODE) and ".." not in parts:
                path = target.joinpath(*parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.extractfile(member).read())


def recognised(fnaudit, folder):
    """The packages that the program sees by their code."""
    command = [fnaudit, "inventory", "--format", "json", str(folder)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return [package for package in report["packages"] if package["evidence"] == "fingerprint"]


def recognised_alone(fnaudit, file):
    """Name and versions, with the file under a name that says nothing."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch, "vendor", "a" + file.suffix)
        copy.parent.mkdir()
        copy.write_bytes(file.read_bytes())
        found = {}
        for package in recognised(fnaudit, scratch):
            found.setdefault(package["name"], set()).add(package["version"])
        return found


def survey(fnaudit, folder, names):
    print("| library | versions | files | state their version | named | right version | wrong version | also in them |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    total = dict.fromkeys(("versions", "files", "stating", "named", "right", "wrong"), 0)
    for row in rows():
        if names and row["name"] not in names:
            continue
        count = dict.fromkeys(total, 0)
        also = set()
        for version, package in surveyed(folder, row):
            files = [package / file for file in row["survey"]["files"] if (package / file).exists()]
            count["versions"] += bool(files)
            for file in files:
                found = recognised_alone(fnaudit, file)
                stated = found.pop(row["name"], None)
                also.update(found)
                count["files"] += 1
                count["stating"] += states(file, version)
                count["named"] += stated is not None
                count["right"] += stated == {version}
                count["wrong"] += bool(stated and stated - {version, None})
        for key, number in count.items():
            total[key] += number
        print_row(row["name"], count, ", ".join(sorted(also)))
    print_row("all", total, "")


def reprinted(fnaudit, esbuild, folder, names):
    forms = {"printed anew": [], "minified": ["--minify"]}
    print("| library | files | " + " | ".join(f"{form}: named | right version | wrong version" for form in forms) + " | also in them |")
    print("| --- " * (3 + 3 * len(forms)) + "|")
    total = collections.Counter()
    for row in rows():
        if names and row["name"] not in names:
            continue
        count, also = collections.Counter(), set()
        for version, package in surveyed(folder, row):
            for file in (package / path for path in row["survey"]["files"]):
                if file.suffix not in (".js", ".cjs", ".mjs") or ".min." in file.name or not file.exists():
                    continue
                with tempfile.TemporaryDirectory() as scratch:
                    for form, options in forms.items():
                        bundle = pathlib.Path(scratch, f"{form}.js")
                        command = [esbuild, str(file), "--bundle", "--packages=external", "--platform=node",
                                   "--log-level=silent", f"--outfile={bundle}", *options]
                        if subprocess.run(command, cwd=package).returncode:
                            break
                        found = recognised_alone(fnaudit, bundle)
                        stated = found.pop(row["name"], None)
                        also.update(found)
                        count["files"] += form == "minified"
                        count[form, "named"] += stated is not None
                        count[form, "right"] += stated == {version}
                        count[form, "wrong"] += bool(stated and stated - {version, None})
        total.update(count)
        print_reprinted(row["name"], count, forms, also)
    print_reprinted("all", total, forms, set())


def print_reprinted(name, count, forms, also):
    cells = [count[form, kind] for form in forms for kind in ("named", "right", "wrong")]
    print(f"| {name} | {count['files']} | {' | '.join(str(cell) for cell in cells)} | {', '.join(sorted(also))} |", flush=True)


def states(file, version):
    """Whether the file holds its version in one piece. Others cannot be told by their content alone."""
    return re.search(rb"(?<![\d.])" + re.escape(version.encode()) + rb"(?![\d.])", file.read_bytes()) is not None


def print_row(name, count, also):
    print(f"| {name} | {' | '.join(str(number) for number in count.values())} | {also} |", flush=True)


def precision(fnaudit, node_modules):
    with tempfile.TemporaryDirectory() as scratch:
        # Without the manifests, what is recognised cannot hide behind a package that is installed.
        for file in node_modules.rglob("*"):
            if file.suffix in CODE and file.is_file():
                copy = pathlib.Path(scratch, "node_modules", file.relative_to(node_modules))
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
        for package in recognised(fnaudit, scratch):
            places = [place["path"].removeprefix(scratch) for place in package["locations"]]
            print(f"{package['name']} {package['version'] or '?'}: {', '.join(places)}")


def main():
    match sys.argv[1:]:
        case ["survey", fnaudit, folder, *names]:
            survey(fnaudit, pathlib.Path(folder), names)
        case ["reprinted", fnaudit, esbuild, folder, *names]:
            reprinted(fnaudit, str(pathlib.Path(esbuild).resolve()), pathlib.Path(folder).resolve(), names)
        case ["precision", fnaudit, node_modules]:
            precision(fnaudit, pathlib.Path(node_modules).resolve())
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()

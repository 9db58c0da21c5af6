#!/usr/bin/env python3
"""Verifies what FNAUDIT finds of Python packages without metadata, on what is published.

    python_modules.py survey FNAUDIT FOLDER [NAME...]
    python_modules.py compiled FNAUDIT FOLDER PYTHON [NAME...]
    python_modules.py trees FNAUDIT FOLDER

`survey` fetches the versions that each row of src/inventory/pypi/vendored/modules/ names with `pip download`, one by one,
into FOLDER, which lies outside the project and is not fetched into again. It unpacks their Python files without their
metadata, has FNAUDIT read each version alone, and prints a Markdown table. `compiled` does the same with the compiled
files alone, as PYTHON makes them. `trees` does it with packages that carry folders of vendored ones, and compares with the
lists that lie in these folders.

Python 3.11 or later, with pip and packaging.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile

from packaging.version import InvalidVersion, Version

TABLE = pathlib.Path(__file__).parent.parent / "src/inventory/pypi/vendored/modules"
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux2010_x86_64",
             "manylinux1_x86_64", "any")
PYTHONS = ("3.9", "3.11", "3.7", "3.6", "2.7", "3.13")

# Packages that carry others: the folders, and the list of what is in them where there is one.
TREES = [
    ("pip", "9.0.3", "pip/_vendor", "vendor.txt"),
    ("pip", "18.1", "pip/_vendor", "vendor.txt"),
    ("pip", "20.0.2", "pip/_vendor", "vendor.txt"),
    ("pip", "21.3.1", "pip/_vendor", "vendor.txt"),
    ("pip", "23.3.2", "pip/_vendor", "vendor.txt"),
    ("pip", "24.3.1", "pip/_vendor", "vendor.txt"),
    ("setuptools", "40.8.0", "setuptools/_vendor", "vendored.txt"),
    ("setuptools", "40.8.0", "pkg_resources/_vendor", "vendored.txt"),
    ("setuptools", "59.8.0", "setuptools/_vendor", "vendored.txt"),
    ("setuptools", "59.8.0", "pkg_resources/_vendor", "vendored.txt"),
    ("setuptools", "68.2.2", "setuptools/_vendor", "vendored.txt"),
    ("setuptools", "75.1.0", "setuptools/_vendor", None),
    ("poetry-core", "1.0.8", "poetry/core/_vendor", "vendor.txt"),
    ("poetry-core", "1.9.0", "poetry/core/_vendor", "vendor.txt"),
    ("pipenv", "2022.1.8", "pipenv/vendor", "vendor.txt"),
    ("pipenv", "2023.7.23", "pipenv/vendor", "vendor.txt"),
    ("botocore", "1.10.84", "botocore/vendored", None),
    ("requests", "2.10.0", "requests/packages", None),
    ("requests", "2.14.2", "requests/packages", None),
    ("ansible-core", "2.14.1", "ansible", None),
    ("virtualenv", "20.24.5", "virtualenv/seed/wheels/embed", None),
]


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def rows():
    for path in sorted(TABLE.glob("*.toml")):
        yield from tomllib.loads(path.read_text(encoding="utf-8"))["module"]


def fetched(folder, name, version):
    """The wheel of a published version; none where there is no wheel for Linux."""
    target = folder / normal(name) / version
    for python in PYTHONS:
        if list(target.glob("*.whl")):
            break
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
                   "--only-binary=:all:", "--implementation", "cp", "--python-version", python, "-d", str(target)]
        command += [part for platform in PLATFORMS for part in ("--platform", platform)]
        subprocess.run([*command, f"{name}=={version}"], check=False, capture_output=True)
    return next(target.glob("*.whl"), None)


def unpack(wheel, target, keep=lambda name: name.endswith(".py")):
    """Writes what `keep` says of a wheel, without its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            top = name.split("/")[0]
            if keep(name) and not top.endswith((".dist-info", ".data")) and ".." not in name.split("/"):
                path = pathlib.Path(target, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(name))


def compile_with(python, folder):
    """Leaves the compiled files alone."""
    subprocess.run([python, "-m", "compileall", "-q", str(folder)], check=False, capture_output=True)
    for source in pathlib.Path(folder).rglob("*.py"):
        source.unlink()


def found(fnaudit, folder):
    """Name, version and paths of each PyPI package. A wheel may hold nothing but compiled libraries."""
    if not any(path.is_file() for path in pathlib.Path(folder).rglob("*")):
        return
    command = [fnaudit, "inventory", "--format", "json", str(folder)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    for package in report["packages"]:
        if package["ecosystem"] == "PyPI" and package["scope"] == "shipped":
            paths = [place["path"].removeprefix(f"{folder}/") for place in package["locations"]]
            yield package["name"], package["version"], paths


def is_same(a, b):
    try:
        return Version(a) == Version(b)
    except InvalidVersion:
        return a == b


def survey(fnaudit, folder, names, python=None):
    print("| distribution | versions | named | right version | unknown | wrong | also in them |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    total = dict.fromkeys(("versions", "named", "right", "unknown", "wrong"), 0)
    for row in rows():
        if names and row["name"] not in names:
            continue
        count = dict.fromkeys(total, 0)
        also = set()
        own = {normal(row["name"]), *map(normal, row.get("published_as", []))}
        for version in row["survey"]:
            wheel = fetched(folder, row["name"], version)
            if wheel is None:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                unpack(wheel, scratch)
                if python:
                    compile_with(python, scratch)
                stated = []
                for name, seen, paths in found(fnaudit, scratch):
                    if normal(name) in own:
                        stated.append(seen)
                    else:
                        also.add(f"{name} {seen or '?'} ({paths[0]})")
            count["versions"] += 1
            count["named"] += bool(stated)
            right = [seen for seen in stated if seen and is_same(seen, version)]
            count["right"] += bool(right)
            count["unknown"] += None in stated
            count["wrong"] += any(seen and not is_same(seen, version) for seen in stated)
        for key, number in count.items():
            total[key] += number
        print_row(row["name"], count, "; ".join(sorted(also)))
    print_row("all", total, "")


def print_row(name, count, also):
    print(f"| {name} | {' | '.join(str(number) for number in count.values())} | {also} |", flush=True)


def listed(path):
    """Names and versions that a list of vendored packages pins."""
    for line in path.read_text(encoding="utf-8").splitlines():
        pin = re.match(r"\s*([A-Za-z0-9][\w.-]*)(?:\[.*?\])?==([\w.]+)", line)
        if pin:
            yield normal(pin[1]), pin[2]


def trees(fnaudit, folder):
    print("| tree | listed | right | other version | not found | beyond the list |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, version, place, file in TREES:
        wheel = fetched(folder, name, version)
        if wheel is None:
            print(f"| {name} {version} | no wheel | | | | |")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            unpack(wheel, scratch, keep=lambda name: True)
            list_file = pathlib.Path(scratch, place, file or "none")
            file = file if list_file.exists() else None
            truth = dict(listed(list_file)) if file else {}
            seen = {}
            for package, stated, paths in found(fnaudit, scratch):
                if any(path.startswith(place) for path in paths):
                    seen.setdefault(normal(package), set()).add(stated)
            right = [n for n, v in truth.items() if any(s and is_same(s, v) for s in seen.get(n, ()))]
            other = [f"{n} {v}: {', '.join(map(str, seen[n]))}" for n, v in truth.items() if n in seen and n not in right]
            missing = [f"{n} {v}" for n, v in truth.items() if n not in seen]
            beyond = [f"{n} {', '.join(v or '?' for v in vs)}" for n, vs in sorted(seen.items()) if n not in truth]
            print(f"| {name} {version}, `{place}` | {len(truth) if file else 'no list'} | {len(right)} | {'; '.join(other)} | "
                  f"{'; '.join(missing)} | {'; '.join(beyond)} |", flush=True)


def main():
    match sys.argv[1:]:
        case ["survey", fnaudit, folder, *names]:
            survey(fnaudit, pathlib.Path(folder), names)
        case ["compiled", fnaudit, folder, python, *names]:
            survey(fnaudit, pathlib.Path(folder), names, python)
        case ["trees", fnaudit, folder]:
            trees(fnaudit, pathlib.Path(folder))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()

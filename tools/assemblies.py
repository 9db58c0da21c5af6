#!/usr/bin/env python3
"""The survey of .NET assemblies in docs/binaries.md.

usage: tools/assemblies.py FNAUDIT FOLDER [PACKAGE@VERSION...]     (needs python3, npm and a network)

The npm packages carry .NET programs with their deps.json, which says of which package each assembly is. They are fetched
into FOLDER. FNAUDIT is shown the assemblies without it, and what it makes of them is compared.
"""
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

PACKAGES = ["@autorest/csharp@3.0.0-beta.20251203.1"]


def fetched(folder, package):
    run = subprocess.run(["npm", "pack", "--silent", "--pack-destination", str(folder), package],
                         check=True, capture_output=True, text=True)
    return folder / run.stdout.strip().splitlines()[-1]


def contents(archive):
    """The assemblies by name, and the package of each as deps.json has it; none for the program's own."""
    assemblies, packages = {}, {}
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.rsplit("/", 1)[-1]
            if name.endswith(".deps.json"):
                deps = json.load(tar.extractfile(member))
                for libraries in deps["targets"].values():
                    for library, files in libraries.items():
                        is_package = deps["libraries"][library]["type"] == "package"
                        for path in files.get("runtime", {}):
                            packages[path.rsplit("/", 1)[-1]] = library.split("/") if is_package else None
            elif name.endswith(".dll") and member.name.count("/") == 1:
                assemblies[name] = tar.extractfile(member).read()
    return assemblies, packages


def found(fnaudit, assemblies):
    """Name, version and range by assembly."""
    with tempfile.TemporaryDirectory() as scratch:
        function = pathlib.Path(scratch, "fn.zip")
        with zipfile.ZipFile(function, "w") as archive:
            for name, content in assemblies.items():
                archive.writestr(name, content)
        run = subprocess.run([fnaudit, "inventory", "--format", "json", str(function)], check=True, capture_output=True)
    report = json.loads(run.stdout)
    return {place["path"].rsplit("/", 1)[-1]: (package["name"], package["version"], package["version_range"])
            for package in report["packages"] if package["ecosystem"] == "NuGet" for place in package["locations"]}


def main():
    fnaudit, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    print("| assembly | package | found |\n| --- | --- | --- |")
    for package in sys.argv[3:] or PACKAGES:
        assemblies, packages = contents(fetched(folder, package))
        seen = found(fnaudit, assemblies)
        for name in sorted(assemblies):
            truth = packages.get(name)
            truth = " ".join(truth) if truth else "the program's own"
            name_found, version, range_found = seen.get(name, (None, None, None))
            told = f"{name_found} {version or range_found or '?'}" if name_found else ""
            print(f"| `{name}` | {truth} | {told} |")


if __name__ == "__main__":
    main()

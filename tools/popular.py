#!/usr/bin/env python3
"""Writes the names in src/supply_chain/popular/ that popular packages are told by.

usage: tools/popular.py FOLDER "SOURCE, DATE"...

FOLDER holds npm.txt, pypi.txt and crates.txt: a registry's names, the most used first, one a line, as far down as a name
is still known to be what people mean by it (100,000 downloads a month, or the 15,000 most downloaded). After it comes
what to say of each of the three, in this order.

The first 1,000 names become REGISTRY.txt. Of the others, those that stand near one of these become REGISTRY-near.txt:
established names, which are not taken for a slip of the pen. Near is somewhat more than src/supply_chain/typosquat.rs
looks at, so that its rules may change without this table.
"""
import re
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "src/supply_chain/popular"
POPULAR = 1000


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    for registry, source in zip(["npm", "pypi", "crates"], sys.argv[2:]):
        names = read(Path(sys.argv[1]) / f"{registry}.txt")
        popular, others = names[:POPULAR], names[POPULAR:]
        write(f"{registry}.txt", f"The {POPULAR:,} most used names, the most used first.", source, popular)
        forms = {form for name in popular for form in neighbourhood(name)}
        near = sorted({name for name in others if neighbourhood(name) & forms})
        write(f"{registry}-near.txt", "Established names that stand near a popular one.", source, near)
        print(f"{registry}: {len(names)} names, {len(near)} near a popular one")


def read(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return list(dict.fromkeys(names))


def write(name, what, source, names):
    head = f"# {what} Made by tools/popular.py. Do not edit.\n# Source: {source}. Names are facts.\n"
    (OUT / name).write_text(head + "".join(f"{name}\n" for name in names), encoding="utf-8")


def neighbourhood(name):
    """The name, all that is left of it without one letter, and the same without what does not tell names apart."""
    bare = re.sub(r"[-_./@]", "", name)
    alike = bare.replace("0", "o").replace("1", "l").replace("i", "l").replace("rn", "m").replace("vv", "w")
    plain = re.sub(r"^(node|python3?|rust|js)|(node|python|js|rs)$", "", bare)
    return {form for whole in (name, bare, alike) for form in deletions(whole)} | {plain}


def deletions(name):
    return {name} | {name[:at] + name[at + 1 :] for at in range(len(name))}


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes the starter set, advisories/ECOSYSTEM.jsonl, from OSV's export.

usage: tools/starter.py OSV_DIR     (OSV_DIR holds ECOSYSTEM/all.zip, as OSV's bucket does)

It takes the advisories of the packages in tools/starter-packages.txt and keeps facts only: ids, dates,
what is affected, severities and kinds of weakness. A record that states no kind of weakness gets the
one that its own words name, see weaknesses.py. Withdrawn advisories are left out. One record a line, in
the order of their ids, so that the same export gives the same files.
"""
import json
import re
import sys
import zipfile
from pathlib import Path

from weaknesses import named_weakness

HERE = Path(__file__).resolve().parent


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for ecosystem, names in read_packages(HERE / "starter-packages.txt").items():
        records = read_records(Path(sys.argv[1]) / ecosystem / "all.zip")
        rows = [row for record in records if (row := reduce(record, ecosystem, names))]
        rows.sort(key=lambda row: row["id"])
        out = HERE.parent / "advisories" / f"{ecosystem}.jsonl"
        lines = [json.dumps(row, separators=(",", ":")) + "\n" for row in rows]
        out.write_text("".join(lines), encoding="ascii")
        print(f"{ecosystem}: {len(rows)} advisories, {out.stat().st_size} bytes")


def read_packages(path):
    packages, names = {}, None
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if line.startswith("["):
            names = packages.setdefault(line.strip("[]"), set())
        elif line and not line.startswith("#"):
            names.add(line)
    return packages


def read_records(path):
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def reduce(record, ecosystem, names):
    """The record's facts about the packages in `names`, or None."""
    if record.get("withdrawn"):
        return None
    affected = [
        reduce_affected(entry, ecosystem)
        for entry in record.get("affected") or []
        if entry.get("package", {}).get("ecosystem", "").split(":")[0] == ecosystem
        and normalize(ecosystem, entry["package"]["name"]) in names
    ]
    if not affected:
        return None
    notes = record.get("database_specific") or {}
    return without_empty(
        {
            "id": record["id"],
            "modified": record["modified"],
            "published": known_date(record.get("published")),
            "aliases": record.get("aliases"),
            "severity": record.get("severity"),
            "affected": affected,
            "database_specific": without_empty(
                {key: notes.get(key) for key in ("severity", "cwes")}
                | {"cwe_ids": notes.get("cwe_ids") or derived_cwe_ids(record, affected)}
                | {"license": named_license(notes)}
            ),
        }
    )


def derived_cwe_ids(record, affected):
    """This project's classification, where the record has none."""
    places = [record] + affected
    if any((place.get("database_specific") or {}).get("cwes") for place in places):
        return None
    cwe = named_weakness(record.get("summary") or record.get("details") or "")
    return [cwe] if cwe else None


def known_date(text):
    """Go's database writes the first instant of year 1 for a date that it does not know."""
    return None if (text or "").startswith("0001-") else text


def named_license(notes):
    """The record's own licence, where it is not the one that advisories/README.md states."""
    return notes.get("license") if notes.get("license") != "CC0-1.0" else None


def reduce_affected(entry, ecosystem):
    ranges = [
        {"type": r["type"], "events": r["events"]}
        for r in entry.get("ranges") or []
        if r["type"] in ("SEMVER", "ECOSYSTEM")
    ]
    notes = entry.get("database_specific") or {}
    return without_empty(
        {
            "package": {
                "ecosystem": ecosystem,
                "name": normalize(ecosystem, entry["package"]["name"]),
            },
            "severity": entry.get("severity"),
            "ranges": ranges,
            "versions": [
                v for v in entry.get("versions") or [] if not ranges_contain(ecosystem, ranges, v)
            ],
            "database_specific": without_empty(
                {key: notes.get(key) for key in ("informational", "categories", "cwes")}
            ),
        }
    )


def without_empty(fields):
    return {key: value for key, value in fields.items() if value}


def normalize(ecosystem, name):
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == "PyPI" else name


def ranges_contain(ecosystem, ranges, version):
    """Whether the ranges already say that the version is affected; what is in doubt they do not."""
    parse = pep440 if ecosystem == "PyPI" else semver
    asked = parse(version)
    return asked is not None and any(range_contains(parse, r["events"], asked) for r in ranges)


def range_contains(parse, events, asked):
    changes = []
    for event in events:
        for kind, text in event.items():
            at = None if (kind, text) == ("introduced", "0") else parse(text)
            if kind == "limit" or (at is None and text != "0"):
                return False
            changes.append((at, kind))
    # Stable, so that events at one version count as they are written.
    changes.sort(key=lambda c: (c[0] is not None, c[0] or (), c[1] == "last_affected"))
    contained = False
    for at, kind in changes:
        if at is None or asked > at or (asked == at and kind != "last_affected"):
            contained = kind == "introduced"
    return contained


def semver(text):
    match = re.fullmatch(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?", text)
    if not match:
        return None
    release = tuple(int(n or 0) for n in match.groups()[:3])
    if match[4] is None:
        return release, 1, ()
    return release, 0, tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in match[4].split(".")
    )


PEP440 = re.compile(
    r"""v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)
    (?:[-_.]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre_n>\d+)?)?
    (?:-(?P<post_bare>\d+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n>\d+)?)?
    (?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>\d+)?)?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?""",
    re.VERBOSE,
)
PHASES = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}


def pep440(text):
    """A key that sorts as https://packaging.python.org/specifications/version-specifiers/ says."""
    match = PEP440.fullmatch(text.strip().lower())
    if not match:
        return None
    part = match.groupdict()
    number = lambda key: int(part[key] or 0)
    release = [int(n) for n in part["release"].split(".")]
    while release and release[-1] == 0:
        release.pop()
    post = number("post_bare") if part["post_bare"] else number("post_n") if part["post"] else -1
    if part["pre"]:
        pre = (1, PHASES.get(part["pre"], part["pre"]), number("pre_n"))
    elif part["dev"] and post < 0:
        pre = (0,)  # a development release of the release itself comes before its pre-releases
    else:
        pre = (2,)
    dev = (0, number("dev_n")) if part["dev"] else (1,)
    local = tuple(
        (1, int(p), "") if p.isdigit() else (0, 0, p)
        for p in re.split(r"[-_.]", part["local"] or "")
        if p
    )
    return number("epoch"), release, pre, post, dev, local


if __name__ == "__main__":
    main()

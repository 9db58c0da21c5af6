#!/usr/bin/env python3
"""Makes the archives in fixtures/: small functions with invented code and the names of real packages.

usage: tools/fixtures.py        (needs python3, and the zstd tool for lock.tar.zst)

The same bytes come out each time, so that a change to an archive is a change here. What must be found in each
stands beside it in NAME.expected.txt.
"""
import hashlib
import io
import json
import lzma
import pathlib
import struct
import subprocess
import tarfile
import zipfile
import zlib

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures"


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content)
    return out.getvalue()


def tarred(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def package(name, version, **more):
    return json.dumps({"name": name, "version": version, **more}, indent=2) + "\n"


def metadata(name, version):
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: made for a test\n\nNothing.\n"


def distribution(name, version, root=""):
    folder = f"{root}{name}-{version}.dist-info"
    module = name.lower()
    record = f"{module}/__init__.py,,\n{name}-{version}.dist-info/METADATA,,\n{name}-{version}.dist-info/RECORD,,\n"
    return {
        f"{root}{module}/__init__.py": f'"""Stands for {name}."""\n',
        f"{folder}/METADATA": metadata(name, version),
        f"{folder}/RECORD": record,
        f"{folder}/INSTALLER": "pip\n",
    }


def lock(packages):
    rows = {"": {"name": "orders", "version": "1.0.0"}}
    rows.update({f"node_modules/{path}": {"version": version} for path, version in packages.items()})
    return json.dumps({"name": "orders", "version": "1.0.0", "lockfileVersion": 3, "packages": rows}, indent=2) + "\n"


def node_function():
    installed = {
        "express": "4.16.0",
        "lodash": "4.17.15",
        "minimist": "1.2.0",
        "jsonwebtoken": "8.5.0",
        "jsonwebtoken/node_modules/ms": "2.1.1",
        "@types/node": "20.1.0",
    }
    files = {
        "index.js": "exports.handler = async () => ({ statusCode: 200 });\n",
        "package.json": package(
            "orders",
            "1.0.0",
            private=True,
            dependencies={"express": "^4.16.0", "lodash": "4.17.15", "axios": "0.21.0"},
        ),
        "package-lock.json": lock({**installed, "axios": "0.21.0"}),
    }
    for path, version in installed.items():
        name = path.split("node_modules/")[-1]
        files[f"node_modules/{path}/package.json"] = package(name, version)
        files[f"node_modules/{path}/index.js"] = f"// stands for {name}\n"
    return zipped(files)


def python_function():
    inner = {}
    for name, version in {"Django": "2.2.0", "PyYAML": "5.3"}.items():
        inner.update(distribution(name, version))
    files = {
        "handler.py": "def handler(event, context):\n    return {'statusCode': 200}\n",
        "requirements.txt": "Jinja2==2.10\nrequests[security]>=2.19  # any will do\n-r more.txt\n",
        "more.txt": "urllib3==1.23\n",
        ".requirements.zip": zipped(inner),
    }
    for name, version in {"Jinja2": "2.10", "requests": "2.19.1", "MarkupSafe": "2.0.1"}.items():
        files.update(distribution(name, version))
    return zipped(files)


def elf_with_section(name, content):
    """A 64-bit ELF of two sections: `name`, and the table of section names (System V ABI, chapter 4)."""
    names = b"\0" + name.encode() + b"\0.shstrtab\0"
    header_len, section_len = 64, 64
    content_at = header_len
    names_at = content_at + len(content)
    table_at = (names_at + len(names) + 7) // 8 * 8
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, table_at, 0, header_len, 0, 0, section_len, 3, 2)
    sections = [
        bytes(section_len),
        struct.pack("<IIQQQQIIQQ", 1, 1, 0, 0, content_at, len(content), 0, 0, 1, 0),
        struct.pack("<IIQQQQIIQQ", 2 + len(name), 3, 0, 0, names_at, len(names), 0, 0, 1, 0),
    ]
    body = header + content + names
    return body + bytes(table_at - len(body)) + b"".join(sections)


def rust_function():
    crates = [("bootstrap", "0.1.0", "local"), ("hyper", "0.14.10", "crates.io"), ("smallvec", "1.6.0", "crates.io")]
    packages = [{"name": n, "version": v, "source": s} for n, v, s in crates]
    packages[0]["root"] = True
    packages.append({"name": "cc", "version": "1.0.0", "source": "crates.io", "kind": "build"})
    data = zlib.compress(json.dumps({"packages": packages}).encode(), 9)
    return zipped({"bootstrap": elf_with_section(".dep-v0", data)})


def image():
    base = {}
    for name, version in {"requests": "2.19.1", "Jinja2": "2.10"}.items():
        base.update(distribution(name, version, "var/task/"))
    base["var/task/node_modules/lodash/package.json"] = package("lodash", "4.17.11")
    top = {
        "var/task/Jinja2-2.10.dist-info/.wh..wh..opq": "",
        "var/task/jinja2/.wh.__init__.py": "",
        "var/task/node_modules/lodash/package.json": package("lodash", "4.17.21"),
    }
    layers = [tarred(base), tarred(top)]
    digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
    config = json.dumps({"architecture": "amd64", "os": "linux",
                         "rootfs": {"type": "layers", "diff_ids": [f"sha256:{d}" for d in digests]}})
    config_name = hashlib.sha256(config.encode()).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": ["orders:latest"],
                            "Layers": [f"{d}/layer.tar" for d in digests]}])
    files = {config_name: config}
    # The upper layer stands first: order is the manifest's to say.
    for digest, layer in reversed(list(zip(digests, layers))):
        files[f"{digest}/layer.tar"] = layer
    files["manifest.json"] = manifest
    return tarred(files)


def main():
    lock_tar = tarred({"package-lock.json": lock({"left-pad": "1.3.0"})})
    made = {
        "node-function.zip": node_function(),
        "python-function.zip": python_function(),
        "rust-function.zip": rust_function(),
        "image.tar": image(),
        "lock.tar.xz": lzma.compress(lock_tar),
        "lock.tar.zst": subprocess.run(["zstd", "-19", "-c"], input=lock_tar, capture_output=True, check=True).stdout,
    }
    for name, content in made.items():
        (OUT / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()

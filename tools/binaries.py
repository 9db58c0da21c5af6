#!/usr/bin/env python3
"""Builds Rust and Go programs in many ways and compares what fnaudit finds in each with what the build tools say is in it.

usage: binaries.py FNAUDIT SCRATCH [rust|go ...] [--only NAME]
  FNAUDIT   the program, or `-` to build only; SCRATCH a folder for the builds, which are kept there and not made again
Needs cargo and go, and their registries for a dozen small packages each. Prints the rows of the tables in docs/binaries.md.

Rust: what is inside is what `cargo tree -e normal,no-proc-macro` says. A row has how many crates these are, how many were
found by name and version, by name alone, and wrongly; then the same with `--lock Cargo.lock`.
Go: what is inside is what `go version -m` says. A row has how many modules these are, how many were found, and wrongly.
"""
import json, os, re, shutil, subprocess, sys

SETS = {
    "text": (["aho-corasick = '1'", "bytecount = '0.6'", "either = '1'", "hex = '0.4'", "itoa = '1'", "semver = '1'",
              "smallvec = '1'", "unicode-width = '0.2'"],
             """let s = a(0); let ac = aho_corasick::AhoCorasick::new([s.as_str(), "b"]).unwrap();
             let mut v: smallvec::SmallVec<[usize; 2]> = ac.find_iter(&s).map(|m| m.start()).collect(); v.insert(a(1).len(), 3);
             let e: either::Either<u8, u16> = either::Left(1);
             println!("{:?} {e} {} {} {:?} {}", v, hex::encode(&s), itoa::Buffer::new().format(s.len()),
                 semver::Version::parse(&s), bytecount::count(s.as_bytes(), b'a') + unicode_width::UnicodeWidthStr::width(&*s));"""),
    "json": (["base64 = '0.22'", "indexmap = '2'", "percent-encoding = '2'", "serde_json = '1'", "tinyvec = { version = '1', features = ['alloc'] }"],
             """use base64::Engine; let s = a(0); let v: serde_json::Value = serde_json::from_str(&s).unwrap();
             let mut m = indexmap::IndexMap::new(); m.insert(s.clone(), v); let mut t: tinyvec::TinyVec<[u8; 4]> = Default::default(); t.insert(a(1).len(), 1);
             println!("{m:?} {:?} {} {}", t, base64::engine::general_purpose::STANDARD.encode(&s), percent_encoding::utf8_percent_encode(&s, percent_encoding::NON_ALPHANUMERIC));"""),
    "net": (["bytes = '1'", "http = '1'", "httparse = '1'", "httpdate = '1'", "log = '0.4'", "mio = { version = '1', features = ['os-poll', 'net'] }",
             "socket2 = '0.5'"],
            """let s = a(0); let mut b = bytes::BytesMut::from(s.as_str()); let c = b.split_to(a(1).len());
            let r = http::Request::get(s.as_str()).body(()); let mut h = [httparse::EMPTY_HEADER; 4]; let mut q = httparse::Request::new(&mut h);
            let p = mio::Poll::new().unwrap(); let k = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None); log::error!("{s}");
            println!("{c:?} {r:?} {:?} {p:?} {k:?} {:?}", q.parse(s.as_bytes()).is_ok(), httpdate::parse_http_date(&s));"""),
    "sync": (["crossbeam-channel = '0.5'", "fastrand = '2'", "once_cell = '1'", "parking_lot = '0.12'", "sha2 = '0.10'", "slab = '0.4'"],
             """use sha2::Digest; let s = a(0); let (t, r) = crossbeam_channel::unbounded(); t.send(s.clone()).unwrap(); let mut l = slab::Slab::new(); let k = l.insert(1);
             static C: once_cell::sync::Lazy<parking_lot::Mutex<u8>> = once_cell::sync::Lazy::new(|| parking_lot::Mutex::new(1)); *C.lock() += 1;
             println!("{:?} {:?} {} {:?}", r.recv(), l.remove(k + a(1).len()), fastrand::u8(..), sha2::Sha256::digest(&s));"""),
}
HOME = os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo"))
# name, set of crates, lines of the release profile, flags of rustc, anything special
RUST = [
    ("release", "text", "", "", ""),
    ("stripped", "json", "strip = true", "", ""),
    ("stripped, opt-level 1", "net", "strip = true\nopt-level = 1", "", ""),
    ("fat LTO, stripped", "text", "strip = true\nlto = 'fat'\ncodegen-units = 1", "", ""),
    ("thin LTO", "net", "lto = 'thin'", "", ""),
    ("opt-level z, stripped", "sync", "strip = true\nopt-level = 'z'", "", ""),
    ("opt-level s, LTO, panic abort, stripped", "json", "strip = true\nopt-level = 's'\nlto = true\npanic = 'abort'", "", ""),
    ("debug information", "json", "debug = true", "", ""),
    ("opt-level 0", "sync", "opt-level = 0", "", ""),
    ("panic abort", "net", "panic = 'abort'", "", ""),
    ("new mangling", "sync", "", "-Csymbol-mangling-version=v0", ""),
    ("paths remapped, stripped", "text", "strip = true", f"--remap-path-prefix={HOME}=/builder", ""),
    ("static PIE, stripped", "sync", "strip = true", "-Ctarget-feature=+crt-static", ""),
    ("no PIE", "text", "", "-Crelocation-model=static", ""),
    ("shared library, stripped", "json", "strip = true", "", "cdylib"),
    ("vendored, stripped", "sync", "strip = true", "", "vendor"),
]
GO_MODULES = [("github.com/google/uuid", "v1.6.0"), ("github.com/pkg/errors", "v0.9.1"), ("gopkg.in/yaml.v2", "v2.4.0"),
              ("golang.org/x/text", "v0.14.0"), ("github.com/dgrijalva/jwt-go", "v3.2.0+incompatible")]
GO_MAIN = """package main
import ("fmt"; "os"; "github.com/google/uuid"; "github.com/pkg/errors"; "gopkg.in/yaml.v2"; "golang.org/x/text/unicode/norm"; jwt "github.com/dgrijalva/jwt-go")
func main() { b, _ := yaml.Marshal(os.Args); fmt.Println(uuid.New(), errors.New(string(b)), norm.NFC.String(os.Args[0]), jwt.New(jwt.SigningMethodHS256)) }
"""
# name, environment, arguments, anything special
GO = [
    ("default", {}, [], ""),
    ("stripped", {}, ["-ldflags=-s -w"], ""),
    ("trimmed paths", {}, ["-trimpath", "-ldflags=-s -w"], ""),
    ("PIE", {}, ["-buildmode=pie"], ""),
    ("PIE, stripped, trimmed", {}, ["-buildmode=pie", "-trimpath", "-ldflags=-s -w"], ""),
    ("not optimized", {}, ["-gcflags=all=-N -l"], ""),
    ("stripped with strip", {}, [], "strip"),
    ("section headers removed", {}, [], "sections"),
    ("shared library", {"CGO_ENABLED": "1"}, ["-buildmode=c-shared"], ""),
    ("linked by the system's linker", {"CGO_ENABLED": "1"}, ["-ldflags=-linkmode=external"], ""),
    ("module replaced by another", {}, [], "replace"),
    ("module replaced by a folder", {}, [], "folder"),
    ("vendored", {}, ["-mod=vendor"], "vendor"),
    ("Windows", {"GOOS": "windows"}, [], ""),
    ("Windows, stripped", {"GOOS": "windows"}, ["-ldflags=-s -w", "-trimpath"], ""),
    ("macOS, arm64", {"GOOS": "darwin", "GOARCH": "arm64"}, [], ""),
    ("Linux, 386", {"GOARCH": "386"}, [], ""),
    ("Go 1.17, pointers", {"GOTOOLCHAIN": "go1.17.13"}, ["-ldflags=-s -w"], "old"),
    ("Go 1.17, PIE", {"GOTOOLCHAIN": "go1.17.13"}, ["-buildmode=pie"], "old"),
]


def run(command, cwd, env=None):
    return subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, check=True, capture_output=True, text=True).stdout


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def found(exe, program, *arguments):
    if exe == "-":
        return [], []
    out = subprocess.run([exe, "inventory", os.path.dirname(program), "--format", "json", *arguments], capture_output=True, text=True)
    report = json.loads(out.stdout)
    return [p for p in report["packages"] if p["scope"] == "shipped"], report["errors"]


def compare(packages, truth):
    """Numbers of those found, found by name alone, and found wrongly; and the wrong ones."""
    exact = {(p["name"], p["version"]) for p in packages if p["version"]}
    plain = lambda name: name.replace("_", "-")
    named = {plain(p["name"]) for p in packages}
    hit = exact & truth
    wrong = (exact - truth) | {(p["name"], None) for p in packages if not p["version"] and plain(p["name"]) not in {plain(n) for n, _ in truth}}
    return len(hit), len({t for t in truth - hit if plain(t[0]) in named}), wrong


def build_rust(folder, crates, profile, flags, special):
    """Builds a program and gives its path and what is in it."""
    library = special == "cdylib"
    program = f"{folder}/out/{'libown.so' if library else 'own'}"
    if not os.path.exists(program):
        dependencies, body = SETS[crates]
        kind = "[lib]\ncrate-type = ['cdylib']\n" if library else ""
        write(f"{folder}/Cargo.toml", "[package]\nname = 'own'\nversion = '0.1.0'\nedition = '2021'\n" + kind + "[dependencies]\n"
              + "\n".join(dependencies) + f"\n[profile.release]\n{profile}\n")
        start = "#[no_mangle]\npub extern \"C\" fn start()" if library else "fn main()"
        write(f"{folder}/src/{'lib' if library else 'main'}.rs",
              "fn a(n: usize) -> String { std::env::args().nth(n).unwrap_or_default() }\n" + start + " {\n" + body + "\n}\n")
        if special == "vendor":
            run(["cargo", "vendor", "-q", "vendor"], folder)
            write(f"{folder}/.cargo/config.toml", '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "vendor"\n')
        run(["cargo", "build", "--release", "-q"], folder, {"RUSTFLAGS": flags, "CARGO_TARGET_DIR": f"{folder}/target"})
        os.makedirs(f"{folder}/out", exist_ok=True)
        os.replace(f"{folder}/target/release/{os.path.basename(program)}", program)
        shutil.rmtree(f"{folder}/target")
    tree = run(["cargo", "tree", "-e", "normal,no-proc-macro", "--prefix", "none", "--no-dedupe"], folder)
    return program, {m.groups() for m in re.finditer(r"^(\S+) v(\S+)", tree, re.M) if m[1] != "own"}


def rust(exe, scratch, only):
    print("| Rust program | inside | name and version | name | wrong | with the lock file | wrong |\n| --- | --- | --- | --- | --- | --- | --- |")
    for number, (name, crates, profile, flags, special) in enumerate(RUST):
        if only and only != name:
            continue
        folder = f"{scratch}/rust/{number}"
        program, truth = build_rust(folder, crates, profile, flags, special)
        row = [f"{name} ({crates})", len(truth)]
        said = []
        for arguments in ([], ["--lock", f"{folder}/Cargo.lock"]):
            packages, errors = found(exe, program, *arguments)
            std = [p["version"] for p in packages if p["name"] == "std"]
            hit, names, wrong = compare([p for p in packages if p["name"] != "std"], truth)
            row += [hit, len(wrong)] if arguments else [hit, names, len(wrong)]
            said += [f"  {'lock: ' if arguments else ''}wrong {sorted(wrong, key=str)}"] * bool(wrong) + [f"  errors {errors}"] * bool(errors)
            said += ["  lock: missing %s" % sorted(truth - {(p["name"], p["version"]) for p in packages})] if arguments and hit < len(truth) else []
            said += [f"  std {std}"] if len(std) != 1 else []
        print("| " + " | ".join(map(str, row)) + " |", *said, sep="\n", flush=True)


def build_go(folder, env, arguments, special):
    """Builds a program and gives its path and what is in it."""
    program = f"{folder}/out/own"
    if not os.path.exists(program):
        env = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -mod=mod" if special != "vendor" else "-buildvcs=false", **env}
        if special == "old":
            env["GOFLAGS"] = "-mod=mod"
        write(f"{folder}/main.go", GO_MAIN)
        requires = "".join(f"\t{path} {version}\n" for path, version in GO_MODULES)
        replace = {"replace": "replace github.com/pkg/errors => github.com/friendsofgo/errors v0.9.2\n",
                   "folder": "replace github.com/pkg/errors => ./errors\n"}.get(special, "")
        write(f"{folder}/go.mod", f"module example.com/own\n\ngo 1.17\n\nrequire (\n{requires})\n{replace}")
        if special == "folder":
            write(f"{folder}/errors/go.mod", "module github.com/pkg/errors\n")
            write(f"{folder}/errors/errors.go", "package errors\nfunc New(s string) string { return s }\n")
        if special == "vendor":
            run(["go", "mod", "tidy"], folder)
            run(["go", "mod", "vendor"], folder)
        run(["go", "build", "-o", program, *arguments, "."], folder, env)
        write(f"{folder}/listed.txt", run(["go", "version", "-m", program], folder))
        if special == "strip":
            run(["strip", program], folder)
        if special == "sections":
            with open(program, "r+b") as file:  # e_shoff, e_shnum and e_shstrndx of a 64-bit ELF file
                file.seek(40), file.write(bytes(8)), file.seek(60), file.write(bytes(4))
        for extra in os.listdir(f"{folder}/out"):
            if extra != "own":
                os.remove(f"{folder}/out/{extra}")
    with open(f"{folder}/listed.txt") as file:
        listed = file.read()
    truth, last = set(), None
    for line in listed.splitlines():
        field = line.split("\t")
        if field[1:2] == ["dep"]:
            last = (field[2], field[3])
            truth.add(last)
        elif field[1:2] == ["=>"]:
            truth.discard(last)
            if field[3].startswith("v"):
                truth.add((field[2], field[3]))
    return program, truth


def go(exe, scratch, only):
    print("| Go program | inside | found | wrong | standard library |\n| --- | --- | --- | --- | --- |")
    for number, (name, env, arguments, special) in enumerate(GO):
        if only and only != name:
            continue
        folder = f"{scratch}/go/{number}"
        program, truth = build_go(folder, env, arguments, special)
        packages, errors = found(exe, program)
        std = [p["version"] for p in packages if p["name"] == "stdlib"]
        hit, _, wrong = compare([p for p in packages if p["name"] != "stdlib"], truth)
        print(f"| {name} | {len(truth)} | {hit} | {len(wrong)} | {', '.join(std)} |", *([f"  wrong {wrong}"] if wrong else []),
              *([f"  errors {errors}"] if errors else []), sep="\n", flush=True)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    only = arguments.pop(arguments.index("--only") + 1) if "--only" in arguments else None
    arguments = [a for a in arguments if a != "--only"]
    exe, scratch = arguments[0], os.path.abspath(arguments[1])
    exe = exe if exe == "-" else os.path.abspath(exe)
    kinds = arguments[2:] or ["rust", "go"]
    for kind in kinds:
        {"rust": rust, "go": go}[kind](exe, scratch, only)

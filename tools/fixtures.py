#!/usr/bin/env python3
"""Makes the archives in fixtures/: small functions with invented code and the names of real packages.

usage: tools/fixtures.py        (needs python3, and the zstd tool for lock.tar.zst)

The same bytes come out each time, so that a change to an archive is a change here. What must be found in each
stands beside it in NAME.expected.txt.
"""
import gzip
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


def gzipped(content):
    return gzip.compress(content, 9, mtime=0)


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


def elf_with_section(name, content, flags=0):
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
        struct.pack("<IIQQQQIIQQ", 1, 1, flags, 0, content_at, len(content), 0, 0, 1, 0),
        struct.pack("<IIQQQQIIQQ", 2 + len(name), 3, 0, 0, names_at, len(names), 0, 0, 1, 0),
    ]
    body = header + content + names
    return body + bytes(table_at - len(body)) + b"".join(sections)


def pe_with_section(name, content, flags=0):
    """A 64-bit PE of one section, without directories (Microsoft's "PE Format")."""
    optional_len = 112
    content_at = 64 + 24 + optional_len + 40
    return b"".join([
        b"MZ".ljust(60, b"\0"), struct.pack("<I", 64),
        b"PE\0\0", struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, optional_len, 0),
        b"\x0b\x02".ljust(optional_len, b"\0"),
        name.encode().ljust(8, b"\0"), struct.pack("<IIII", len(content), 0x1000, len(content), content_at), bytes(12), struct.pack("<I", flags),
        content,
    ])


def macho_with_section(name, content):
    """A 64-bit Mach-O of one segment with one section (`mach-o/loader.h`)."""
    command_len = 72 + 80
    content_at = 32 + command_len
    return b"".join([
        struct.pack("<IIIIIIII", 0xFEEDFACF, 0x0100000C, 0, 2, 1, command_len, 0, 0),
        struct.pack("<II", 0x19, command_len), b"__DATA".ljust(16, b"\0"), bytes(32), struct.pack("<IIII", 0, 0, 1, 0),
        name.encode().ljust(16, b"\0"), b"__DATA".ljust(16, b"\0"),
        struct.pack("<QQI", 0, len(content), content_at), bytes(28),
        content,
    ])


def universal(images):
    """A Mach-O of several architectures, whose own numbers are big-endian."""
    header = struct.pack(">II", 0xCAFEBABE, len(images))
    offset = len(header) + 20 * len(images)
    for image in images:
        header += struct.pack(">IIIII", 0x0100000C, 0, offset, len(image), 0)
        offset += len(image)
    return header + b"".join(images)


def audit_data(crates):
    """What `cargo auditable` leaves in a binary: itself, a build dependency, and the crates in the code."""
    packages = [{"name": "bootstrap", "version": "0.1.0", "source": "local", "root": True}]
    packages += [{"name": name, "version": version, "source": "crates.io"} for name, version in crates.items()]
    packages.append({"name": "cc", "version": "1.0.0", "source": "crates.io", "kind": "build"})
    return zlib.compress(json.dumps({"packages": packages}).encode(), 9)


def rust_function():
    data = audit_data({"hyper": "0.14.10", "smallvec": "1.6.0"})
    return zipped({"bootstrap": elf_with_section(".dep-v0", data)})


def rust_binaries():
    section = ".dep-v0"
    both = [audit_data({"smallvec": "1.6.0"}), audit_data({"smallvec": "1.6.0", "time": "0.1.42"})]
    return zipped({
        "windows/handler.exe": pe_with_section(section, audit_data({"hyper": "0.14.10"})),
        "macos/bootstrap": macho_with_section(section, audit_data({"memoffset": "0.6.1"})),
        "macos/universal": universal([macho_with_section(section, data) for data in both]),
        "linux/stripped": elf_with_section(".text", b"no audit data"),
    })


def go_build_info(release, modules):
    """What Go leaves in a program since 1.18 (`debug/buildinfo`); a mark must begin at a multiple of 16."""
    def text(content):
        length, prefix = len(content), b""
        while length > 0x7F:
            prefix, length = prefix + bytes([length & 0x7F | 0x80]), length >> 7
        return prefix + bytes([length]) + content
    listed = b"".join("\t".join(line).encode() + b"\n" for line in modules)
    return (b"\xff Go buildinf:\x08\x02".ljust(32, b"\0") + text(release.encode()) + text(bytes(16) + listed + bytes(16)))


def programs():
    registry = "/home/me/.cargo/registry/src/index.example-0123456789abcdef/"
    rust = "RUST_BACKTRACE" + "".join([
        "index out of bounds: ", registry, "hyper-0.14.10/src/role.rs",
        registry.replace("/", "\\"), "smallvec-1.6.0\\src\\lib.rs",
        "/rustc/0123456789abcdef0123456789abcdef01234567/library/core/src/fmt/mod.rs",
        "/fn/vendor/time/src/lib.rs", "src/main.rs",
    ])
    go = go_build_info("go1.99.1", [
        ("path", "fn.example/own"), ("mod", "fn.example/own", "(devel)", ""),
        ("dep", "golang.org/x/text", "v0.3.5", "h1:00="),
        ("dep", "gopkg.in/yaml.v2", "v2.2.0"), ("=>", "gopkg.in/yaml.v2", "v2.2.1", "h1:00="),
        ("dep", "fn.example/folder", "v1.0.0"), ("=>", "./folder", "(devel)", ""),
    ])
    align = lambda content, at: bytes(-at % 16) + content
    return zipped({
        "linux/bootstrap": elf_with_section(".rodata", rust.encode(), 2),
        "windows/handler.exe": pe_with_section(".rdata", rust.encode(), 0x40000040),
        "linux/extension": elf_with_section(".go.buildinfo", align(go, 64), 3),
        "windows/extension.exe": pe_with_section(".data", align(go, 64 + 24 + 112 + 40), 0xC0000040),
        "macos/extension": macho_with_section("__go_buildinfo", align(go, 32 + 72 + 80)),
    })


def bundled_packages():
    """Packages as registries have them, carried whole in a bundle. What their authors work with is not in it."""
    workshop = {"requirements.txt": "django==1.0\n", "package-lock.json": lock({"tap": "1.0.0"})}
    egg = {
        "EGG-INFO/PKG-INFO": metadata("Markdown", "2.6.0"),
        "EGG-INFO/requires.txt": "django==1.0\n",
        "markdown/__init__.py": '"""Stands for Markdown."""\n',
        **workshop,
    }
    wheel = {**distribution("PyYAML", "5.3"), **workshop}
    sdist = {
        "PKG-INFO": metadata("paramiko", "2.4.0"),
        "paramiko.egg-info/PKG-INFO": metadata("paramiko", "2.4.0"),
        "paramiko/__init__.py": '"""Stands for paramiko."""\n',
        "setup.cfg": "[options]\ninstall_requires = django==1.0\n",
        **workshop,
    }
    tarball = {"package.json": package("minimist", "1.2.5", dependencies={"tap": "1.0.0"}), **workshop}
    return zipped({
        "handler.py": "def handler(event, context):\n    return {'statusCode': 200}\n",
        "lib/Markdown-2.6.0-py3.9.egg": zipped(egg),
        "wheels/PyYAML-5.3-cp39-cp39-linux_x86_64.whl": zipped(wheel),
        "vendor/paramiko-2.4.0.tar.gz": gzipped(tarred({f"paramiko-2.4.0/{name}": c for name, c in sdist.items()})),
        "vendor/minimist-1.2.5.tgz": gzipped(tarred({f"package/{name}": c for name, c in tarball.items()})),
    })


def manifest(**headers):
    lines = ["Manifest-Version: 1.0", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    # The specification's lines have at most 72 bytes.
    folded = ["\r\n ".join(line[i:i + 70] for i in range(0, len(line), 70)) for line in lines]
    return "\r\n".join(folded) + "\r\n\r\n"


def descriptor(group, artifact, version, xml=False):
    folder = f"META-INF/maven/{group}/{artifact}"
    files = {f"{folder}/pom.properties": f"version={version}\ngroupId={group}\nartifactId={artifact}\n"}
    if xml:
        files[f"{folder}/pom.xml"] = (
            "<project>\n  <parent>\n"
            f"    <groupId>{group}</groupId><artifactId>parent</artifactId><version>{version}</version>\n"
            f"  </parent>\n  <artifactId>{artifact}</artifactId>\n</project>\n")
    return files


def java_function():
    """A function whose libraries were built by Maven, Gradle, Ant and sbt, some of them packed into others."""
    made = b"\xca\xfe\xba\xbe"
    jackson = {**descriptor("com.fasterxml.jackson.core", "jackson-databind", "2.9.8", xml=True),
               "com/fasterxml/jackson/databind/ObjectMapper.class": made}
    only_xml = {name: text for name, text in descriptor("org.apache.logging.log4j", "log4j-core", "2.14.1", xml=True).items()
                if name.endswith(".xml")}
    shaded = {
        "META-INF/MANIFEST.MF": manifest(Created_By="Apache Maven 3.9.6"),
        **descriptor("org.example.shaded", "everything", "1.0.0"),
        **descriptor("com.google.guava", "guava", "18.0"),
        "relocated/com/google/common/Lists.class": made,
    }
    boot = {
        "META-INF/MANIFEST.MF": manifest(Main_Class="org.springframework.boot.loader.JarLauncher", Start_Class="org.example.App"),
        **descriptor("org.example", "service", "1.0.0"),
        "BOOT-INF/classes/org/example/App.class": made,
        "BOOT-INF/lib/spring-core-5.3.17.jar": zipped({
            "META-INF/MANIFEST.MF": manifest(Implementation_Title="spring-core", Implementation_Version="5.3.17"),
            "org/springframework/core/A.class": made,
        }),
        "BOOT-INF/lib/log4j-core-2.14.1.jar": zipped({**only_xml, "org/apache/logging/log4j/core/A.class": made}),
    }
    nebula = manifest(Implementation_Title="io.micrometer#micrometer-core;1.9.0", Implementation_Version="1.9.0")
    sbt = manifest(Implementation_Title="jackson-module-scala", Implementation_Version="2.13.0",
                   Implementation_Vendor_Id="com.fasterxml.jackson.module")
    return zipped({
        "META-INF/MANIFEST.MF": manifest(Created_By="Maven JAR Plugin 3.4.1"),
        **descriptor("org.example", "orders", "1.0.0", xml=True),
        "org/example/Handler.class": made,
        "lib/jackson-databind-2.9.8.jar": zipped(jackson),
        "lib/everything-1.0.0.jar": zipped(shaded),
        "lib/jar-in-jar-2.0.jar": zipped({
            **descriptor("org.example.outer", "jar-in-jar", "2.0"),
            "META-INF/lib/inner.jar": zipped({**descriptor("org.example.inner", "inner", "0.1"), "a/Inner.class": made}),
        }),
        "lib/commons-beanutils-1.7.0.jar": zipped({
            "META-INF/MANIFEST.MF": manifest(Implementation_Version="1.6"),
            "org/apache/commons/beanutils/A.class": made,
        }),
        "lib/micrometer-core-1.9.0.jar": zipped({"META-INF/MANIFEST.MF": nebula, "io/micrometer/A.class": made}),
        "lib/jackson-module-scala_2.13-2.13.0.jar": zipped({"META-INF/MANIFEST.MF": sbt, "com/fasterxml/A.class": made}),
        "lib/kotlin-stdlib-1.6.0.jar": zipped({"kotlin/Unit.class": made, "META-INF/kotlin-stdlib.kotlin_module": b"\0"}),
        "lib/nobody-knows-3.0.jar": zipped({"nobody/Knows.class": made}),
        "lib/service.jar": zipped(boot),
        "lib/messages-1.0.jar": zipped({"messages_de.properties": "hello=Hallo\n"}),
    })


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


def oci_layout():
    base = {
        **distribution("PyYAML", "5.3", "var/task/"),
        **distribution("Jinja2", "2.10", "var/task/"),
        "opt/nodejs/node_modules/minimist/package.json": package("minimist", "1.2.0"),
        "opt/nodejs/node_modules/ms/package.json": package("ms", "2.1.3"),
    }
    top = {
        "var/task/.wh.Jinja2-2.10.dist-info": "",
        "opt/nodejs/node_modules/minimist/package.json": package("minimist", "1.2.6"),
    }
    blobs = {}

    def blob(content, media_type):
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": f"sha256:{digest}", "size": len(content)}

    layers = [tarred(base), tarred(top)]
    diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    manifest = {
        "schemaVersion": 2,
        "config": blob(json.dumps(config).encode(), "config.v1+json"),
        "layers": [blob(gzipped(layer), "layer.v1.tar+gzip") for layer in layers],
    }
    index = {"schemaVersion": 2, "manifests": [blob(json.dumps(manifest).encode(), "manifest.v1+json")]}
    return tarred({
        "oci-layout": json.dumps({"imageLayoutVersion": "1.0.0"}),
        **dict(sorted(blobs.items())),
        "index.json": json.dumps(index),
    })


def hostile():
    """One of each: a name that leads out, a bomb, and files that are not what their names say."""
    return zipped({
        "node_modules/minimist/package.json": package("minimist", "1.2.0"),
        "../../home/user/.ssh/authorized_keys": "ssh-ed25519 not-a-key\n",
        "zeros.bin": bytes(20 << 20),
        "package-lock.json": '{\n  "lockfileVersion": 3,\n  oops\n}\n',
        "requirements.txt": "-r missing.txt\nthis is no requirement\njinja2==2.10\n",
        "cut.zip": zipped({"package.json": package("cut", "1.0.0")})[:-30],
    })


def main():
    lock_tar = tarred({"package-lock.json": lock({"left-pad": "1.3.0"})})
    made = {
        "node-function.zip": node_function(),
        "python-function.zip": python_function(),
        "rust-function.zip": rust_function(),
        "rust-binaries.zip": rust_binaries(),
        "programs.zip": programs(),
        "bundled-packages.zip": bundled_packages(),
        "java-function.zip": java_function(),
        "image.tar": image(),
        "oci-layout.tar": oci_layout(),
        "hostile.zip": hostile(),
        "lock.tar.xz": lzma.compress(lock_tar),
        "lock.tar.zst": subprocess.run(["zstd", "-19", "-c"], input=lock_tar, capture_output=True, check=True).stdout,
    }
    for name, content in made.items():
        (OUT / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()

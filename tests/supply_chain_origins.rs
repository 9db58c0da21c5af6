//! Names like popular packages', dependencies from elsewhere than a registry and known malware, planted in bundles, and
//! what stands near them and is harmless.

mod support;

use serde_json::Value;
use support::{Workplace, zip};

/// A bundle, and the findings about where its packages come from: `RULE SEVERITY PATH[:LINE,LINE] TITLE`.
struct Case {
    what: &'static str,
    files: &'static [(&'static str, &'static str)],
    found: &'static [&'static str],
}

/// A commit, and a tarball's digest.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A digest that holds nothing real.
const DIGEST: &str = "sha512-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa==";

/// `$COMMIT` and `$DIGEST` in the files stand for [`COMMIT`] and [`DIGEST`].
const CASES: &[Case] = &[
    Case {
        what: "package.json without a lock file",
        files: &[(
            "package.json",
            r#"{"dependencies": {
"branch": "git+https://git.example/me/branch.git#main",
"commit": "me/commit#$COMMIT",
"plain": "http://files.example/plain-1.0.0.tgz",
"daemon": "git://git.example/me/daemon.git",
"tarball": "https://files.example/tarball-1.0.0.tgz",
"outside": "file:../outside",
"any": "*",
"tag": "latest",
"range": "^1.0.0",
"pinned": "1.0.0",
"inside": "file:lib/inside",
"linked": "link:../linked",
"member": "workspace:*"
},
"devDependencies": {"dev": "git://git.example/dev.git"}}"#,
        )],
        found: &[
            "FA-ORIGIN-GIT low package.json:3 Dependency from a repository: commit (me/commit#$COMMIT)",
            "FA-ORIGIN-GIT medium package.json:2 Dependency from a repository: branch (git+https://git.example/me/branch.git#main)",
            "FA-ORIGIN-HTTP medium package.json:4,5 Dependency over a plain connection: plain (http://files.example/plain-1.0.0.tgz), daemon (git://git.example/me/daemon.git)",
            "FA-ORIGIN-PATH low package.json:7 Dependency outside the artifact: outside (../outside)",
            "FA-ORIGIN-URL medium package.json:6 Dependency from an address: tarball (https://files.example/tarball-1.0.0.tgz)",
            "FA-UNPINNED low package.json:10 Dependency in no fixed version: range",
            "FA-UNPINNED medium package.json:8,9 Dependency in no fixed version: any, tag",
        ],
    },
    Case {
        what: "package.json beside its lock file, which says more",
        files: &[
            (
                "api/package.json",
                r#"{"dependencies": {"a": "*", "b": "^1.0.0", "c": "me/c#main"}}"#,
            ),
            (
                "api/package-lock.json",
                r#"{"lockfileVersion": 3, "packages": {
"node_modules/a": {"version": "1.0.0", "resolved": "https://registry.example/a/-/a-1.0.0.tgz", "integrity": "$DIGEST"},
"node_modules/b": {"version": "1.0.0", "resolved": "https://npm.example/download/@s/b/1.0.0/0123", "integrity": "$DIGEST"},
"node_modules/c": {"version": "1.0.0", "resolved": "git+ssh://git@git.example/me/c.git#$COMMIT"},
"node_modules/b/node_modules/bundled": {"version": "1.0.0", "inBundle": true},
"node_modules/own": {"resolved": "own", "link": true}
}}"#,
            ),
        ],
        found: &[
            "FA-ORIGIN-GIT low api/package-lock.json:4 Dependency from a repository: c (git+ssh://git@git.example/me/c.git#$COMMIT)",
        ],
    },
    Case {
        what: "package-lock.json of either form",
        files: &[
            (
                "one/package-lock.json",
                r#"{"lockfileVersion": 3, "packages": {
"node_modules/plain": {"version": "1.0.0", "resolved": "http://registry.example/plain/-/plain-1.0.0.tgz"},
"node_modules/held": {"version": "1.0.0", "resolved": "http://registry.example/held/-/held-1.0.0.tgz", "integrity": "$DIGEST"},
"node_modules/unhashed": {"version": "1.0.0", "resolved": "https://registry.example/unhashed/-/unhashed-1.0.0.tgz"},
"node_modules/file": {"version": "1.0.0", "resolved": "https://files.example/file.tgz", "integrity": "$DIGEST"},
"node_modules/empty": {"version": "1.0.0", "integrity": ""},
"node_modules/odd": {"version": "1.0.0", "integrity": "sha512-x"},
"node_modules/upper": {"version": "1.0.0", "resolved": "HTTP://registry.example/upper/-/upper-1.0.0.tgz", "integrity": "x"}
}}"#,
            ),
            (
                "two/npm-shrinkwrap.json",
                r#"{"lockfileVersion": 1, "dependencies": {
"old": {"version": "1.0.0", "resolved": "https://registry.example/old/-/old-1.0.0.tgz"},
"bundled": {"version": "1.0.0", "bundled": true},
"branch": {"version": "github:me/branch#main"}
}}"#,
            ),
        ],
        found: &[
            "FA-LOCK-NO-HASH low one/package-lock.json:4,6,7 Locked without a hash: unhashed, empty, odd",
            "FA-LOCK-NO-HASH low two/npm-shrinkwrap.json:2 Locked without a hash: old",
            "FA-ORIGIN-GIT medium two/npm-shrinkwrap.json:4 Dependency from a repository: branch (github:me/branch#main)",
            "FA-ORIGIN-HTTP high one/package-lock.json:2,8 Dependency over a plain connection: plain (http://registry.example/plain/-/plain-1.0.0.tgz), upper (HTTP://registry.example/upper/-/upper-1.0.0.tgz)",
            "FA-ORIGIN-HTTP medium one/package-lock.json:3 Dependency over a plain connection: held (http://registry.example/held/-/held-1.0.0.tgz)",
            "FA-ORIGIN-URL low one/package-lock.json:5 Dependency from an address: file (https://files.example/file.tgz)",
        ],
    },
    Case {
        what: "the other lock files of npm's world",
        files: &[
            (
                "one/yarn.lock",
                "# yarn lockfile v1\n\na@^1.0.0:\n  version \"1.0.0\"\n  resolved \"http://registry.example/a/-/a-1.0.0.tgz\"\n\n\
                 b@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://registry.example/b/-/b-1.0.0.tgz#$COMMIT\"\n\n\
                 c@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://registry.example/c/-/c-1.0.0.tgz\"\n  integrity $DIGEST\n",
            ),
            (
                "two/yarn.lock",
                "__metadata:\n  version: 8\n\n\"a@npm:1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n\n\
                 \"b@npm:1\":\n  version: 1.0.0\n  resolution: \"b@npm:1.0.0\"\n  checksum: 10c0/x\n\n\
                 \"mac@npm:1\":\n  version: 1.0.0\n  resolution: \"mac@npm:1.0.0\"\n  conditions: os=darwin\n\n\
                 \"own@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"own@workspace:.\"\n",
            ),
            (
                "three/pnpm-lock.yaml",
                "lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: {tarball: https://registry.example/a/-/a-1.0.0.tgz}\n\
                 \x20 b@1.0.0:\n    resolution: {integrity: $DIGEST}\n\
                 \x20 c@https://codeload.example/me/c/tar.gz/$COMMIT:\n    version: 1.0.0\n    resolution: {tarball: https://codeload.example/me/c/tar.gz/$COMMIT}\n",
            ),
            (
                "four/bun.lock",
                "{\"lockfileVersion\": 1, \"packages\": {\n\"a\": [\"a@1.0.0\", \"\", {}, \"\"],\n\"b\": [\"b@1.0.0\", \"\", {}, \"$DIGEST\"],\n\
                 \"c\": [\"c@github:me/c#0123abc\", {}, \"me-c-0123abc\"],\n}}\n",
            ),
        ],
        found: &[
            "FA-LOCK-NO-HASH low four/bun.lock:2 Locked without a hash: a",
            "FA-LOCK-NO-HASH low three/pnpm-lock.yaml:3 Locked without a hash: a",
            "FA-LOCK-NO-HASH low two/yarn.lock:4 Locked without a hash: a",
            "FA-ORIGIN-GIT low four/bun.lock:4 Dependency from a repository: c (github:me/c#0123abc)",
            "FA-ORIGIN-GIT low three/pnpm-lock.yaml:7 Dependency from a repository: c (https://codeload.example/me/c/tar.gz/$COMMIT)",
            "FA-ORIGIN-HTTP high one/yarn.lock:3 Dependency over a plain connection: a (http://registry.example/a/-/a-1.0.0.tgz)",
        ],
    },
    Case {
        what: "requirements files and pip's settings",
        files: &[
            (
                "requirements.txt",
                "--index-url http://me:secret@pypi.example/simple\n--extra-index-url=https://own.example/simple\n\
                 --trusted-host pypi.example\nboto3\nflask>=2\nsix==1.16.0\nattrs\n-c constraints.txt\n\
                 shop @ git+https://git.example/me/shop.git@main\nfile @ https://files.example/file-1.0.zip\n\
                 held @ https://files.example/held-1.0.zip#sha256=00\n-e ../outside\n-e .\n-r more.txt\n",
            ),
            ("constraints.txt", "attrs==23.1.0\n"),
            ("more.txt", "http://files.example/plain-1.0.tar.gz\n"),
            ("not-included.txt", "anything\n"),
            ("requirements-dev.txt", "pytest\n"),
            ("src/requirements.in", "boto3\n"),
            ("src/requirements.txt", "boto3==1.34.0\n"),
            (
                "hashed/requirements.txt",
                "a==1.0 --hash=sha256:00\nb==1.0\n",
            ),
            (
                "pip.conf",
                "[global]\nindex-url = http://pypi.example/simple\n",
            ),
        ],
        found: &[
            "FA-INDEX-EXTRA medium requirements.txt:2 Package index beside the registry: extra-index-url https://own.example/simple",
            "FA-INDEX-INSECURE medium pip.conf:2 Package index without a verified connection: index-url http://pypi.example/simple",
            "FA-INDEX-INSECURE medium requirements.txt:1,3 Package index without a verified connection: index-url http://pypi.example/simple, trusted-host pypi.example",
            "FA-LOCK-NO-HASH low hashed/requirements.txt:2 Locked without a hash: b",
            "FA-ORIGIN-GIT medium requirements.txt:9 Dependency from a repository: shop (git+https://git.example/me/shop.git@main)",
            "FA-ORIGIN-HTTP medium more.txt:1 Dependency over a plain connection: plain (http://files.example/plain-1.0.tar.gz)",
            "FA-ORIGIN-PATH low requirements.txt:12 Dependency outside the artifact: ../outside",
            "FA-ORIGIN-URL low requirements.txt:11 Dependency from an address: held (https://files.example/held-1.0.zip)",
            "FA-ORIGIN-URL medium requirements.txt:10 Dependency from an address: file (https://files.example/file-1.0.zip)",
            "FA-UNPINNED low requirements.txt:4,5 Dependency in no fixed version: boto3, flask",
        ],
    },
    Case {
        what: "Python's lock files",
        files: &[
            (
                "one/poetry.lock",
                "[[package]]\nname = \"a\"\nversion = \"1.0\"\nfiles = []\n\n\
                 [[package]]\nname = \"b\"\nversion = \"1.0\"\nfiles = [{file = \"b.whl\", hash = \"sha256:00\"}]\n\n\
                 [[package]]\nname = \"c\"\nversion = \"1.0\"\nfiles = []\n[package.source]\ntype = \"git\"\nurl = \"https://git.example/c.git\"\nreference = \"main\"\nresolved_reference = \"$COMMIT\"\n\n\
                 [[package]]\nname = \"d\"\nversion = \"1.0\"\nfiles = []\n[package.source]\ntype = \"legacy\"\nurl = \"http://pypi.example/simple\"\nreference = \"own\"\n",
            ),
            (
                "two/poetry.lock",
                "[[package]]\nname = \"a\"\nversion = \"1.0\"\n\n[metadata.files]\na = [{file = \"a.whl\", hash = \"sha256:00\"}]\n",
            ),
            (
                "three/uv.lock",
                "version = 1\n[[package]]\nname = \"a\"\nversion = \"1.0\"\nsource = { registry = \"https://pypi.example/simple\" }\nwheels = [{ url = \"https://pypi.example/a.whl\" }]\n\n\
                 [[package]]\nname = \"b\"\nversion = \"1.0\"\nsource = { registry = \"https://pypi.example/simple\" }\nsdist = { url = \"https://pypi.example/b.tar.gz\", hash = \"sha256:00\" }\n\n\
                 [[package]]\nname = \"own\"\nversion = \"1.0\"\nsource = { virtual = \".\" }\n\n\
                 [[package]]\nname = \"c\"\nversion = \"1.0\"\nsource = { git = \"http://git.example/c.git?rev=main#$COMMIT\" }\n",
            ),
            (
                "four/pdm.lock",
                "[[package]]\nname = \"a\"\nversion = \"1.0\"\nfiles = [{file = \"a.whl\"}]\n\n\
                 [[package]]\nname = \"b\"\nversion = \"1.0\"\ngit = \"https://git.example/b.git\"\nref = \"main\"\nrevision = \"$COMMIT\"\n\n\
                 [[package]]\nname = \"own\"\nversion = \"1.0\"\npath = \"./own\"\n",
            ),
            (
                "five/pylock.toml",
                "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1.0\"\nwheels = [{url = \"https://pypi.example/a.whl\", hashes = {sha256 = \"00\"}}]\n\n\
                 [[packages]]\nname = \"b\"\narchive = {url = \"https://files.example/b.zip\", hashes = {sha256 = \"00\"}}\n",
            ),
            (
                "six/Pipfile.lock",
                "{\"_meta\": {\"sources\": [{\"name\": \"pypi\", \"url\": \"https://pypi.example/simple\", \"verify_ssl\": false}]},\n\"default\": {\n\
                 \"a\": {\"version\": \"==1.0\"},\n\"b\": {\"version\": \"==1.0\", \"hashes\": [\"sha256:00\"]},\n\"own\": {\"path\": \".\"}\n}}\n",
            ),
        ],
        found: &[
            "FA-INDEX-INSECURE medium six/Pipfile.lock Package index without a verified connection: source https://pypi.example/simple",
            "FA-LOCK-NO-HASH low four/pdm.lock:1 Locked without a hash: a",
            "FA-LOCK-NO-HASH low one/poetry.lock:1 Locked without a hash: a",
            "FA-LOCK-NO-HASH low six/Pipfile.lock:3 Locked without a hash: a",
            "FA-LOCK-NO-HASH low three/uv.lock:2 Locked without a hash: a",
            "FA-ORIGIN-GIT low four/pdm.lock:6 Dependency from a repository: b (git+https://git.example/b.git#$COMMIT)",
            "FA-ORIGIN-GIT low one/poetry.lock:11 Dependency from a repository: c (git+https://git.example/c.git#$COMMIT)",
            "FA-ORIGIN-HTTP high one/poetry.lock:21 Dependency over a plain connection: d (http://pypi.example/simple)",
            "FA-ORIGIN-HTTP medium three/uv.lock:19 Dependency over a plain connection: c (git+http://git.example/c.git#$COMMIT)",
            "FA-ORIGIN-URL low five/pylock.toml:7 Dependency from an address: b (https://files.example/b.zip)",
        ],
    },
    Case {
        what: "manifests of Python projects",
        files: &[
            (
                "one/pyproject.toml",
                "[project]\nname = \"own\"\ndependencies = [\n  \"boto3\",\n  \"six==1.16.0\",\n  \"shop @ git+https://git.example/shop.git\",\n]\n\
                 [[tool.uv.index]]\nurl = \"http://pypi.example/simple\"\n",
            ),
            (
                "two/pyproject.toml",
                "[tool.poetry.dependencies]\npython = \"^3.9\"\na = \"^1.0\"\nb = {git = \"https://git.example/b.git\", rev = \"$COMMIT\"}\nc = {path = \"../../c\"}\nd = {path = \"../d\"}\n",
            ),
            (
                "three/Pipfile",
                "[[source]]\nurl = \"http://pypi.example/simple\"\n\n[packages]\na = \"*\"\nb = \"==1.0\"\nc = {git = \"https://git.example/c.git\", ref = \"main\"}\n",
            ),
        ],
        found: &[
            "FA-INDEX-INSECURE medium one/pyproject.toml Package index without a verified connection: source http://pypi.example/simple",
            "FA-INDEX-INSECURE medium three/Pipfile:1 Package index without a verified connection: source http://pypi.example/simple",
            "FA-ORIGIN-GIT low two/pyproject.toml:4 Dependency from a repository: b (git+https://git.example/b.git#$COMMIT)",
            "FA-ORIGIN-GIT medium one/pyproject.toml:6 Dependency from a repository: shop (git+https://git.example/shop.git)",
            "FA-ORIGIN-GIT medium three/Pipfile:7 Dependency from a repository: c (git+https://git.example/c.git#main)",
            "FA-ORIGIN-PATH low two/pyproject.toml:5 Dependency outside the artifact: c (../../c)",
            "FA-UNPINNED low one/pyproject.toml:4 Dependency in no fixed version: boto3",
            "FA-UNPINNED low three/Pipfile:5 Dependency in no fixed version: a",
            "FA-UNPINNED low two/pyproject.toml:3 Dependency in no fixed version: a",
        ],
    },
    Case {
        what: "what is installed",
        files: &[
            (
                "package.json",
                r#"{"dependencies": {"a": "^1.0.0", "b": "github:me/b"}}"#,
            ),
            (
                "node_modules/a/package.json",
                r#"{"name": "a", "version": "1.0.0", "_resolved": "http://registry.example/a.tgz", "dependencies": {"x": "*"},
                "devDependencies": {"y": "git://git.example/y.git"}}"#,
            ),
            (
                "node_modules/b/package.json",
                r#"{"name": "b", "version": "1.0.0"}"#,
            ),
            (
                "node_modules/.package-lock.json",
                r#"{"lockfileVersion": 3, "packages": {
"node_modules/a": {"version": "1.0.0"},
"node_modules/b": {"version": "1.0.0", "resolved": "git+ssh://git@git.example/me/b.git#$COMMIT"}}}"#,
            ),
            (
                "shop-1.0.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n",
            ),
            (
                "shop-1.0.dist-info/direct_url.json",
                r#"{"url": "http://files.example/shop.zip", "archive_info": {}}"#,
            ),
            (
                "repo-1.0.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: repo\nVersion: 1.0\n",
            ),
            (
                "repo-1.0.dist-info/direct_url.json",
                r#"{"url": "https://git.example/repo.git", "vcs_info": {"vcs": "git", "commit_id": "$COMMIT", "requested_revision": "main"}}"#,
            ),
            (
                "wheel-1.0.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: wheel-of-own\nVersion: 1.0\n",
            ),
            (
                "wheel-1.0.dist-info/direct_url.json",
                r#"{"url": "file:///build/wheel-1.0-py3-none-any.whl", "archive_info": {"hash": "sha256=00"}}"#,
            ),
        ],
        found: &[
            "FA-ORIGIN-GIT low node_modules/.package-lock.json:3 Dependency from a repository: b (git+ssh://git@git.example/me/b.git#$COMMIT)",
            "FA-ORIGIN-GIT low repo-1.0.dist-info/direct_url.json Dependency from a repository: repo (git+https://git.example/repo.git#$COMMIT)",
            "FA-ORIGIN-HTTP high shop-1.0.dist-info/direct_url.json Dependency over a plain connection: shop (http://files.example/shop.zip)",
        ],
    },
    Case {
        what: "what an installed package brought along",
        files: &[
            (
                "stamper-1.0.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: stamper\nVersion: 1.0\n",
            ),
            (
                "stamper-1.0.dist-info/RECORD",
                "stamper_data/requirements.txt,,\nstamper_web/package.json,,\nstamper-1.0.dist-info/RECORD,,\n",
            ),
            ("stamper_data/requirements.txt", "flask>=2\n"),
            ("stamper/requirements.txt", "flask>=2\n"),
            (
                "stamper_web/package.json",
                r#"{"dependencies": {"any": "*"}}"#,
            ),
        ],
        found: &[],
    },
    Case {
        what: "Cargo.lock, old and new, and npm's settings",
        files: &[
            (
                "one/Cargo.lock",
                "version = 3\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://index.example\"\n\n\
                 [[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"registry+https://index.example\"\nchecksum = \"00\"\n\n\
                 [[package]]\nname = \"c\"\nversion = \"1.0.0\"\nsource = \"git+https://git.example/c?branch=main#$COMMIT\"\n\n\
                 [[package]]\nname = \"own\"\nversion = \"1.0.0\"\n",
            ),
            (
                "two/Cargo.lock",
                "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://index.example\"\n\n\
                 [metadata]\n\"checksum a 1.0.0 (registry+https://index.example)\" = \"00\"\n",
            ),
            (
                ".npmrc",
                "registry=http://npm.example/\n@own:registry=https://npm.example/\nstrict-ssl=false\n",
            ),
        ],
        found: &[
            "FA-INDEX-INSECURE medium .npmrc:1,3 Package index without a verified connection: registry http://npm.example/, strict-ssl false",
            "FA-LOCK-NO-HASH low one/Cargo.lock:4 Locked without a hash: a",
            "FA-ORIGIN-GIT low one/Cargo.lock:15 Dependency from a repository: c (git+https://git.example/c#$COMMIT)",
        ],
    },
    Case {
        what: "Cargo.toml alone, and beside its lock file",
        files: &[
            (
                "one/Cargo.toml",
                "[package]\nname = \"own\"\n[dependencies]\na = { git = \"https://git.example/a\", branch = \"main\" }\nb = \"1\"\nc = \"*\"\n\
                 d = { path = \"../../d\" }\ne = { path = \"../e\" }\nf = \"=1.0.0\"\n[dev-dependencies]\ng = \"*\"\n\
                 [patch.crates-io]\nh = { git = \"git://git.example/h\" }\n",
            ),
            (
                "two/Cargo.toml",
                "[workspace]\nmembers = [\"api\"]\n[workspace.dependencies]\nz = { git = \"https://git.example/z\" }\nb = \"1\"\n",
            ),
            (
                "two/api/Cargo.toml",
                "[package]\nname = \"api\"\n[dependencies]\nz.workspace = true\nb.workspace = true\nc = \"2\"\n",
            ),
            (
                "two/Cargo.lock",
                "[[package]]\nname = \"z\"\nversion = \"1.0.0\"\nsource = \"git+https://git.example/z#$COMMIT\"\n",
            ),
            (
                "two/vendor/x/Cargo.toml",
                "[package]\nname = \"x\"\n[dependencies]\ny = \"*\"\n",
            ),
        ],
        found: &[
            "FA-ORIGIN-GIT low two/Cargo.lock:2 Dependency from a repository: z (git+https://git.example/z#$COMMIT)",
            "FA-ORIGIN-GIT medium one/Cargo.toml:4 Dependency from a repository: a (git+https://git.example/a#main)",
            "FA-ORIGIN-HTTP medium one/Cargo.toml:13 Dependency over a plain connection: h (git+git://git.example/h)",
            "FA-ORIGIN-PATH low one/Cargo.toml:7 Dependency outside the artifact: d (../../d)",
            "FA-UNPINNED low one/Cargo.toml:5 Dependency in no fixed version: b",
            "FA-UNPINNED medium one/Cargo.toml:6 Dependency in no fixed version: c",
        ],
    },
    Case {
        what: "modules of Go",
        files: &[
            (
                "go.mod",
                "module own.example/fn\ngo 1.21\nrequire (\n\ta.example/a v1.0.0\n\tb.example/b v1.0.0\n\tc.example/c v1.0.0\n\td.example/d v1.0.0\n)\n\
                 replace a.example/a => fork.example/a v1.0.1\nreplace b.example/b => ../b\nreplace c.example/c => ./c\n",
            ),
            ("go.sum", "fork.example/a v1.0.1 h1:A=\n"),
            (
                "other/go.mod",
                "module own.example/other\ngo 1.21\nrequire d.example/d v1.0.0\n",
            ),
            (
                "vendor/x.example/x/go.mod",
                "module x.example/x\nreplace y.example/y => ../../y\n",
            ),
            (
                "Dockerfile",
                "FROM go.example/go\nENV GOINSECURE=git.example GOFLAGS=-mod=mod\nENV GONOSUMDB=git.example/own\nARG GOPROXY=https://proxy.example,direct\n",
            ),
            (".env", "GOFLAGS=\"-mod=mod -insecure\"\n"),
            ("build.sh", "export GOSUMDB=off\nunset GOINSECURE\n"),
        ],
        found: &[
            "FA-INDEX-INSECURE medium .env:1 Package index without a verified connection: GOFLAGS -insecure",
            "FA-INDEX-INSECURE medium Dockerfile:2 Package index without a verified connection: GOINSECURE git.example",
            "FA-INDEX-INSECURE medium build.sh:1 Package index without a verified connection: GOSUMDB off",
            "FA-LOCK-NO-HASH low go.mod:7 Locked without a hash: d.example/d",
            "FA-ORIGIN-GIT low go.mod:9 Dependency from a repository: a.example/a (fork.example/a@v1.0.1)",
            "FA-ORIGIN-PATH low go.mod:10 Dependency outside the artifact: b.example/b (../b)",
        ],
    },
    Case {
        what: "a workspace of Go, and modules that do not list all that is built",
        files: &[
            (
                "go.work",
                "go 1.21\nuse (\n\t./a\n\t./b\n)\nreplace t.example/t => fork.example/t v1.0.0\n",
            ),
            (
                "a/go.mod",
                "module own.example/a\ngo 1.21\nrequire (\n\town.example/b v0.0.0\n\tc.example/c v1.0.0\n)\n",
            ),
            ("a/go.sum", "x.example/x v1.0.0 h1:A=\n"),
            ("b/go.mod", "module own.example/b\ngo 1.21\n"),
            (
                "old/go.mod",
                "module own.example/old\ngo 1.16\nreplace u.example/u => fork.example/u v1.0.0\n",
            ),
        ],
        found: &[
            "FA-LOCK-NO-HASH low a/go.mod:5 Locked without a hash: c.example/c",
            "FA-ORIGIN-GIT low go.work:6 Dependency from a repository: t.example/t (fork.example/t@v1.0.0)",
            "FA-ORIGIN-GIT low old/go.mod:3 Dependency from a repository: u.example/u (fork.example/u@v1.0.0)",
        ],
    },
    Case {
        what: "Composer's files",
        files: &[
            (
                "one/composer.json",
                "{\"name\": \"own/fn\", \"repositories\": [\n{\"type\": \"vcs\", \"url\": \"https://git.example/me/a\"},\n\
                 {\"type\": \"path\", \"url\": \"../../lib\"},\n{\"type\": \"composer\", \"url\": \"http://packages.example\"}],\n\
                 \"config\": {\"secure-http\": false},\n\"require\": {\"php\": \">=8\", \"a/a\": \"dev-main\", \"b/b\": \"*\", \"c/c\": \"1.0.0\"},\n\
                 \"require-dev\": {\"d/d\": \"*\"}}",
            ),
            (
                "two/composer.json",
                "{\"repositories\": {\"a\": {\"type\": \"vcs\", \"url\": \"https://git.example/me/a\"}}, \"require\": {\"a/a\": \"dev-main\", \"b/b\": \"*\"}}",
            ),
            (
                "two/composer.lock",
                "{\"packages\": [\n\
                 {\"name\": \"a/a\", \"version\": \"dev-main\", \"source\": {\"type\": \"git\", \"url\": \"https://git.example/me/a\", \"reference\": \"$COMMIT\"}},\n\
                 {\"name\": \"b/b\", \"version\": \"1.0.0\", \"dist\": {\"type\": \"zip\", \"url\": \"https://api.forge.example/zipball/$COMMIT\", \"shasum\": \"\"}},\n\
                 {\"name\": \"c/c\", \"version\": \"1.0.0\", \"dist\": {\"type\": \"zip\", \"url\": \"http://files.example/c.zip\", \"shasum\": \"\"}}\n\
                 ], \"packages-dev\": []}",
            ),
            (
                "two/vendor/b/b/composer.json",
                "{\"name\": \"b/b\", \"require\": {\"x/x\": \"*\"}}",
            ),
        ],
        found: &[
            "FA-INDEX-INSECURE medium one/composer.json:4,5 Package index without a verified connection: repository http://packages.example, secure-http false",
            "FA-ORIGIN-GIT low two/composer.json:1 Dependency from a repository: https://git.example/me/a",
            "FA-ORIGIN-GIT medium one/composer.json:2 Dependency from a repository: https://git.example/me/a",
            "FA-ORIGIN-HTTP high two/composer.lock:4 Dependency over a plain connection: c/c (http://files.example/c.zip)",
            "FA-ORIGIN-PATH low one/composer.json:3 Dependency outside the artifact: ../../lib",
            "FA-UNPINNED low one/composer.json:6 Dependency in no fixed version: a/a",
            "FA-UNPINNED medium one/composer.json:6 Dependency in no fixed version: b/b",
        ],
    },
    Case {
        what: "what Composer installed, without its lock file",
        files: &[
            (
                "composer.json",
                "{\"repositories\": [{\"type\": \"vcs\", \"url\": \"https://git.example/me/a\"},\n\
                 {\"type\": \"vcs\", \"url\": \"http://git.example/me/b\"}], \"require\": {\"a/a\": \"dev-main\"}}",
            ),
            (
                "vendor/composer/installed.json",
                "{\"packages\": [\n\
                 {\"name\": \"a/a\", \"version\": \"dev-main\", \"source\": {\"type\": \"git\", \"url\": \"https://git.example/me/a\", \"reference\": \"$COMMIT\"}}]}",
            ),
        ],
        found: &[
            "FA-ORIGIN-GIT low composer.json:1 Dependency from a repository: https://git.example/me/a",
            "FA-ORIGIN-HTTP medium composer.json:2 Dependency over a plain connection: http://git.example/me/b",
        ],
    },
    Case {
        what: "Composer's packages that stand in folders of the project",
        files: &[
            (
                "composer.json",
                "{\"repositories\": [{\"type\": \"path\", \"url\": \"packages/*\"}], \"require\": {\n\
                 \"acme/lib\": \"*\", \"acme/tool\": \"@dev\",\n\"b/b\": \"*\"}}",
            ),
            ("packages/tool/composer.json", "{\"name\": \"acme/tool\"}"),
            (
                "vendor/composer/installed.json",
                "{\"packages\": [\n\
                 {\"name\": \"Acme/Lib\", \"version\": \"dev-main\", \"dist\": {\"type\": \"path\", \"url\": \"packages/lib\", \"reference\": \"00\"}}]}",
            ),
        ],
        found: &["FA-UNPINNED medium composer.json:3 Dependency in no fixed version: b/b"],
    },
    Case {
        what: "repositories of which Composer's lock file says the same",
        files: &[
            (
                "composer.json",
                "{\"repositories\": [{\"type\": \"vcs\", \"url\": \"http://git.example/me/a\"},\n\
                 {\"type\": \"vcs\", \"url\": \"http://Forge.example/me/b\"},\n{\"type\": \"vcs\", \"url\": \"http://other.example/me/c\"}], \"require\": {\"a/a\": \"dev-main\"}}",
            ),
            (
                "composer.lock",
                "{\"packages\": [\n\
                 {\"name\": \"a/a\", \"version\": \"dev-main\", \"source\": {\"type\": \"git\", \"url\": \"http://git.example/me/a.git\", \"reference\": \"$COMMIT\"}},\n\
                 {\"name\": \"b/b\", \"version\": \"dev-main\", \"dist\": {\"type\": \"zip\", \"url\": \"http://forge.example/archive/b.zip\", \"shasum\": \"\"}}]}",
            ),
        ],
        found: &[
            "FA-ORIGIN-HTTP high composer.lock:3 Dependency over a plain connection: b/b (http://forge.example/archive/b.zip)",
            "FA-ORIGIN-HTTP medium composer.json:3 Dependency over a plain connection: http://other.example/me/c",
            "FA-ORIGIN-HTTP medium composer.lock:2 Dependency over a plain connection: a/a (http://git.example/me/a.git)",
        ],
    },
    Case {
        what: "manifests among tests, which nobody installs",
        files: &[
            (
                "tests/fixtures/a/Cargo.toml",
                "[dependencies]\na = \"*\"\nb = { git = \"https://git.example/b\" }\n",
            ),
            (
                "tests/fixtures/b/package.json",
                r#"{"dependencies": {"a": "*", "b": "git+https://git.example/b.git"}}"#,
            ),
            ("latest/Cargo.toml", "[dependencies]\na = \"*\"\n"),
        ],
        found: &["FA-UNPINNED medium latest/Cargo.toml:2 Dependency in no fixed version: a"],
    },
    Case {
        what: "Bundler's files",
        files: &[
            (
                "one/Gemfile",
                "source 'http://gems.example'\ngem 'a', git: 'https://git.example/a.git'\ngem 'b', '~> 1.0'\ngem 'c', '1.0'\ngem 'd', path: '../../d'\ngem 'e', group: :test\n",
            ),
            (
                "two/Gemfile",
                "source 'https://gems.example'\ngit 'https://git.example/me/z.git', branch: 'main' do\n  gem 'z'\nend\ngem 'b'\ngemspec\n",
            ),
            (
                "two/Gemfile.lock",
                "GIT\n  remote: https://git.example/me/z.git\n  revision: $COMMIT\n  specs:\n    z (1.0)\n\n\
                 PATH\n  remote: .\n  specs:\n    own (1.0)\n\nGEM\n  remote: https://gems.example/\n  specs:\n    b (1.0)\n    c (1.0)\n\n\
                 PLATFORMS\n  ruby\n\nDEPENDENCIES\n  z!\n  b\n\nCHECKSUMS\n  z (1.0)\n  b (1.0) sha256=00\n  c (1.0)\n  own (1.0)\n\nBUNDLED WITH\n   2.6.0\n",
            ),
            (
                "three/Gemfile.lock",
                "GEM\n  remote: http://gems.example/\n  specs:\n    b (1.0)\n\nPLATFORMS\n  ruby\n",
            ),
        ],
        found: &[
            "FA-INDEX-INSECURE medium one/Gemfile:1 Package index without a verified connection: source http://gems.example",
            "FA-LOCK-NO-HASH low two/Gemfile.lock:16 Locked without a hash: c",
            "FA-ORIGIN-GIT low two/Gemfile.lock:5 Dependency from a repository: z (git+https://git.example/me/z.git#$COMMIT)",
            "FA-ORIGIN-GIT medium one/Gemfile:2 Dependency from a repository: a (git+https://git.example/a.git)",
            "FA-ORIGIN-HTTP high three/Gemfile.lock:4 Dependency over a plain connection: b (http://gems.example/)",
            "FA-ORIGIN-PATH low one/Gemfile:5 Dependency outside the artifact: d (../../d)",
            "FA-UNPINNED low one/Gemfile:3 Dependency in no fixed version: b",
        ],
    },
    Case {
        what: "names like popular packages'",
        files: &[
            (
                "node_modules/lodahs/package.json",
                r#"{"name": "lodahs", "version": "1.0.0"}"#,
            ),
            (
                "node_modules/lоdash/package.json",
                r#"{"name": "lоdash", "version": "1.0.0"}"#,
            ),
            (
                "node_modules/lodash/package.json",
                r#"{"name": "lodash", "version": "4.17.21"}"#,
            ),
            (
                "node_modules/preact/package.json",
                r#"{"name": "preact", "version": "10.0.0"}"#,
            ),
            (
                "node_modules/@bable/core/package.json",
                r#"{"name": "@bable/core", "version": "7.0.0"}"#,
            ),
            (
                "python_dateutils-1.0.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: python_dateutils\nVersion: 1.0\n",
            ),
            ("app.lock/requirements.txt", "reqeusts==2.0\n"),
            (
                "Cargo.lock",
                "[[package]]\nname = \"serdejson\"\nversion = \"1.0.0\"\nsource = \"registry+https://index.example\"\nchecksum = \"00\"\n",
            ),
        ],
        found: &[
            "FA-TYPOSQUAT high node_modules/lоdash/package.json Name like a popular package's: lоdash is lodash with letters of another alphabet",
            "FA-TYPOSQUAT medium Cargo.lock Name like a popular package's: serdejson is serde_json with other separators",
            "FA-TYPOSQUAT medium app.lock/requirements.txt:1 Name like a popular package's: reqeusts is requests with two letters swapped",
            "FA-TYPOSQUAT medium node_modules/@bable/core/package.json Name like a popular package's: @bable/core is @babel/core with a scope like @babel",
            "FA-TYPOSQUAT medium node_modules/lodahs/package.json Name like a popular package's: lodahs is lodash with two letters swapped",
            "FA-TYPOSQUAT medium python_dateutils-1.0.dist-info/METADATA Name like a popular package's: python-dateutils is python-dateutil with “s” added",
        ],
    },
];

fn audited(work: &Workplace, files: &[(&str, &str)], args: &[&str]) -> Value {
    let files: Vec<(String, String)> = files
        .iter()
        .map(|(path, text)| {
            (
                (*path).to_owned(),
                text.replace("$COMMIT", COMMIT).replace("$DIGEST", DIGEST),
            )
        })
        .collect();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_bytes()))
        .collect();
    work.file("fn.zip", zip(&files));
    let mut all = vec!["fn.zip", "--format", "json", "-q"];
    all.extend(args);
    let run = work.run(&all);
    assert_ne!(run.status, 2, "{}", run.stderr);
    run.json()
}

fn rows(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let ours = findings.filter(|finding| finding["kind"] == "supply-chain");
    let mut rows: Vec<String> = ours.map(row).collect();
    rows.sort();
    rows
}

fn row(finding: &Value) -> String {
    let text = |field: &str| finding[field].as_str().unwrap();
    let locations = finding["locations"].as_array().unwrap();
    let path = locations[0]["path"].as_str().unwrap();
    let path = path.strip_prefix("fn.zip!/").unwrap();
    assert!(locations.iter().all(|l| l["path"] == locations[0]["path"]));
    let lines = locations.iter().filter_map(|l| l["line"].as_u64());
    let lines: Vec<String> = lines.map(|line| line.to_string()).collect();
    let lines = if lines.is_empty() {
        String::new()
    } else {
        format!(":{}", lines.join(","))
    };
    let (rule, severity, title) = (text("rule"), text("severity"), text("title"));
    format!("{rule} {severity} {path}{lines} {title}").replace(COMMIT, "$COMMIT")
}

#[test]
fn what_is_planted_is_found_and_nothing_else() {
    let mut wrong = Vec::new();
    for case in CASES {
        let found = rows(&audited(&Workplace::new(), case.files, &[]));
        if found != case.found {
            wrong.push(format!("{}:\n{}", case.what, found.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn at_least_sixty_are_planted() {
    let lines = |found: &&str| found.split(' ').nth(2).unwrap().matches(',').count() + 1;
    let planted = CASES.iter().flat_map(|case| case.found);
    assert!(planted.map(lines).sum::<usize>() >= 60);
}

#[test]
fn a_thousand_rows_are_one_finding() {
    let rows = (0..1000)
        .map(|n| format!("package-{n}\n"))
        .collect::<String>();
    let report = audited(&Workplace::new(), &[("requirements.txt", &rows)], &[]);
    let findings = report["findings"].as_array().unwrap();
    let [finding] = &findings[..] else {
        panic!("{findings:?}");
    };
    let title = "Dependency in no fixed version: package-0, package-1, package-2 and 997 more";
    assert_eq!(finding["title"], title);
    assert_eq!(finding["locations"].as_array().unwrap().len(), 1000);
}

#[test]
fn a_lock_file_that_the_user_names_says_the_versions() {
    let work = Workplace::new();
    let lock = r#"{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0"}}}"#;
    work.file("elsewhere/package-lock.json", lock);
    let files = [("package.json", r#"{"dependencies": {"a": "*"}}"#)];
    assert_eq!(rows(&audited(&work, &files, &[])).len(), 1);
    let args = ["--lock", "elsewhere/package-lock.json"];
    assert!(rows(&audited(&work, &files, &args)).is_empty());
}

#[test]
fn fingerprints_stay_where_the_artifact_lies_elsewhere_and_change_with_the_packages() {
    let fingerprints = |name: &str, lock: &str| {
        let work = Workplace::new();
        work.zip(name, &[("Cargo.lock", lock.as_bytes())]);
        let report = work.report(name);
        let findings = report["findings"].as_array().unwrap().iter();
        let prints = findings.map(|finding| finding["fingerprint"].as_str().unwrap().to_owned());
        prints.collect::<Vec<_>>()
    };
    let row = |name: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"git+https://git.example/{name}\"\n"
        )
    };
    let first = fingerprints("fn.zip", &row("a"));
    assert_eq!(first.len(), 1);
    assert_eq!(fingerprints("other/name.zip", &row("a")), first);
    assert_ne!(fingerprints("fn.zip", &(row("a") + &row("b"))), first);
}

#[test]
fn the_kind_can_be_asked_for_and_left_out() {
    let work = Workplace::new();
    let files = [("requirements.txt", "reqeusts\n")];
    let kinds = |args: &[&str]| rows(&audited(&work, &files, args)).len();
    assert_eq!(kinds(&["--only", "supply-chain"]), 2);
    assert_eq!(kinds(&["--skip", "supply-chain"]), 0);
    assert_eq!(kinds(&["--only", "vulnerability"]), 0);
}

#[test]
fn the_table_shows_them_with_what_to_do() {
    let work = Workplace::new();
    let package = br#"{"name": "lodahs", "version": "1.0.0"}"#;
    let lock = br#"{"lockfileVersion": 3, "packages": {
"node_modules/a": {"version": "1.0.0", "resolved": "http://registry.example/a/-/a-1.0.0.tgz"}}}"#;
    let files: [(&str, &[u8]); 2] = [
        ("node_modules/lodahs/package.json", package),
        ("package-lock.json", lock),
    ];
    work.zip("fn.zip", &files);
    let run = work.run(&["fn.zip", "-q"]);
    assert_eq!(run.status, 1, "{}", run.stdout);
    for text in [
        "Dependency over a plain connection: a (http://registry.example/a/-/a-1.0.0.tgz)",
        "lodahs is lodash with two letters swapped",
        "package-lock.json:2",
        "make sure that lodahs is meant",
    ] {
        assert!(run.stdout.contains(text), "{text}\n{}", run.stdout);
    }
}

/// A package for each kind of evidence, all of whose versions are malware.
#[test]
fn known_malware_is_found_by_whatever_names_it() {
    let work = Workplace::new();
    let packages = [
        ("npm", "mal-installed"),
        ("npm", "mal-mapped"),
        ("npm", "mal-locked"),
        ("npm", "mal-asked-for"),
        ("PyPI", "mal-wheel"),
        ("PyPI", "mal-required"),
        ("crates.io", "mal-crate"),
        ("RubyGems", "mal-gem"),
    ];
    for (number, (ecosystem, name)) in packages.iter().enumerate() {
        let record = serde_json::json!({"id": format!("MAL-2026-{number}"), "modified": "2026-01-01T00:00:00Z",
            "affected": [{"package": {"ecosystem": ecosystem, "name": name},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]});
        work.file(&format!("records/{number}.json"), record.to_string());
    }
    let import = work.run(&["db", "import", "records", "--db", "db"]);
    assert_eq!(import.status, 0, "{}", import.stderr);
    let files = [
        (
            "node_modules/mal-installed/package.json",
            r#"{"name": "mal-installed", "version": "1.0.0"}"#,
        ),
        (
            "dist/index.js.map",
            r#"{"version": 3, "sources": ["../node_modules/mal-mapped/index.js"], "mappings": "AAAA"}"#,
        ),
        (
            "package-lock.json",
            r#"{"lockfileVersion": 3, "packages": {"node_modules/mal-locked": {"version": "1.0.0", "integrity": "sha512-x"}}}"#,
        ),
        (
            "package.json",
            r#"{"dependencies": {"mal-asked-for": "^1.0.0"}}"#,
        ),
        (
            "mal_wheel-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: Mal_Wheel\nVersion: 1.0\n",
        ),
        ("requirements.txt", "mal-required\n"),
        (
            "Cargo.lock",
            "[[package]]\nname = \"mal-crate\"\nversion = \"1.0.0\"\nsource = \"registry+https://index.example\"\nchecksum = \"00\"\n",
        ),
        ("Gemfile.lock", "GEM\n  specs:\n    mal-gem (1.0.0)\n"),
    ];
    let report = audited(&work, &files, &["--db", "db", "--only", "malware"]);
    let findings = report["findings"].as_array().unwrap().iter();
    let mut found: Vec<&str> = findings
        .map(|finding| {
            assert_eq!(finding["rule"], "FA-MALWARE", "{finding}");
            assert_eq!(finding["severity"], "critical", "{finding}");
            let purl = finding["package"].as_str().unwrap();
            let purl = purl.rsplit_once('/').unwrap().1;
            purl.split_once('@').map_or(purl, |(name, _)| name)
        })
        .collect();
    found.sort_unstable();
    let mut expected = packages.map(|(_, name)| name);
    expected.sort_unstable();
    assert_eq!(found, expected);
}

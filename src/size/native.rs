//! Native code that does not start on the platform: for another system or architecture, or for a newer C library.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::detect::Runtime;
use super::headers::NativeFile;
use super::rules;
use super::usage::Placed;
use super::{Amount, Deployment};
use crate::assess::fingerprint;
use crate::component::Ecosystem;
use crate::finding::{EntryPath, Finding, Location};
use crate::inventory::binary::Platform;

/// The C library of a runtime.
struct Glibc {
    language: &'static str,
    /// From this version of the runtime on.
    from: (u32, u32),
    glibc: (u32, u32),
}

/// AWS Lambda's, by the system that a runtime is on: "Supported runtimes" of
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html>. Amazon Linux 2023 has glibc 2.34
/// (<https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html>), both read on 2026-11-28; Amazon Linux 2 has 2.26 (its
/// release notes, not read at their source).
const LAMBDA: &[Glibc] = &[
    Glibc {
        language: "python",
        from: (3, 8),
        glibc: (2, 26),
    },
    Glibc {
        language: "python",
        from: (3, 12),
        glibc: (2, 34),
    },
    Glibc {
        language: "nodejs",
        from: (10, 0),
        glibc: (2, 26),
    },
    Glibc {
        language: "nodejs",
        from: (20, 0),
        glibc: (2, 34),
    },
];
/// That of the newest of its systems, where the runtime is not known.
const NEWEST_OF_LAMBDA: (u32, u32) = (2, 34);
/// What its functions run on: <https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html>.
const LAMBDA_ARCHITECTURES: [&str; 2] = ["x86_64", "arm64"];
const DEFAULT_ARCHITECTURE: &str = "x86_64";

fn glibc_of(runtime: Option<Runtime>) -> (u32, u32) {
    let Some(runtime) = runtime else {
        return NEWEST_OF_LAMBDA;
    };
    let rows = LAMBDA.iter().filter(|row| {
        row.language == runtime.language && row.from <= (runtime.major, runtime.minor)
    });
    rows.map(|row| row.glibc).max().unwrap_or(NEWEST_OF_LAMBDA)
}

/// What will not start. An image has a system of its own.
pub(super) fn findings(deployment: &Deployment) -> Vec<Finding> {
    if deployment.is_image() || !deployment.is_for_linux() {
        return Vec::new();
    }
    let loaded = loaded(deployment);
    let groups = groups(&loaded);
    let main = main_architecture(&groups);
    let mut findings = Vec::new();
    if deployment.platform.is_some_and(|p| p.name == "aws-lambda") {
        findings.extend(newer_glibc(deployment, &loaded, main));
    }
    findings.extend(other_machines(&groups, main));
    findings
}

/// What strip would remove, by the headers.
pub(super) fn symbols(deployment: &Deployment) -> Amount {
    let mut amount = Amount {
        packed_bytes: None,
        ..Amount::default()
    };
    for files in by_path(deployment).values() {
        let bytes: u64 = files.iter().map(|file| file.symbol_bytes).sum();
        if bytes > 0 {
            amount.files += 1;
            amount.unpacked_bytes += bytes;
        }
    }
    amount
}

/// Of the deployed files; a universal binary has several images.
fn by_path<'a>(deployment: &Deployment<'a>) -> HashMap<&'a EntryPath, Vec<&'a NativeFile>> {
    let mut found: HashMap<&EntryPath, Vec<&NativeFile>> = HashMap::new();
    for file in deployment.parts.iter().flat_map(|part| &part.native) {
        found.entry(&file.path).or_default().push(file);
    }
    found
}

/// A native file that the function may load or start.
struct Loaded<'a> {
    path: &'a EntryPath,
    images: Vec<&'a NativeFile>,
    place: Place,
}

/// What a native file is one of.
struct Place {
    /// The package, or the file, without what says their platform.
    group: String,
    /// Of those of a group that bear the same name one is chosen when it runs.
    name: String,
    /// Whether it came with a package.
    is_packaged: bool,
    /// Whether it is loaded into the function, and no program beside it.
    is_module: bool,
}

fn loaded<'a>(deployment: &Deployment<'a>) -> Vec<Loaded<'a>> {
    let mut native = by_path(deployment);
    let files = deployment.placed.iter().filter_map(|placed| {
        let path = &placed.file.path;
        let images = native.remove(path)?;
        let place = place(deployment, placed)?;
        Some(Loaded {
            path,
            images,
            place,
        })
    });
    files.collect()
}

fn newer_glibc(
    deployment: &Deployment,
    loaded: &[Loaded],
    main: Option<&'static str>,
) -> Option<Finding> {
    let has = glibc_of(deployment.runtime);
    let is_for_main = |image: &&&NativeFile| {
        image.system == Platform::Unix && (main.is_none() || image.architecture == main)
    };
    let needs = loaded
        .iter()
        .filter(|file| file.place.is_module)
        .filter_map(|file| {
            let images = file.images.iter().filter(is_for_main);
            let glibc = images.filter_map(|image| image.glibc).max()?;
            Some(((&file.place.group, &file.place.name), file.path, glibc))
        });
    let needs: Vec<_> = needs.collect();
    let fitting = needs.iter().filter(|(_, _, glibc)| *glibc <= has);
    let fitting: HashSet<_> = fitting.map(|(name, _, _)| *name).collect();
    let mut newest = has;
    let mut paths = Vec::new();
    for (name, path, glibc) in needs {
        if glibc > has && !fitting.contains(&name) {
            newest = newest.max(glibc);
            paths.push(Location::from(path.clone()));
        }
    }
    let first = paths.first()?.path.inner().to_owned();
    let rule = &rules::NATIVE_GLIBC;
    let runtime = match deployment.runtime {
        Some(runtime) => format!("that of {runtime}"),
        None => "the newest that AWS Lambda has".to_owned(),
    };
    let title = format!(
        "{}: {} where {runtime} is {}.{}",
        rule.title,
        match paths.len() {
            1 => format!("{first} needs glibc {}.{}", newest.0, newest.1),
            n => format!("{n} files need up to glibc {}.{}", newest.0, newest.1),
        },
        has.0,
        has.1
    );
    Some(Finding::of(
        rule,
        title,
        paths,
        fingerprint(rule.id, &[&first]),
    ))
}

/// What is native in one package, or in those that differ by their platform alone.
#[derive(Default)]
struct Group<'a> {
    linux: BTreeSet<&'static str>,
    others: BTreeSet<&'static str>,
    files: Vec<&'a EntryPath>,
    is_packaged: bool,
}

impl Group<'_> {
    /// Whether it can have been meant for functions at all. Jars and programs bring libraries for many machines, whose
    /// folders anyone names as they like: one for a machine that no function has stands in for none.
    fn may_be_meant(&self) -> bool {
        let mut linux = self.linux.iter();
        self.is_packaged
            || self.linux.is_empty()
            || linux.any(|name| LAMBDA_ARCHITECTURES.contains(name))
    }
}

fn groups<'a>(loaded: &'a [Loaded<'a>]) -> BTreeMap<&'a str, Group<'a>> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for file in loaded {
        let group = groups.entry(&file.place.group).or_default();
        group.files.push(file.path);
        group.is_packaged |= file.place.is_packaged;
        for image in &file.images {
            match image.system {
                Platform::Unix => group.linux.extend(image.architecture),
                Platform::Apple => drop(group.others.insert("macOS")),
                Platform::Windows => drop(group.others.insert("Windows")),
            }
        }
    }
    groups
}

/// The one that most is there for.
fn main_architecture(groups: &BTreeMap<&str, Group>) -> Option<&'static str> {
    let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
    for architecture in groups.values().flat_map(|group| &group.linux) {
        if LAMBDA_ARCHITECTURES.contains(architecture) {
            *votes.entry(architecture).or_default() += 1;
        }
    }
    // As many for one as for the other: the one that functions have unless they ask for the other.
    let by_votes = |name: &&str| (votes.get(name).copied(), *name == DEFAULT_ARCHITECTURE);
    votes.keys().copied().max_by_key(by_votes)
}

/// Packages that have native code, but none for the architecture that the rest of the deployment is for, or none for
/// Linux at all.
fn other_machines(groups: &BTreeMap<&str, Group>, main: Option<&'static str>) -> Vec<Finding> {
    let groups = groups.iter().filter(|(_, group)| group.may_be_meant());
    let found = groups.filter_map(|(name, group)| {
        let what = if group.linux.is_empty() {
            let others: Vec<&str> = group.others.iter().copied().collect();
            (!others.is_empty()).then(|| format!("{name} is built for {}", others.join(" and ")))?
        } else {
            let main = main.filter(|main| !group.linux.contains(main))?;
            let built: Vec<&str> = group.linux.iter().copied().collect();
            format!(
                "{name} is built for {}, the rest for {main}",
                built.join(" and ")
            )
        };
        let rule = &rules::NATIVE_ARCHITECTURE;
        let title = format!("{}: {what}", rule.title);
        let locations = group
            .files
            .iter()
            .map(|path| Location::from((*path).clone()));
        Some(Finding::of(
            rule,
            title,
            locations.collect(),
            fingerprint(rule.id, &[name]),
        ))
    });
    found.collect()
}

/// Parts of the names of packages, folders and files that say which platform they are for: as npm packages, the
/// `runtimes` of .NET (<https://learn.microsoft.com/dotnet/core/rid-catalog>) and libraries in jars spell them. First
/// the systems, behind whose names a width may stand: `linux64`.
const SYSTEM_PARTS: &[&str] = &[
    "aix",
    "android",
    "bionic",
    "darwin",
    "dragonfly",
    "dragonflybsd",
    "freebsd",
    "illumos",
    "kfreebsd",
    "linux",
    "linuxmusl",
    "mac",
    "macos",
    "netbsd",
    "openbsd",
    "openharmony",
    "osx",
    "solaris",
    "sunos",
    "tizen",
    "unix",
    "win",
    "win32",
    "win64",
    "windows",
];
const OTHER_PARTS: &[&str] = &[
    // C libraries.
    "alpine",
    "eabi",
    "eabihf",
    "glibc",
    "gnu",
    "gnueabi",
    "gnueabihf",
    "msvc",
    "musl",
    "musleabi",
    "musleabihf",
    // Architectures.
    "aarch",
    "aarch64",
    "amd64",
    "arm",
    "arm64",
    "armel",
    "armhf",
    "armv5",
    "armv6",
    "armv6l",
    "armv7",
    "armv7l",
    "armv8",
    "i386",
    "i586",
    "i686",
    "ia32",
    "loong64",
    "loongarch64",
    "mips",
    "mips64",
    "mips64el",
    "mipsel",
    "ppc",
    "ppc64",
    "ppc64le",
    "ppcle",
    "riscv64",
    "s390x",
    "sparc",
    "sparc64",
    "sparcv9",
    "universal",
    "x64",
    "x86",
];

fn is_platform_part(part: &str) -> bool {
    SYSTEM_PARTS.contains(&part) || OTHER_PARTS.contains(&part) || is_system_with_width(part)
}

/// The numbers in `x86_64` and `linux-64`.
fn is_width(part: &str) -> bool {
    matches!(part, "32" | "64")
}

/// `linux64`, which says a system and an architecture at once. `win32` does not: so Node.js calls Windows of any width.
fn is_system_with_width(part: &str) -> bool {
    let system = part.strip_suffix("32").or(part.strip_suffix("64"));
    system.is_some_and(|system| SYSTEM_PARTS.contains(&system)) && !SYSTEM_PARTS.contains(&part)
}

fn name_parts(lower: &str) -> impl Iterator<Item = &str> {
    lower.split(['-', '_', '.', '/'])
}

/// Without the parts that say a platform; none where there is no such part.
fn without_platform(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    if !name_parts(&lower).any(is_platform_part) {
        return None;
    }
    let kept = name_parts(&lower).filter(|part| !is_platform_part(part) && !is_width(part));
    Some(kept.collect::<Vec<_>>().join("-"))
}

/// Whether a name says a system and an architecture, as `win-ca` does not.
fn names_machine(name: &str) -> bool {
    let lower = name.to_lowercase();
    let says = |part: &str| match part {
        part if is_system_with_width(part) => 2,
        part => usize::from(is_platform_part(part) || is_width(part)),
    };
    name_parts(&lower).map(says).sum::<usize>() > 1
}

/// A path without the folders, and the parts of the name of the file, that say a platform.
fn path_without_platform(path: &str) -> String {
    let parts = path
        .split('/')
        .filter_map(|part| match without_platform(part) {
            Some(rest) => {
                let is_number = |rest: &str| rest.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                (!is_number(&rest)).then_some(rest)
            }
            None => Some(part.to_owned()),
        });
    parts.collect::<Vec<_>>().join("/")
}

/// Whether Python imports it, or what it imports needs it: <https://peps.python.org/pep-3149/>, and the folders that
/// auditwheel makes.
fn is_extension_module(path: &str) -> bool {
    let is_library = path.ends_with(".so") || path.contains(".so.");
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    (is_library
        && (name.contains(".cpython-") || name.contains(".abi3.") || path.contains(".libs/")))
        || (name.ends_with(".pyd") && name.contains(".cp"))
}

/// What a native file is one of. None of what need not run: programs beside the code are often for several systems, and
/// a package for one other system may say so itself.
fn place(deployment: &Deployment, placed: &Placed) -> Option<Place> {
    let path = placed.path();
    let is_library = path.ends_with(".so") || path.ends_with(".pyd") || path.contains(".so.");
    let is_node_module = path.ends_with(".node");
    let owner = placed
        .owner
        .filter(|owner| matches!(owner.ecosystem, Ecosystem::Npm | Ecosystem::PyPi));
    let Some(owner) = owner else {
        let group = path_without_platform(path);
        return (is_library || is_node_module || path == "bootstrap").then(|| Place {
            name: group.clone(),
            group,
            is_packaged: false,
            is_module: true,
        });
    };
    let package = &deployment.packages.get(owner.component)?.name;
    if owner.ecosystem == Ecosystem::PyPi {
        // Of a package's modules each is needed, and none stands for another.
        return is_extension_module(path).then(|| Place {
            group: package.clone(),
            name: path.to_owned(),
            is_packaged: true,
            is_module: true,
        });
    }
    if !deployment.tree.is_for_linux(owner.component) {
        return None;
    }
    // Of one for a certain machine its programs count too.
    if !is_node_module && !names_machine(package) {
        return None;
    }
    let for_one = without_platform(package).filter(|rest| !rest.is_empty());
    let within = placed.within(Ecosystem::Npm).unwrap_or(path);
    Some(Place {
        group: for_one.unwrap_or_else(|| package.clone()),
        name: path_without_platform(within),
        is_packaged: true,
        is_module: is_node_module || is_library,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_several_platforms_are_one() {
        for (path, expected) in [
            ("native/linux-x64/a.node", "native/a.node"),
            ("native/Linux/x86_64/liba.so", "native/liba.so"),
            ("a/linux-x86-64/libb.so", "a/libb.so"),
            (
                "runtimes/osx.10.12-x64/native/liba.so",
                "runtimes/native/liba.so",
            ),
            ("a.linux-x64-gnu.node", "a-node"),
            ("a.darwin-arm64.node", "a-node"),
            ("lib/b.node", "lib/b.node"),
            ("libn_x86_64.so", "libn-so"),
            ("libn_aarch_64.so", "libn-so"),
            ("com/a/linux-armel/libb.so", "com/a/libb.so"),
            ("native/linux32/liba.so", "native/liba.so"),
            ("native/freebsd64/liba.so", "native/liba.so"),
            ("dragonflybsd-x86-64/liba.so", "liba.so"),
            ("libn-linux64-musl.so", "libn-so"),
            ("libb64.so", "libb64.so"),
            ("unicode32/liba.so", "unicode32/liba.so"),
        ] {
            assert_eq!(path_without_platform(path), expected, "{path}");
        }
        for name in [
            "@p/watcher-linux-x64-glibc",
            "@p/watcher-openharmony-arm64",
            "@p/watcher-linux-arm-eabihf",
        ] {
            assert_eq!(
                without_platform(name).as_deref(),
                Some("@p-watcher"),
                "{name}"
            );
        }
        assert_eq!(without_platform("sharp"), None);
        assert!(names_machine("turbo-linux-64") && names_machine("@e/linux-x64"));
        assert!(names_machine("turbo-linux64"));
        assert!(!names_machine("win-ca") && !names_machine("a-win32"));
    }

    /// What is said of groups of native files for Linux, of packages or of none, beside others for x86_64.
    fn said(files: &[(&str, &'static str, bool)]) -> Vec<String> {
        let path = EntryPath::new(&"fn.zip!/".into(), "a.so");
        let mut groups = BTreeMap::from([("b", Group::default()), ("c", Group::default())]);
        for group in groups.values_mut() {
            group.linux.insert("x86_64");
        }
        for (name, architecture, is_packaged) in files {
            let group = groups.entry(name).or_default();
            group.linux.insert(architecture);
            group.files.push(&path);
            group.is_packaged = *is_packaged;
        }
        let findings = other_machines(&groups, Some("x86_64")).into_iter();
        findings.map(|finding| finding.title).collect()
    }

    #[test]
    fn what_no_function_runs_on_is_told_of_packages_alone() {
        assert_eq!(said(&[("a", "i386", false), ("d", "arm", false)]), [""; 0]);
        assert_eq!(said(&[("a", "i386", true)]).len(), 1);
        assert_eq!(said(&[("a", "arm64", false)]).len(), 1);
        assert_eq!(
            said(&[("a", "arm64", false), ("a", "x86_64", false)]),
            [""; 0]
        );
    }

    #[test]
    fn of_python_extension_modules_count_alone() {
        for path in [
            "a/b.cpython-312-x86_64-linux-gnu.so",
            "a/_b.abi3.so",
            "a.libs/liba-1.so.3",
            "b.cp312-win_amd64.pyd",
        ] {
            assert!(is_extension_module(path), "{path}");
        }
        assert!(!is_extension_module("a/attach_linux_amd64.so"));
    }

    #[test]
    fn lambda_has_the_library_of_its_system() {
        let python = |minor| {
            Some(Runtime {
                language: "python",
                major: 3,
                minor,
            })
        };
        assert_eq!(glibc_of(python(9)), (2, 26));
        assert_eq!(glibc_of(python(11)), (2, 26));
        assert_eq!(glibc_of(python(13)), (2, 34));
        assert_eq!(glibc_of(None), NEWEST_OF_LAMBDA);
    }
}

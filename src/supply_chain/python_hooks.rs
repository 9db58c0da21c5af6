//! What Python runs before the program: `.pth` files with lines that import, `sitecustomize` and `usercustomize`.
//!
//! <https://docs.python.org/3/library/site.html>

use std::collections::HashSet;
use std::sync::Arc;

use memchr::memmem;
use sha2::{Digest, Sha256};

use crate::artifact::{hex, local_header};
use crate::finding::{Certainty, EntryPath, Location, Severity};
use crate::inspect::{Entry, Header, Inspector, Observations, ObservedFile, Unreadable};
use crate::inventory::owner::is_fixture_folder;
use crate::text::visible;

use super::{Sighting, rules};

/// Characters of a line that are shown.
const SHOWN: usize = 100;

/// Lines that tools of good name write, by the SHA-256 of what [`skeleton`] leaves of each, and the module that the line
/// imports, if it does not do all of its work itself.
const KNOWN_LINES: [(&str, Option<&str>); 15] = [
    // setuptools' `easy-install.pth`: the first line, and the last as 7.0 to 12.0 and as 24.0 to 36.0 write it
    (
        "3c12f997ec8b39dbe446522be277c956e5dbfc0cf8a5b5db24527198b267e7ce",
        None,
    ),
    (
        "deb4d2065e63201a33d3516a63fb8fdd22fb1ee2f693562aa105dbaf02e6c86f",
        None,
    ),
    (
        "9bda4939472a967200562cbb4f9a433337283d1538d50821d38750b620b0e381",
        None,
    ),
    // setuptools before 28.1: a namespace package, and one in another
    (
        "547191266612d8982a87a1b84ffef66b42bbfc66e0ef68d27b9936d1f0031701",
        None,
    ),
    (
        "3b29c1981857aec61bfec2af6194aab2a1799ae27fa3bf7dc7d25d276f58f8fd",
        None,
    ),
    // from 28.1
    (
        "35fd7f555c7f0288a88bab77a86eaaee132c94aae9438b8f3cff9d2d6818095a",
        None,
    ),
    (
        "d41da5395013d0f3517703cefdb27141ec6d06322e95ed5558d9496aec3413cd",
        None,
    ),
    // from 28.7
    (
        "1362581d15201dcfa3ae749213f3e41803a59ba476dc785db7280720eacb30fd",
        None,
    ),
    (
        "d66017aebbd0bcd8ba8611fb060675061a24a7b0f46a454b4edc75c6d75ab373",
        None,
    ),
    // from 31
    (
        "7407db496315c39b7343d238b54b8f342f79e35301990ebcc2f58a98f43a60d4",
        None,
    ),
    (
        "544e5dd865fccd6420194815b0561ea16800894a23ca1776132de3949b8df0f7",
        None,
    ),
    // where Python is 3.5 or later
    (
        "91f903b2f7f26670aa9467c32b5c56c1e52b9c4db6b0aa3705c8ab9ccc22e16d",
        None,
    ),
    (
        "b43e26d95f99b6bc99c8d81d2256746c6d41a34f2af219b2fbe79a8341deae26",
        None,
    ),
    // setuptools from 50: `distutils-precedence.pth`
    (
        "2d378e19fab3036739167490351f1b2de92044edc05ea96dc2a8a4cc828ff024",
        Some("_distutils_hack"),
    ),
    // virtualenv from 20: `_virtualenv.pth`
    (
        "69ac3d8f27e679c81b94ab30b3b56e9cd138219b1ba94a1fa3606d5a76a1433d",
        Some("_virtualenv"),
    ),
];

/// Folders from which Python imports by itself, wherever they are; the root of a bundle and that of the standard library
/// are too.
const SITE_FOLDERS: [&str; 2] = ["site-packages", "dist-packages"];
/// Likewise: of a layer, and of an image in which layers were unpacked.
const LAYER_FOLDERS: [&str; 2] = ["python", "opt/python"];
/// Folders of metadata of what is installed beside them.
const METADATA: [&str; 2] = [".dist-info", ".egg-info"];

pub struct PthFile;

impl Inspector for PthFile {
    fn wants(&self, header: &Header) -> bool {
        header.path.inner().ends_with(".pth")
            && !is_model(header.first_bytes)
            && !header.path.parent().split('/').any(is_fixture_folder)
    }

    fn max_size(&self) -> u64 {
        u64::MAX
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        if memmem::find(entry.bytes, b"import").is_none() {
            return Ok(());
        }
        let text = entry.bytes.strip_prefix(b"\xEF\xBB\xBF");
        let text = String::from_utf8_lossy(text.unwrap_or(entry.bytes));
        // Python ends lines at more characters than editors count.
        let lines = text.split('\n').zip(1u32..);
        let lines =
            lines.flat_map(|(line, number)| line.split(ENDS).map(move |line| (line, number)));
        let runs = |line: &str| line.starts_with("import ") || line.starts_with("import\t");
        let lines = lines.filter(|(line, _)| runs(line));
        let lines = lines.map(|(line, number)| (known(line), number, line));
        let mut least: Option<(Known, u32, &str)> = None;
        for found in lines {
            let (known, ..) = found;
            if least.is_none_or(|(least, ..)| known < least) {
                least = Some(found);
            }
            if known == Known::Not {
                break;
            }
        }
        let Some((known, number, line)) = least else {
            return Ok(());
        };
        let location = Location::at_line(entry.path, number);
        let detail = format!("{} runs {}", entry.path.file_name(), shown(line));
        let found = Sighting::of(&rules::PTH, location, detail);
        let known_one = |imports| Sighting {
            severity: Severity::Info,
            published: None,
            imports,
            ..found.clone()
        };
        seen.supply.sightings.push(match known {
            Known::Whole => known_one(None),
            Known::Importing(module) => known_one(Some(module)),
            Known::Not => Sighting {
                published: Some(Severity::Low),
                ..found
            },
        });
        Ok(())
    }
}

/// What ends a line besides `\n`: <https://docs.python.org/3/library/stdtypes.html#str.splitlines>.
const ENDS: [char; 9] = [
    '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}', '\u{2029}',
];

/// PyTorch calls its models `.pth` too: zips, and pickles of before, whose first bytes are no text, so that Python would
/// run nothing of them. <https://docs.pytorch.org/docs/stable/notes/serialization.html>
fn is_model(first: &[u8]) -> bool {
    const PICKLE: &[u8] = b"\x80";
    let is_text = || str::from_utf8(first).map_or_else(|e| e.error_len().is_none(), |_| true);
    (local_header::is_plausible(first) || first.starts_with(PICKLE)) && !is_text()
}

/// Lowers what is said of `.pth` files at the root of a function: Python reads them only where packages are installed.
pub fn lower_outside_sites(sightings: &mut [Sighting], seen: &Observations) {
    let is_at_root = |s: &&mut Sighting| {
        s.rule.id == rules::PTH.id
            && s.severity > Severity::Medium
            && s.location.path.parent().is_empty()
    };
    let mut at_root = sightings.iter_mut().filter(is_at_root).peekable();
    if at_root.peek().is_none() {
        return;
    }
    let is_metadata = |file: &&ObservedFile| {
        let top = file.path.inner().split('/').next().unwrap_or_default();
        METADATA.iter().any(|suffix| top.ends_with(suffix))
    };
    let with_packages = seen.files.iter().filter(is_metadata);
    let sites: HashSet<&Arc<str>> = with_packages.map(|file| file.path.container()).collect();
    for sighting in at_root {
        if !sites.contains(sighting.location.path.container()) {
            sighting.severity = Severity::Medium;
        }
    }
}

/// A piece of code as one line of a report shows it.
pub fn shown(code: &str) -> String {
    let code = code.trim();
    let short: String = code.chars().take(SHOWN).collect();
    let more = if short.len() < code.len() { "…" } else { "" };
    format!("`{}{more}`", visible(&short))
}

/// What is known of a line, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Not,
    /// It does what the module of that name does.
    Importing(&'static str),
    Whole,
}

fn known(line: &str) -> Known {
    let digest = hex(&Sha256::digest(skeleton(line.trim_end())));
    let line = KNOWN_LINES.iter().find(|(known, _)| *known == digest);
    match line {
        Some((_, Some(module))) => Known::Importing(module),
        Some((_, None)) => Known::Whole,
        None => Known::Not,
    }
}

/// The line without the names in it, which are others in each copy: what stands in quotes, unless it says what to
/// import. One name stands for several.
fn skeleton(line: &str) -> String {
    let mut skeleton = String::new();
    let mut rest = line;
    while let Some((before, quoted)) = rest.split_once('\'') {
        let (text, after) = quoted.split_once('\'').unwrap_or((quoted, ""));
        let is_import = before.ends_with("__import__(");
        let kept = if is_import { text } else { "" };
        skeleton += &format!("{before}'{kept}'");
        rest = after;
    }
    skeleton += rest;
    skeleton.replace("'', ''", "''").replace("'',)", "'')")
}

/// `.pth` files that are links into the bundle: Python reads the lines of what they lead to.
pub fn linked(seen: &Observations) -> Vec<Sighting> {
    let files = seen.files.iter().filter(|file| {
        let path = &file.path;
        let is_pth = file.is_deployed && path.inner().ends_with(".pth");
        is_pth && !leads_out(file) && !path.parent().split('/').any(is_fixture_folder)
    });
    let found = files.filter_map(|file| Some((&file.path, file.link.as_deref()?)));
    found
        .map(|(path, target)| {
            let detail = format!("{} is a link to {}", path.file_name(), shown(target));
            Sighting {
                severity: Severity::Medium,
                certainty: Certainty::Possible,
                ..Sighting::of(&rules::PTH, path.clone(), detail)
            }
        })
        .collect()
}

/// Whether it is a link that leads out by its absolute path: that is told of as a link, and distributions have theirs in
/// `/etc`.
fn leads_out(file: &ObservedFile) -> bool {
    let link = file.link.as_deref().filter(|_| !file.is_hard_link);
    link.is_some_and(|target| target.starts_with('/'))
}

/// The modules of these names that Python would find.
pub fn customizers(seen: &Observations) -> Vec<Sighting> {
    let files = seen.files.iter();
    let files = files.filter(|file| file.is_deployed && !leads_out(file));
    let found = files.filter_map(|file| Some((file, customizer(&file.path)?)));
    found
        .map(|(file, module)| Sighting {
            published: Some(Severity::Low),
            ..Sighting::of(&rules::CUSTOMIZE, file.path.clone(), module.to_owned())
        })
        .collect()
}

/// The module that Python imports by itself from that file, in a folder that it imports from.
fn customizer(path: &EntryPath) -> Option<&'static str> {
    let inner = path.inner();
    let stem = [".py", ".pyc"]
        .iter()
        .find_map(|suffix| inner.strip_suffix(suffix))
        .or_else(|| native_stem(inner))?;
    let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let module = ["sitecustomize", "usercustomize"]
        .into_iter()
        .find(|&module| module == name)?;
    let is_stdlib = || {
        let (before, version) = folder.rsplit_once("lib/python3.")?;
        let is_version = version.bytes().all(|byte| byte.is_ascii_digit());
        (is_version && (before.is_empty() || before.ends_with('/'))).then_some(())
    };
    let last = folder.rsplit('/').next().unwrap_or_default();
    let is_imported = folder.is_empty()
        || LAYER_FOLDERS.contains(&folder)
        || SITE_FOLDERS.contains(&last)
        || is_stdlib().is_some();
    (is_imported && !folder.split('/').any(is_fixture_folder)).then_some(module)
}

/// The path of a native module without what is behind its name: `.so`, `.abi3.so`, `.cpython-312-x86_64-linux-gnu.so`,
/// `.pyd`, `.cp312-win_amd64.pyd`. <https://peps.python.org/pep-3149/>
fn native_stem(inner: &str) -> Option<&str> {
    let stem = [".so", ".pyd"]
        .iter()
        .find_map(|suffix| inner.strip_suffix(suffix))?;
    match stem.rsplit_once('.') {
        Some((stem, tag)) if !tag.contains('/') => Some(stem),
        _ => Some(stem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_line_is_known_whatever_package_it_is_for() {
        let line = |names: &str, package: &str, more: &str| {
            format!(
                "import sys, types, os;has_mfs = sys.version_info > (3, 5);p = os.path.join(sys._getframe(1).\
                 f_locals['sitedir'], *({names}));importlib = has_mfs and __import__('importlib.util');has_mfs and \
                 __import__('importlib.machinery');m = has_mfs and sys.modules.setdefault('{package}', \
                 importlib.util.module_from_spec(importlib.machinery.PathFinder.find_spec('{package}', \
                 [os.path.dirname(p)])));m = m or sys.modules.setdefault('{package}', types.ModuleType('{package}'));\
                 mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p){more}"
            )
        };
        let nested = ";m and setattr(sys.modules['ours'], 'core', m)";
        let older = "import sys,types,os; p = os.path.join(sys._getframe(1).f_locals['sitedir'], *('ours',)); ie = \
            os.path.exists(os.path.join(p,'__init__.py')); m = not ie and \
            sys.modules.setdefault('ours',types.ModuleType('ours')); mp = (m or []) and \
            m.__dict__.setdefault('__path__',[]); (p not in mp) and mp.append(p)";
        for (line, expected) in [
            ("import _virtualenv\r", Known::Importing("_virtualenv")),
            (&line("'ours',", "ours", ""), Known::Whole),
            (&line("'ours', 'core'", "ours.core", nested), Known::Whole),
            (older, Known::Whole),
            ("import sys; sys.__plen = len(sys.path)", Known::Whole),
        ] {
            assert_eq!(known(line), expected, "{line}");
        }
        let swapped = line("'ours',", "ours", "").replace("importlib.util'", "ours'");
        let longer = line("'ours',", "ours", ";import ours");
        for other in ["import _virtualenv2", &swapped, &longer] {
            assert_eq!(known(other), Known::Not, "{other}");
        }
    }

    #[test]
    fn modules_that_python_imports_by_itself_are_known_in_every_form() {
        let module = |inner: &str| customizer(&EntryPath::new(&"fn.zip!/".into(), inner));
        for inner in [
            "sitecustomize.so",
            "sitecustomize.abi3.so",
            "opt/python/sitecustomize.cpython-312-x86_64-linux-gnu.so",
            "python/sitecustomize.cp312-win_amd64.pyd",
            "sitecustomize/__init__.py",
            "sitecustomize/__init__.abi3.so",
        ] {
            assert_eq!(module(inner), Some("sitecustomize"), "{inner}");
        }
        for inner in [
            "src/python/sitecustomize.py",
            "tests/site-packages/sitecustomize.py",
        ] {
            assert_eq!(module(inner), None, "{inner}");
        }
    }
}

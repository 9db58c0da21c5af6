//! What Python runs before the program: `.pth` files with lines that import, `sitecustomize` and `usercustomize`.
//!
//! <https://docs.python.org/3/library/site.html>

use memchr::memchr;
use sha2::{Digest, Sha256};

use crate::artifact::hex;
use crate::finding::{EntryPath, Location, Severity};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner::is_fixture_folder;
use crate::text::visible;

use super::{Sighting, rules};

/// Characters of a line that are shown.
const SHOWN: usize = 100;

/// Lines that tools of good name write, by the SHA-256 of what [`skeleton`] leaves of each.
const KNOWN_LINES: [&str; 4] = [
    // setuptools before 82: a namespace package, and one in another
    "7407db496315c39b7343d238b54b8f342f79e35301990ebcc2f58a98f43a60d4",
    "544e5dd865fccd6420194815b0561ea16800894a23ca1776132de3949b8df0f7",
    // setuptools from 50: `distutils-precedence.pth`
    "2d378e19fab3036739167490351f1b2de92044edc05ea96dc2a8a4cc828ff024",
    // virtualenv from 20: `_virtualenv.pth`
    "69ac3d8f27e679c81b94ab30b3b56e9cd138219b1ba94a1fa3606d5a76a1433d",
];

/// Folders from which Python imports by itself; the root of a bundle and that of the standard library are too.
const IMPORT_FOLDERS: [&str; 3] = ["site-packages", "dist-packages", "python"];

pub struct PthFile;

impl Inspector for PthFile {
    /// PyTorch calls its models `.pth` too, which are no text.
    fn wants(&self, header: &Header) -> bool {
        header.path.inner().ends_with(".pth")
            && memchr(0, header.first_bytes).is_none()
            && !header.path.parent().split('/').any(is_fixture_folder)
    }

    fn max_size(&self) -> u64 {
        u64::MAX
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let lines = entry.bytes.split(|&byte| byte == b'\n');
        let lines = lines.map(|line| String::from_utf8_lossy(line.trim_ascii_end()));
        let lines = lines.zip(1u32..);
        let runs = |line: &str| line.starts_with("import ") || line.starts_with("import\t");
        let Some((line, number)) = lines
            .filter(|(line, _)| runs(line))
            .min_by_key(|(line, number)| (is_known(line), *number))
        else {
            return Ok(());
        };
        let location = Location::at_line(entry.path, number);
        let detail = format!("{} runs {}", entry.path.file_name(), shown(&line));
        let found = Sighting::of(&rules::PTH, location, detail);
        seen.supply.sightings.push(match is_known(&line) {
            true => Sighting {
                severity: Severity::Info,
                published: None,
                ..found
            },
            false => Sighting {
                published: Some(Severity::Low),
                ..found
            },
        });
        Ok(())
    }
}

/// A piece of code as one line of a report shows it.
pub fn shown(code: &str) -> String {
    let code = code.trim();
    let short: String = code.chars().take(SHOWN).collect();
    let more = if short.len() < code.len() { "…" } else { "" };
    format!("`{}{more}`", visible(&short))
}

fn is_known(line: &str) -> bool {
    let digest = hex(&Sha256::digest(skeleton(line)));
    KNOWN_LINES.contains(&digest.as_str())
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

/// The modules of these names that Python would find.
pub fn customizers(seen: &Observations) -> Vec<Sighting> {
    let files = seen
        .files
        .iter()
        .filter(|file| file.is_deployed && file.link.is_none());
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
    let stem = ["/__init__.py", "/__init__.pyc", ".py", ".pyc"]
        .iter()
        .find_map(|suffix| inner.strip_suffix(suffix))?;
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
    let is_imported = folder.is_empty() || IMPORT_FOLDERS.contains(&last) || is_stdlib().is_some();
    is_imported.then_some(module)
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
        for known in [
            "import _virtualenv".to_owned(),
            line("'ours',", "ours", ""),
            line("'ours', 'core'", "ours.core", nested),
        ] {
            assert!(is_known(&known), "{known}");
        }
        let swapped = line("'ours',", "ours", "").replace("importlib.util'", "ours'");
        let longer = line("'ours',", "ours", ";import ours");
        for other in ["import _virtualenv2", &swapped, &longer] {
            assert!(!is_known(other), "{other}");
        }
    }
}

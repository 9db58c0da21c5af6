//! Files of Python packages: which distribution's they are, and which version they state.

use std::collections::BTreeMap;

use memchr::memmem;

use super::place::{ModulePath, module, vendored_package};
use super::table::{self, Hit, MODULES};
use super::traces::{CodeTrace, VendoredPackage};
use super::value::Value;
use super::{assignment, pyc};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};

/// Names of table files that are also the names of other files are many, so the path alone decides who is read.
pub struct CopiedModule;

impl Inspector for CopiedModule {
    fn wants(&self, header: &Header) -> bool {
        module(header.path.inner())
            .is_some_and(|path| table::hits(path).next().is_some() || is_vendored(path))
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let Some(path) = module(entry.path.inner()) else {
            return Ok(());
        };
        if let Some((folder, import)) = vendored_package(path) {
            seen.python.vendored.push(VendoredPackage {
                path: entry.path.clone(),
                folder: folder.into(),
                import,
            });
        }
        for hit in table::hits(path) {
            let trace = read(entry, path, hit);
            seen.python.code.extend(trace);
        }
        Ok(())
    }
}

fn is_vendored(path: ModulePath) -> bool {
    vendored_package(path).is_some()
}

/// What the file tells of a distribution, if anything.
fn read(entry: &Entry, path: ModulePath, hit: Hit) -> Option<CodeTrace> {
    let is_marked = hit
        .file
        .marks
        .iter()
        .any(|mark| memmem::find(entry.bytes, mark.as_bytes()).is_some());
    let (version, problem) = match version(entry.bytes, path, hit) {
        Ok(version) => (version, None),
        Err(unreadable) => (None, Some(unreadable.message)),
    };
    if !is_marked && version.is_none() && problem.is_none() {
        return None;
    }
    let line = version.as_ref().and_then(|(_, line)| *line);
    Some(CodeTrace {
        row: hit.row,
        location: Location {
            path: entry.path.clone(),
            line,
            column: None,
            vendored_in: None,
        },
        root: hit.root.into(),
        version: version.map(|(version, _)| version),
        is_marked,
        is_compiled: path.is_compiled,
        problem,
    })
}

/// The version and its line, by the first of the names that states one. A name that is given several is no evidence.
fn version(
    bytes: &[u8],
    path: ModulePath,
    hit: Hit,
) -> Result<Option<(String, Option<u32>)>, Unreadable> {
    let names = hit.file.versions;
    if names.is_empty() {
        return Ok(None);
    }
    let mut stated: BTreeMap<usize, Vec<(String, Option<u32>)>> = BTreeMap::new();
    let mut add = |name: &str, value: Value, line| {
        let place = names.iter().position(|known| *known == name);
        if let (Some(place), Some(version)) = (place, value.version()) {
            let known = stated.entry(place).or_default();
            if known.len() < 2 && known.iter().all(|(other, _)| *other != version) {
                known.push((version, line));
            }
        }
    };
    if path.is_compiled {
        pyc::each(bytes, names, |name, value| add(name, value, None))?;
    } else {
        assignment::each(bytes, names, |name, value, line| {
            add(name, value, Some(line))
        });
    }
    let versions = stated.pop_first().map(|(_, versions)| versions);
    let only = versions.and_then(|versions| <[_; 1]>::try_from(versions).ok());
    let ambiguous = MODULES[hit.row].ambiguous;
    Ok(only
        .map(|[stated]| stated)
        .filter(|(version, _)| !ambiguous.contains(&version.as_str())))
}

#[cfg(test)]
mod tests {

    use super::super::module_spec::ModuleSpec;
    use super::*;
    use crate::inventory::testing::{inspect, table_rows, wants};

    fn specs() -> Vec<ModuleSpec> {
        table_rows("src/inventory/pypi/vendored/modules", "module")
    }

    #[test]
    fn every_file_of_every_row_is_read_as_it_says() {
        for spec in specs() {
            for file in &spec.files {
                let mut text = file.marks.join("\n");
                for (name, version) in file.versions.iter().zip(["1.2.3", "4.5.6"]) {
                    text += &format!("\n{name} = '{version}'\n");
                }
                let seen = inspect(&CopiedModule, &format!("a/{}", file.path), text).unwrap();
                let is_its = |trace: &&CodeTrace| MODULES[trace.row].name == spec.name;
                let trace = seen.python.code.iter().find(is_its).unwrap();
                assert_eq!(trace.is_marked, !file.marks.is_empty(), "{}", file.path);
                let version = file.versions.first().map(|_| "1.2.3");
                assert_eq!(trace.version.as_deref(), version, "{}", file.path);
                assert_eq!(&*trace.root, "a", "{}", file.path);
            }
        }
    }

    #[test]
    fn versions_that_are_known_to_be_wrong_are_not_believed() {
        for spec in specs() {
            for version in &spec.ambiguous {
                for file in spec.files.iter().filter(|file| !file.versions.is_empty()) {
                    let text = format!("{} = '{version}'\n", file.versions[0]);
                    let seen = inspect(&CopiedModule, &file.path, text).unwrap();
                    let row = seen
                        .python
                        .code
                        .iter()
                        .find(|t| MODULES[t.row].name == spec.name);
                    assert!(row.is_none(), "{}", spec.name);
                }
            }
        }
    }

    #[test]
    fn few_files_are_wanted() {
        for path in [
            "six.py",
            "a/six.pyc",
            "requests/__version__.py",
            "x/_vendor/y.py",
        ] {
            assert!(wants(&CopiedModule, path, b""), "{path}");
        }
        for path in [
            "app/__init__.py",
            "app/version.py",
            "requests/api.pyi",
            "x/_vendor/y/z.py",
        ] {
            assert!(!wants(&CopiedModule, path, b""), "{path}");
        }
    }
}

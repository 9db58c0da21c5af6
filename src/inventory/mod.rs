//! Which components an artifact holds: one folder an ecosystem, one file a format.

pub mod binary;
pub mod cargo;
pub mod dart;
pub mod go;
pub mod hex;
pub(crate) mod lenient;
mod literals;
pub mod lock;
pub(crate) mod lock_tree;
pub mod maven;
pub mod npm;
pub mod nuget;
pub(crate) mod owner;
pub mod packagist;
pub mod pypi;
mod read;
pub mod resolve;
pub mod rubygems;
pub mod swift;
mod version_expression;
#[cfg(test)]
mod version_spec;
mod xml;

use crate::inspect::Inspector;

/// Every inspector, by ecosystem. To add a format is to add its file and its line in its ecosystem's list.
pub fn inspectors() -> impl Iterator<Item = &'static dyn Inspector> {
    [
        npm::INSPECTORS,
        pypi::INSPECTORS,
        cargo::INSPECTORS,
        binary::INSPECTORS,
        maven::INSPECTORS,
        go::INSPECTORS,
        nuget::INSPECTORS,
        rubygems::INSPECTORS,
        packagist::INSPECTORS,
        dart::INSPECTORS,
        hex::INSPECTORS,
        swift::INSPECTORS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Runs one inspector over one file, as the tests of every format do.
#[cfg(test)]
pub(crate) mod testing {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde::de::DeserializeOwned;

    use crate::finding::EntryPath;
    use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
    use crate::supply_chain::origin::ObservedOrigin;

    /// The rows of a table that the build script makes, as they are written: `[[key]]` in every file of a folder.
    pub fn table_rows<T: DeserializeOwned>(folder: &str, key: &str) -> Vec<T> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut rows = Vec::new();
        for file in fs::read_dir(folder).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let mut tables: BTreeMap<String, Vec<T>> = toml::from_str(&text).unwrap();
            rows.append(tables.get_mut(key).unwrap());
        }
        rows
    }

    /// Offers the file to the inspector as an audit would; panics if it is not wanted.
    pub fn inspect(
        inspector: &dyn Inspector,
        path: &str,
        bytes: impl AsRef<[u8]>,
    ) -> Result<Observations, Unreadable> {
        let bytes = bytes.as_ref();
        assert!(wants(inspector, path, bytes), "{path} is not wanted");
        let mut seen = Observations::default();
        let path = EntryPath::new(&Arc::from("fn.zip!/"), path);
        let entry = Entry { path: &path, bytes };
        inspector.inspect(&entry, &mut seen).map(|()| seen)
    }

    pub fn wants(inspector: &dyn Inspector, path: &str, bytes: &[u8]) -> bool {
        inspector.wants(&Header {
            path: &EntryPath::new(&Arc::from("fn.zip!/"), path),
            size: bytes.len() as u64,
            first_bytes: &bytes[..bytes.len().min(Header::PEEK)],
        })
    }

    /// Text of the pieces that formats are made of, in no order, with other bytes between them.
    pub fn soup(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec());
        let byte = any::<u8>().prop_map(|byte| vec![byte]);
        prop::collection::vec(prop_oneof![9 => piece, 1 => byte], 0..60)
            .prop_map(|pieces| pieces.concat())
    }

    /// What the inspectors make of the bytes under each of the paths; each path is for one of them.
    pub fn inspect_all(
        inspectors: &[&dyn Inspector],
        paths: &[&str],
        bytes: &[u8],
    ) -> Observations {
        let mut seen = Observations::default();
        for path in paths {
            let wanting = inspectors.iter().filter(|i| wants(**i, path, bytes));
            let [inspector] = wanting.collect::<Vec<_>>()[..] else {
                panic!("{path} is not for one inspector");
            };
            let path = EntryPath::new(&Arc::from("fn.zip!/"), path);
            // Whether the file is readable is no matter here.
            let _ = inspector.inspect(&Entry { path: &path, bytes }, &mut seen);
        }
        seen
    }

    /// `name evidence inner-path[:line] origin` for each origin, sorted by line.
    pub fn origins(seen: &Observations) -> Vec<String> {
        let mut rows: Vec<_> = seen.origins.iter().collect();
        rows.sort_by_key(|row| (row.location.line, &row.name));
        let row = |row: &&ObservedOrigin| {
            let line = row
                .location
                .line
                .map(|l| format!(":{l}"))
                .unwrap_or_default();
            let stated = format!("{:?}", row.stated).to_lowercase();
            let path = row.location.path.inner();
            format!("{} {stated} {path}{line} {:?}", row.name, row.origin)
        };
        rows.iter().map(row).collect()
    }

    /// `name version evidence inner-path[:line]` for each component, sorted; a range stands after `~`.
    pub fn rows(seen: &Observations) -> Vec<String> {
        let mut rows: Vec<String> = seen
            .components
            .iter()
            .map(|c| {
                let version = c.version.clone().unwrap_or_else(|| {
                    format!("~{}", c.version_range.as_deref().unwrap_or_default())
                });
                let line = c.location.line.map(|l| format!(":{l}")).unwrap_or_default();
                let evidence = format!("{:?}", c.evidence).to_lowercase();
                format!(
                    "{} {version} {evidence} {}{line}",
                    c.name,
                    c.location.path.inner()
                )
            })
            .collect();
        rows.sort();
        rows
    }
}

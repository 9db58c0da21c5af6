//! Which components an artifact holds: one folder an ecosystem, one file a format.

pub mod binary;
pub mod cargo;
pub mod go;
mod lenient;
mod literals;
pub mod lock;
pub mod npm;
pub mod nuget;
pub(crate) mod owner;
pub mod pypi;
mod read;
pub mod resolve;
mod version_expression;
#[cfg(test)]
mod version_spec;

use crate::inspect::Inspector;

/// Every inspector, by ecosystem. To add a format is to add its file and its line in its ecosystem's list.
pub fn inspectors() -> impl Iterator<Item = &'static dyn Inspector> {
    [
        npm::INSPECTORS,
        pypi::INSPECTORS,
        cargo::INSPECTORS,
        nuget::INSPECTORS,
        binary::INSPECTORS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Runs one inspector over one file, as the tests of every format do.
#[cfg(test)]
pub(crate) mod testing {
    use std::sync::Arc;

    use crate::finding::EntryPath;
    use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};

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

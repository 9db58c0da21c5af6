//! The rows of a wheel's `RECORD`: a path, a digest and a size as CSV,
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file>.

use std::collections::HashSet;

use crate::finding::EntryPath;

use super::layout;

/// The folders that packages are installed in, of a container all of whose names are known.
pub struct Installed<'a> {
    folders: HashSet<&'a str>,
}

impl<'a> Installed<'a> {
    /// `paths` are all of one container.
    pub fn of(paths: impl Iterator<Item = &'a EntryPath>) -> Self {
        let records = paths.filter(|path| path.is_named("RECORD"));
        let records = records.filter(|path| path.parent().ends_with(".dist-info"));
        Installed {
            folders: records.map(base).collect(),
        }
    }

    /// Whether a `RECORD` may list the file with a digest.
    pub fn may_list(&self, path: &EntryPath) -> bool {
        if self.folders.is_empty() || is_compiled(path) {
            return false;
        }
        let mut folder = path.parent();
        loop {
            if self.folders.contains(folder) {
                return true;
            }
            match folder.rsplit_once('/') {
                Some((parent, _)) => folder = parent,
                None => return !folder.is_empty() && self.folders.contains(""),
            }
        }
    }
}

/// Folders of a container image in which the system keeps its own files, and packages in `site-packages` alone.
const SYSTEM_FOLDERS: [&str; 8] = [
    "bin", "boot", "etc", "lib", "lib64", "sbin", "usr", "var/lib",
];

/// Whether a `RECORD` may list the file with a digest, of a tar, whose other names are not known yet.
pub fn may_be_listed(path: &EntryPath) -> bool {
    let inner = path.inner();
    let is_systems = |folder: &&str| {
        let rest = inner.strip_prefix(*folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let is_installed = || inner.contains("site-packages/") || inner.contains("dist-packages/");
    !is_compiled(path) && (!SYSTEM_FOLDERS.iter().any(is_systems) || is_installed())
}

/// Whether it is bytecode, which is made on the spot and listed without a digest.
fn is_compiled(path: &EntryPath) -> bool {
    let folder = path.parent();
    folder == "__pycache__" || folder.ends_with("/__pycache__")
}

/// The folder that a `RECORD`'s paths count from.
fn base(record: &EntryPath) -> &str {
    let dist_info = record.parent();
    dist_info.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The paths that the file at `path` lists, and the digest of each as it is written. What leads out of the archive
/// is left out.
pub fn rows<'a>(
    path: &'a EntryPath,
    text: &'a [u8],
) -> impl Iterator<Item = (EntryPath, Option<String>)> + 'a {
    let base = base(path);
    text.split(|&b| b == b'\n').filter_map(move |line| {
        let line = String::from_utf8_lossy(line);
        let (listed, rest) = first_field(&line);
        let inner = layout::resolve(base, &listed)?;
        let digest = rest.split(',').next().unwrap_or_default().trim();
        let digest = (!digest.is_empty()).then(|| digest.to_owned());
        (!listed.is_empty()).then(|| (path.sibling(&inner), digest))
    })
}

/// The first field of a CSV row and what is behind its comma; a quoted one may hold commas, and quotes that are
/// doubled.
pub fn first_field(row: &str) -> (String, &str) {
    let Some(quoted) = row.strip_prefix('"') else {
        let (field, rest) = row.split_once(',').unwrap_or((row, ""));
        return (field.trim_end().to_owned(), rest);
    };
    let mut field = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '"' && chars.next_if(|(_, next)| *next == '"').is_none() {
            let rest = &quoted[at + 1..];
            return (field, rest.strip_prefix(',').unwrap_or(rest));
        }
        field.push(c);
    }
    (field, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_paths_and_digests() {
        let path = EntryPath::new(&"fn.zip!/".into(), "lib/a-1.dist-info/RECORD");
        let text = b"a/b.py,sha256=abc,12\r\na-1.dist-info/RECORD,,\n\"a/c, \"\"d\"\".py\",sha256=x,1\n../../../out,sha256=y,1\n";
        let found: Vec<(String, Option<String>)> = rows(&path, text)
            .map(|(path, digest)| (path.inner().to_owned(), digest))
            .collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            found,
            [
                ("lib/a/b.py".to_owned(), some("sha256=abc")),
                ("lib/a-1.dist-info/RECORD".to_owned(), None),
                ("lib/a/c, \"d\".py".to_owned(), some("sha256=x")),
            ]
        );
    }
}

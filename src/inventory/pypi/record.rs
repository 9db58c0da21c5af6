//! The rows of a wheel's `RECORD`: a path, a digest and a size as CSV,
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file>.

use std::borrow::Cow;

use data_encoding::BASE64URL_NOPAD;
use memchr::memmem;

use crate::finding::EntryPath;
use crate::text::visible;

use super::{archive_name, layout};

/// Rows about one file that count. Honest lists have one each, and a few packages share a file.
pub const MAX_ROWS: usize = 8;

/// Bytes of a row. Linux opens no longer path than 4,096: `PATH_MAX`,
/// <https://man7.org/linux/man-pages/man7/path_resolution.7.html>; and a digest has some dozen more.
const MAX_ROW: usize = 4096 + 256;

/// Whether it is the list of files of an installed wheel.
pub fn is_record(path: &EntryPath) -> bool {
    path.is_named("RECORD") && path.parent().ends_with(".dist-info")
}

/// Characters of a path that a message shows.
const MAX_SHOWN: usize = 100;

/// Folders of a container image in which the system keeps its own files, and packages in `site-packages` alone.
const SYSTEM_FOLDERS: [&str; 8] = [
    "bin", "boot", "etc", "lib", "lib64", "sbin", "usr", "var/lib",
];

/// What Python loads, by what the names of such files hold: a library may have its version behind `.so`.
const CODE: [&str; 5] = [".py", ".so", ".pyd", ".pth", ".dist-info/"];

/// Whether a file of a tar, whose other names are not known yet, may be listed and is worth a digest: all that is
/// installed in a folder for packages alone, and code elsewhere, of which the length is compared at least.
pub fn may_be_listed(path: &EntryPath) -> bool {
    let inner = path.inner();
    let is_systems = |folder: &&str| {
        let rest = inner.strip_prefix(*folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let is_installed = inner.contains("site-packages/") || inner.contains("dist-packages/");
    let is_code = || CODE.iter().any(|part| inner.contains(part));
    !is_compiled(path)
        && (is_installed
            || (is_code()
                && !inner.contains("node_modules/")
                && !SYSTEM_FOLDERS.iter().any(is_systems)))
}

/// Whether it is bytecode, which is made on the spot and listed without a digest.
pub fn is_compiled(path: &EntryPath) -> bool {
    let folder = path.parent();
    folder == "__pycache__" || folder.ends_with("/__pycache__")
}

/// The folder that a `RECORD`'s paths count from.
pub fn base(record: &EntryPath) -> &str {
    let dist_info = record.parent();
    dist_info.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The package whose `RECORD` it is, and its version.
pub fn package(record: &EntryPath) -> Option<(&str, String)> {
    let folder = record.parent();
    let folder = folder.rsplit_once('/').map_or(folder, |(_, name)| name);
    archive_name::metadata_folder(folder.strip_suffix(".dist-info")?)
}

/// What a `RECORD` says of one file.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Within the archive that the `RECORD` is in.
    pub inner: String,
    /// Whether it counts from a folder above the one that packages are installed in, as programs do.
    pub is_outside: bool,
    pub digest: Digest,
    pub size: Option<u64>,
}

/// What a row says of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    None,
    Sha256([u8; 32]),
    /// It should be one of SHA-256, and is none.
    Damaged,
    /// Of another kind.
    Other,
}

impl Digest {
    fn read(text: &str) -> Self {
        if text.is_empty() {
            return Digest::None;
        }
        match text.split_once('=') {
            Some((algorithm, digest)) if algorithm.eq_ignore_ascii_case("sha256") => {
                let digest = digest.trim_end_matches('=').as_bytes();
                let mut bytes = [0; 32];
                let is_whole = BASE64URL_NOPAD.decode_len(digest.len()) == Ok(bytes.len());
                match is_whole && BASE64URL_NOPAD.decode_mut(digest, &mut bytes).is_ok() {
                    true => Digest::Sha256(bytes),
                    false => Digest::Damaged,
                }
            }
            _ => Digest::Other,
        }
    }
}

impl Row {
    /// The digest, if it is one of SHA-256.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        match self.digest {
            Digest::Sha256(digest) => Some(digest),
            _ => None,
        }
    }
}

/// The files that the `RECORD` at `path` lists. What leads out of the archive is left out, and what is longer than any
/// file's path.
pub fn rows<'a>(path: &'a EntryPath, text: &'a [u8]) -> impl Iterator<Item = Row> + 'a {
    let base = base(path);
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let lines = text.split(|&b| b == b'\n');
    let lines = lines.filter(|line| (1..=MAX_ROW).contains(&line.len()));
    lines.filter_map(move |line| {
        let line = String::from_utf8_lossy(line);
        let (listed, rest) = first_field(&line);
        if listed.is_empty() {
            return None;
        }
        let inner = match is_plain(&listed) {
            true if base.is_empty() => listed.into_owned(),
            true => [base, "/", &*listed].concat(),
            false => layout::resolve(base, &listed)?,
        };
        let mut rest = rest.split(',').map(str::trim);
        let digest = Digest::read(rest.next().unwrap_or_default());
        let is_outside = !is_within(&inner, base);
        Some(Row {
            inner: match visible(&inner) {
                Cow::Borrowed(_) => inner,
                Cow::Owned(shown) => shown,
            },
            is_outside,
            digest,
            size: rest.next().and_then(|size| size.parse().ok()),
        })
    })
}

/// How many folders above the one that packages are installed in an installer puts files at most: in the root of an
/// environment, of `lib/python3.12/site-packages`, as Jupyter has its settings in `../../../etc`.
const MAX_CLIMB: usize = 3;

/// Rows about files where no installer puts any: the first path, and how many there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Strays {
    pub first: Option<String>,
    pub count: usize,
}

/// The rows whose paths climb higher than an environment's root, or start at that of a system.
pub fn strays(text: &[u8]) -> Strays {
    let mut strays = Strays::default();
    for line in text.split(|&b| b == b'\n') {
        if !line.starts_with(b"/")
            && memmem::find(line, b"..").is_none()
            && !line.starts_with(b"\"/")
        {
            continue;
        }
        let line = String::from_utf8_lossy(line);
        let (listed, _) = first_field(&line);
        if is_stray(&listed) {
            strays.count += 1;
            let path = || listed.chars().take(MAX_SHOWN).collect();
            strays.first.get_or_insert_with(path);
        }
    }
    strays
}

fn is_stray(listed: &str) -> bool {
    let mut depth = MAX_CLIMB;
    let climbs = listed.split('/').any(|part| match part {
        "" | "." => false,
        ".." => match depth.checked_sub(1) {
            Some(less) => {
                depth = less;
                false
            }
            None => true,
        },
        _ => {
            depth += 1;
            false
        }
    });
    climbs || listed.starts_with('/')
}

/// Whether nothing in a path is to be resolved, as in nearly all.
fn is_plain(path: &str) -> bool {
    let mut before = b'/';
    let is_plain = path.bytes().all(|byte| {
        let is_plain = byte != b'\\' && !(before == b'/' && matches!(byte, b'/' | b'.'));
        before = byte;
        is_plain
    });
    is_plain && before != b'/'
}

/// Whether a path leads into the folder.
fn is_within(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|rest| folder.is_empty() || rest.starts_with('/'))
}

/// The first field of a CSV row and what is behind its comma; a quoted one may hold commas, and quotes that are
/// doubled.
pub fn first_field(row: &str) -> (Cow<'_, str>, &str) {
    let Some(quoted) = row.strip_prefix('"') else {
        let (field, rest) = row.split_once(',').unwrap_or((row, ""));
        return (Cow::Borrowed(field.trim_end()), rest);
    };
    let mut field = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '"' && chars.next_if(|(_, next)| *next == '"').is_none() {
            let rest = &quoted[at + 1..];
            return (Cow::Owned(field), rest.strip_prefix(',').unwrap_or(rest));
        }
        field.push(c);
    }
    (Cow::Owned(field), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_paths_and_digests() {
        let path = EntryPath::new(&"fn.zip!/".into(), "lib/a-1.dist-info/RECORD");
        let text = b"a/b.py,sha256=abc,12\r\na-1.dist-info/RECORD,,\n\"a/c, \"\"d\"\".py\",sha256=x,1\n../../../out,sha256=y,1\n../bin/a,sha256=z,\n";
        let row = |inner: &str, is_outside, digest, size| Row {
            inner: inner.to_owned(),
            is_outside,
            digest,
            size,
        };
        let found: Vec<Row> = rows(&path, text).collect();
        assert_eq!(
            found,
            [
                row("lib/a/b.py", false, Digest::Damaged, Some(12)),
                row("lib/a-1.dist-info/RECORD", false, Digest::None, None),
                row("lib/a/c, \"d\".py", false, Digest::Damaged, Some(1)),
                row("bin/a", true, Digest::Damaged, None),
            ]
        );
        assert_eq!(package(&path), Some(("a", "1".to_owned())));
    }

    #[test]
    fn what_no_path_can_be_is_no_row() {
        let path = EntryPath::new(&"fn.zip!/".into(), "a-1.dist-info/RECORD");
        let long = format!("\n\r\n{}b.py,,\nc.py,,\n", "a/".repeat(4096));
        let found: Vec<String> = rows(&path, long.as_bytes()).map(|row| row.inner).collect();
        assert_eq!(found, ["c.py"]);
    }

    #[test]
    fn files_are_stray_where_no_installer_puts_any() {
        let text = b"a/b.py,,\n../../bin/a,,\n../../../etc/jupyter/a.json,,\na/../../../../share/a,,\na/..b/c,,\n";
        assert_eq!(strays(text), Strays::default());
        for (line, path) in [
            ("../../../../etc/x,sha256=AA,1", "../../../../etc/x"),
            ("/etc/x,,", "/etc/x"),
            ("\"/etc/x,y\",,", "/etc/x,y"),
            (
                "a/b/../../../../../../etc/x,,",
                "a/b/../../../../../../etc/x",
            ),
        ] {
            let text = format!("a/b.py,,\r\n{line}\r\n../../../../tmp/y,,\n");
            let first = Some(path.to_owned());
            assert_eq!(
                strays(text.as_bytes()),
                Strays { first, count: 2 },
                "{line}"
            );
        }
    }

    #[test]
    fn a_mark_in_front_and_the_case_of_a_digests_name_do_not_matter() {
        let path = EntryPath::new(&"fn.zip!/".into(), "a-1.dist-info/RECORD");
        let digest = BASE64URL_NOPAD.encode(&[7; 32]);
        let text = format!("\u{feff}a.py,SHA256={digest},1\nb.py,sha256=AAAA,1\nc.py,md5=AAAA,1\n");
        let found = rows(&path, text.as_bytes());
        let found = found.map(|row| (row.digest, row.inner));
        let row = |digest, inner: &str| (digest, inner.to_owned());
        assert_eq!(
            found.collect::<Vec<_>>(),
            [
                row(Digest::Sha256([7; 32]), "a.py"),
                row(Digest::Damaged, "b.py"),
                row(Digest::Other, "c.py"),
            ]
        );
    }
}

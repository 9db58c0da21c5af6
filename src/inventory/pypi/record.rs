//! The rows of a wheel's `RECORD`: a path, a digest and a size as CSV,
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file>.

use crate::finding::EntryPath;

use super::layout;

/// The paths that the file at `path` lists, and the digest of each as it is written. What leads out of the archive
/// is left out.
pub fn rows<'a>(
    path: &'a EntryPath,
    text: &'a [u8],
) -> impl Iterator<Item = (EntryPath, Option<String>)> + 'a {
    let dist_info = path.parent();
    let base = dist_info.rsplit_once('/').map_or("", |(parent, _)| parent);
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

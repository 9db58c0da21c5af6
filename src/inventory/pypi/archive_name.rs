//! Names and versions that the names of Python's files and folders state.
//!
//! Wheels: <https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention>,
//! source distributions: <https://packaging.python.org/en/latest/specifications/source-distribution-format/>.

use std::str::FromStr;

use pep440_rs::Version;

use super::layout::SDIST_SUFFIXES;

/// `name-version(-build)-python-abi-platform.whl`.
pub fn wheel(file_name: &str) -> Option<(&str, &str)> {
    let stem = file_name.strip_suffix(".whl")?;
    let parts: Vec<&str> = stem.splitn(7, '-').collect();
    match parts.as_slice() {
        [name, version, _, _, _] | [name, version, _, _, _, _] => named(name, version),
        _ => None,
    }
}

/// `name-version.tar.gz`.
pub fn sdist(file_name: &str) -> Option<(&str, &str)> {
    let stem = SDIST_SUFFIXES
        .iter()
        .find_map(|suffix| file_name.strip_suffix(suffix))?;
    let (name, version) = stem.rsplit_once('-')?;
    // `name-1.0-1` may be version `1.0-1` of `name` or version `1` of `name-1.0`.
    let is_ambiguous = name
        .rsplit_once('-')
        .is_some_and(|(_, part)| Version::from_str(part).is_ok());
    if is_ambiguous {
        return None;
    }
    named(name, version)
}

/// The stem of `name-version.dist-info` and `name-version.egg-info`. A `-` within the version is written `_`.
pub fn metadata_folder(stem: &str) -> Option<(&str, String)> {
    let first = stem.split_once('-');
    // Old tools left a `-` in names.
    let last = stem.rsplit_once('-');
    [first, last]
        .into_iter()
        .flatten()
        .find_map(|(name, version)| {
            let version = match named(name, version) {
                Some(_) => version.to_owned(),
                None => version.replace('_', "-"),
            };
            named(name, &version)?;
            Some((name, version))
        })
}

fn named<'a>(name: &'a str, version: &'a str) -> Option<(&'a str, &'a str)> {
    (!name.is_empty() && Version::from_str(version).is_ok()).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_wheel_names() {
        assert_eq!(
            wheel("foo_bar-1.0-py3-none-any.whl"),
            Some(("foo_bar", "1.0"))
        );
        assert_eq!(
            wheel("foo-1.0+cu113-2-cp39-cp39-linux_x86_64.whl"),
            Some(("foo", "1.0+cu113"))
        );
        assert_eq!(wheel("foo-1.0.whl"), None);
        assert_eq!(wheel("foo-latest-py3-none-any.whl"), None);
    }

    #[test]
    fn reads_sdist_names_only_when_certain() {
        assert_eq!(sdist("foo-bar-1.0.tar.gz"), Some(("foo-bar", "1.0")));
        assert_eq!(sdist("foo-1.0-1.tar.gz"), None);
        assert_eq!(sdist("foo.tar.gz"), None);
        assert_eq!(sdist("foo-master.zip"), None);
    }

    #[test]
    fn reads_metadata_folder_names() {
        let read = |stem| metadata_folder(stem).map(|(n, v)| format!("{n} {v}"));
        assert_eq!(read("Flask-1.0.2").as_deref(), Some("Flask 1.0.2"));
        assert_eq!(read("my-tool-1.0").as_deref(), Some("my-tool 1.0"));
        assert_eq!(
            read("foo-1.0+ubuntu_1").as_deref(),
            Some("foo 1.0+ubuntu_1")
        );
        assert_eq!(read("foo-1.0_1").as_deref(), Some("foo 1.0-1"));
        assert_eq!(read("foo"), None);
        assert_eq!(read("-1.0"), None);
    }
}

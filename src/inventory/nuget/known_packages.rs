//! The packages that the names of assemblies tell, from `known_packages.txt`.

use std::collections::HashMap;
use std::sync::OnceLock;

const KNOWN_PACKAGES: &str = include_str!("known_packages.txt");

/// The longest id of a package that NuGet takes, in characters.
const LONGEST_ID: usize = 100;

/// The package that has an assembly of that name, and the company that this must be of where that is not certain.
pub fn package(assembly: &str) -> Option<(String, Option<&'static str>)> {
    let name = assembly.to_ascii_lowercase();
    let known = known_packages();
    if let Some(package) = known.packages.get(&name) {
        return Some(((*package).to_owned(), None));
    }
    // The texts of one language.
    let is_satellite = name.ends_with(".resources");
    let mut families = known.families.iter();
    let (_, company) = families.find(|(family, _)| name.starts_with(family))?;
    (is_id(assembly) && !is_satellite).then(|| (assembly.to_owned(), Some(*company)))
}

/// Whether a package can be called so: words with a dot or a hyphen between them, as NuGet's `PackageIdValidator` says
/// (<https://github.com/NuGet/NuGet.Client>).
fn is_id(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    text.chars().count() <= LONGEST_ID && text.split(['.', '-']).all(is_word)
}

/// The table, in lower case.
#[derive(Default)]
struct Known {
    /// By the assembly's name.
    packages: HashMap<String, &'static str>,
    /// What the names of a family begin with, and whose it is.
    families: Vec<(String, &'static str)>,
}

fn known_packages() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut known = Known::default();
        let rows = KNOWN_PACKAGES.lines().filter(|line| !line.starts_with('#'));
        for word in rows.flat_map(str::split_whitespace) {
            let (assembly, package) = word.split_once('=').unwrap_or((word, word));
            let assembly = assembly.to_ascii_lowercase();
            match assembly.strip_suffix('*') {
                Some(family) => known.families.push((family.to_owned(), package)),
                None => {
                    known.packages.insert(assembly, package);
                }
            }
        }
        known
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_table_are_written_once() {
        let rows = KNOWN_PACKAGES.lines().filter(|line| !line.starts_with('#'));
        let words = rows.flat_map(str::split_whitespace);
        let known = known_packages();
        assert_eq!(words.count(), known.packages.len() + known.families.len());
    }

    #[test]
    fn a_name_of_a_family_can_be_a_packages() {
        let long = format!("Azure.{}", "a".repeat(LONGEST_ID - 6));
        for (name, is_one) in [
            ("Azure.Storage.Blobs", true),
            ("Azure.Storage-1_0", true),
            (&long, true),
            (&format!("{long}a"), false),
            ("Azure.", false),
            ("Azure..Storage", false),
            ("Azure.Storage/Blobs", false),
            ("Azure.Storage.resources", false),
            ("Azure", false),
        ] {
            let expected = is_one.then(|| (name.to_owned(), Some("Microsoft")));
            assert_eq!(package(name), expected, "{name}");
        }
    }
}

//! `vendor/modules.txt`: the modules whose packages are copied into `vendor`.
//!
//! Specification: <https://go.dev/ref/mod#vendoring>; its form is that of
//! <https://go.dev/src/cmd/go/internal/modcmd/vendor.go>, which writes it: `# module version` and then the packages, one
//! a line. A module without packages is only needed to choose versions; nothing of it is here.

use super::go_mod::{Replacement, is_version, replacement};
use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};

pub struct ModulesTxt;

impl Inspector for ModulesTxt {
    fn wants(&self, header: &Header) -> bool {
        let is_vendor = |folder: &str| folder == "vendor" || folder.ends_with("/vendor");
        header.path.is_named("modules.txt") && is_vendor(header.path.parent())
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut current = None;
        for (line, text) in (1..).zip(entry.text()?.lines()) {
            if let Some(header) = text.strip_prefix("# ") {
                current = module(header).map(|(path, version)| (path, version, line));
            } else if !text.starts_with("##")
                && !text.trim().is_empty()
                && let Some((path, version, line)) = current.take()
            {
                let location = Location::at_line(entry.path, line);
                seen.component(Ecosystem::Go, path, version, Evidence::Installed, location);
            }
        }
        Ok(())
    }
}

/// The module of `path version` or `path version => path version`; none for a folder of the project, and where only a
/// replacement is noted, `path => path version`.
fn module(header: &str) -> Option<(&str, &str)> {
    let words: Vec<&str> = header.split_whitespace().take(6).collect();
    let (path, version) = match words[..] {
        [path, version] => (path, version),
        _ => match replacement(&words)? {
            (_, Some(_), Replacement::Module { path, version }) => (path, version),
            _ => return None,
        },
    };
    is_version(version).then_some((path, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    #[test]
    fn a_module_with_packages_ships() {
        let text = "## workspace\n\
            # a.example/x v1.0.0\n## explicit; go 1.17\na.example/x\na.example/x/sub\n\
            # b.example/y v0.0.0-20170915032832-14c0d48ead0c\n## explicit\n\
            # c.example/old v1.0.0 => d.example/new v1.0.1\nc.example/old\n\
            # own.example/e v0.0.0 => ./e\nown.example/e\n\
            # c.example/old => d.example/new v1.0.1\n\
            # own.example/e => ./e\n";
        assert_eq!(
            rows(&inspect(&ModulesTxt, "api/vendor/modules.txt", text).unwrap()),
            [
                "a.example/x v1.0.0 installed api/vendor/modules.txt:2",
                "d.example/new v1.0.1 installed api/vendor/modules.txt:8",
            ]
        );
    }

    #[test]
    fn only_gos_own_list_is_wanted() {
        assert!(wants(&ModulesTxt, "vendor/modules.txt", b""));
        for path in [
            "modules.txt",
            "vendor/a/modules.txt",
            "my-vendor/modules.txt",
        ] {
            assert!(!wants(&ModulesTxt, path, b""), "{path}");
        }
    }

    #[test]
    fn another_text_of_that_name_names_nothing() {
        let seen = inspect(&ModulesTxt, "vendor/modules.txt", "# Our modules\nours\n").unwrap();
        assert!(rows(&seen).is_empty());
    }
}

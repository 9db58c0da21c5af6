//! The audit data that `cargo auditable` leaves in a binary: a section `.dep-v0` of an ELF, PE or Mach-O file,
//! which holds the list of crates as JSON, compressed with zlib.
//!
//! Specification: <https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md>.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::ZlibDecoder;
use serde::Deserialize;

use crate::component::{Ecosystem, Evidence};
use crate::finding::EntryPath;
use crate::inspect::{Observations, Unreadable};
use crate::inventory::binary::{Hit, Image, Reader};
use crate::inventory::lenient::{Flag, Lenient, Text};
use crate::inventory::read;

pub struct Auditable;

pub const SECTION: &str = ".dep-v0";

/// Thousands of crates fit in here; more is a bomb.
const MAX_JSON: u64 = 16 << 20;

#[derive(Deserialize)]
struct AuditData {
    #[serde(default)]
    packages: Vec<Lenient<Package>>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    source: Text,
    /// `runtime` where it is left out.
    #[serde(default)]
    kind: Text,
    #[serde(default)]
    root: Flag,
    /// Places in the list of packages.
    #[serde(default)]
    dependencies: Vec<usize>,
}

impl Reader for Auditable {
    fn read(
        &self,
        image: &Image,
        _: &[Hit],
        path: &EntryPath,
        seen: &mut Observations,
    ) -> Result<(), Unreadable> {
        let Some(section) = image.section(SECTION) else {
            return Ok(());
        };
        let section =
            section.map_err(|_| Unreadable::new("has a section of audit data beyond its end"))?;
        for (name, version) in third_party(section)? {
            let evidence = Evidence::Embedded;
            seen.component(Ecosystem::CratesIo, name, version, evidence, path.clone());
        }
        Ok(())
    }
}

/// Names and versions of the crates in the code.
fn third_party(section: &[u8]) -> Result<BTreeSet<(String, String)>, Unreadable> {
    let data: AuditData = serde_json::from_slice(&inflated(section)?).map_err(|error| {
        let reason = read::not_json(&error).message;
        Unreadable::new(format!("carries audit data that {reason}"))
    })?;
    let packages: Vec<Option<Package>> = data.packages.into_iter().map(Lenient::map).collect();
    let in_the_code = in_the_code(&packages);
    let shipped = packages
        .into_iter()
        .zip(in_the_code)
        .filter(|(_, ships)| *ships);
    Ok(shipped
        .filter_map(|(package, _)| package.filter(Package::is_third_party_code))
        .filter_map(|package| Some((package.name.text()?, package.version.text()?)))
        .collect())
}

/// All packages but procedural macros and what only they need.
///
/// The data marks a macro as built in where its crate has tests of its own. Macros are told by `proc-macro2`,
/// the interface to the compiler that they go through; where the root itself uses it, it is a library like any
/// other.
fn in_the_code(packages: &[Option<Package>]) -> Vec<bool> {
    let dependencies = |index: usize| -> &[usize] {
        match packages.get(index) {
            Some(Some(package)) => &package.dependencies,
            _ => &[],
        }
    };
    let is_interface = |index: usize| {
        let package = packages.get(index).and_then(Option::as_ref);
        package.is_some_and(|p| matches!(&p.name, Lenient::Text(name) if name == "proc-macro2"))
    };
    // Asked once a package: a hostile list may name the same one millions of times.
    let is_macro: Vec<bool> = (0..packages.len())
        .map(|index| is_interface(index) || dependencies(index).iter().any(|&d| is_interface(d)))
        .collect();
    let is_root = |index: &usize| packages[*index].as_ref().is_some_and(|p| p.root.is_set());
    let all = 0..packages.len();
    let (roots, others): (Vec<usize>, Vec<usize>) = all.partition(is_root);
    if roots.iter().any(|&root| is_macro[root]) {
        return vec![true; packages.len()];
    }
    // From the roots without passing through a macro, and from the macros.
    let reach = |mut queue: Vec<usize>, through_macros: bool| {
        let mut reached = vec![false; packages.len()];
        while let Some(index) = queue.pop() {
            let enters = is_macro
                .get(index)
                .is_some_and(|&is_macro| through_macros || !is_macro);
            if enters && !std::mem::replace(&mut reached[index], true) {
                queue.extend(dependencies(index));
            }
        }
        reached
    };
    let macros = others
        .into_iter()
        .filter(|&index| is_macro[index])
        .collect();
    let (code, of_macros) = (reach(roots, false), reach(macros, true));
    let ships = code.into_iter().zip(of_macros);
    ships.map(|(code, of_macros)| code || !of_macros).collect()
}

impl Package {
    /// Neither the project itself nor what only ran while it was built.
    fn is_third_party_code(&self) -> bool {
        let is = |field: &Text, value| matches!(field, Lenient::Text(text) if text == value);
        !self.root.is_set() && !is(&self.source, "local") && !is(&self.kind, "build")
    }
}

fn inflated(section: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut json = Vec::new();
    ZlibDecoder::new(section)
        .take(MAX_JSON + 1)
        .read_to_end(&mut json)
        .map_err(|_| Unreadable::new("carries audit data that is not valid zlib"))?;
    if json.len() as u64 > MAX_JSON {
        let message = "carries audit data of more than 16 MiB";
        return Err(Unreadable::new(message));
    }
    Ok(json)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;
    use crate::inventory::binary::Binary;
    use crate::inventory::binary::testing::{elf, fat, macho, pe};
    use crate::inventory::testing::{inspect, rows};

    #[test]
    fn macros_and_what_only_they_need_are_not_in_the_code() {
        let json = br#"{"packages": [
            {"name": "fn", "version": "0.1.0", "source": "local", "root": true, "dependencies": [1, 2]},
            {"name": "library", "version": "1.0.0", "dependencies": [2, 3]},
            {"name": "a-macro", "version": "2.0.0", "dependencies": [4, 5]},
            {"name": "shared", "version": "3.0.0"},
            {"name": "proc-macro2", "version": "4.0.0", "dependencies": [6]},
            {"name": "quote", "version": "5.0.0", "dependencies": [4]},
            {"name": "unicode-ident", "version": "6.0.0"}
        ]}"#;
        let packed = |json: &[u8]| {
            let mut encoder = flate2::read::ZlibEncoder::new(json, flate2::Compression::fast());
            let mut section = Vec::new();
            encoder.read_to_end(&mut section).unwrap();
            section
        };
        let names = |json: &[u8]| -> Vec<String> {
            let found = third_party(&packed(json)).unwrap();
            found.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(json), ["library", "shared"]);
        let generator = String::from_utf8_lossy(json).replace("[1, 2]}", "[1, 2, 4]}");
        assert_eq!(names(generator.as_bytes()).len(), 6);
    }

    const JSON: &str = r#"{"packages": [
        {"name": "own", "version": "0.1.0", "source": "local", "root": true, "dependencies": [1, 2]},
        {"name": "a", "version": "1.0.0", "source": "crates.io"},
        {"name": "b", "version": "2.0.0", "source": "git", "kind": "runtime"},
        {"name": "builder", "version": "3.0.0", "source": "crates.io", "kind": "build"},
        {"name": "member", "version": "0.1.0", "source": "local"},
        {"name": "c", "version": "4.0.0", "source": "registry"},
        {"name": "odd", "version": 1}
    ]}"#;

    const CRATES: [&str; 3] = [
        "a 1.0.0 embedded bootstrap",
        "b 2.0.0 embedded bootstrap",
        "c 4.0.0 embedded bootstrap",
    ];

    fn deflated(json: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(json).unwrap();
        encoder.finish().unwrap()
    }

    fn audit(bytes: &[u8]) -> Result<Vec<String>, Unreadable> {
        inspect(&Binary, "bootstrap", bytes).map(|seen| rows(&seen))
    }

    #[test]
    fn every_kind_of_executable_carries_it() {
        let section = deflated(JSON.as_bytes());
        let sections = [(SECTION, section.as_slice())];
        for executable in [elf(&sections), pe(&sections), macho(&sections)] {
            assert_eq!(audit(&executable).unwrap(), CRATES);
        }
    }

    #[test]
    fn an_executable_may_start_at_any_address() {
        let executable = elf(&[(SECTION, &deflated(JSON.as_bytes()))]);
        for shift in 1..8 {
            let shifted = [vec![0; shift], executable.clone()].concat();
            assert_eq!(audit(&shifted[shift..]).unwrap(), CRATES);
        }
    }

    #[test]
    fn the_architectures_of_a_universal_binary_are_merged() {
        let another = r#"{"packages": [{"name": "d", "version": "5.0.0"}]}"#;
        let images =
            [JSON, JSON, another].map(|json| macho(&[(SECTION, &deflated(json.as_bytes()))]));
        let found = audit(&fat(&images)).unwrap();
        assert_eq!(found[..3], CRATES);
        assert_eq!(found[3..], ["d 5.0.0 embedded bootstrap"]);
    }

    #[test]
    fn broken_audit_data_is_said_so() {
        let bomb = deflated(&vec![b' '; 17 << 20]);
        for (section, message) in [
            (
                b"no zlib".to_vec(),
                "carries audit data that is not valid zlib",
            ),
            (
                deflated(b"{"),
                "carries audit data that is not valid JSON: EOF while parsing an object",
            ),
            (bomb, "carries audit data of more than 16 MiB"),
        ] {
            assert_eq!(
                audit(&elf(&[(SECTION, &section)])).unwrap_err().message,
                message
            );
        }
        let mut beyond = macho(&[(SECTION, &deflated(JSON.as_bytes()))]);
        beyond.truncate(beyond.len() - 1);
        let message = "has a section of audit data beyond its end";
        assert_eq!(audit(&beyond).unwrap_err().message, message);
    }

    #[test]
    fn executables_may_end_anywhere() {
        let section = deflated(JSON.as_bytes());
        let sections = [(SECTION, section.as_slice())];
        let universal = fat(&[macho(&sections)]);
        for executable in [elf(&sections), pe(&sections), universal] {
            for end in 64..executable.len() {
                let found = audit(&executable[..end]);
                assert!(found.is_err() || found == Ok(vec![]), "{end}");
            }
        }
    }
}

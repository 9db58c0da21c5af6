//! Maven: what jars say of themselves and of what was put into them, manifests and lock files. See `docs/java.md`.

pub(crate) mod claims;
mod coordinates;
mod file_name;
mod gradle_lockfile;
mod identify;
mod jar;
mod jar_pom;
mod known;
mod manifest;
mod maven_lockfile;
mod own;
mod pom;
mod pom_xml;
mod properties;
pub(super) mod resolve;
#[cfg(test)]
mod testing;

pub(super) use claims::is_inside_library;

use crate::inspect::Inspector;

/// Every Maven format. To add one is to add its file and its line.
pub const INSPECTORS: &[&dyn Inspector] = &[
    &jar::Jar,
    &jar_pom::JarPom,
    &pom_xml::PomXml,
    &gradle_lockfile::GradleLockfile,
    &maven_lockfile::MavenLockfile,
];

/// Those that read a lock file.
pub const LOCKS: &[&dyn Inspector] = &[
    &gradle_lockfile::GradleLockfile,
    &maven_lockfile::MavenLockfile,
];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{INSPECTORS, resolve};
    use crate::finding::EntryPath;
    use crate::inspect::{Contents, Entry, Header, Observations};

    const FILES: [&str; 6] = [
        "META-INF/MANIFEST.MF",
        "META-INF/maven/g/a/pom.properties",
        "META-INF/maven/g/a/pom.xml",
        "pom.xml",
        "gradle.lockfile",
        "lockfile.json",
    ];

    /// Text of the pieces that the formats and the names of jars are made of, in no order.
    fn soup() -> impl Strategy<Value = String> {
        const PIECES: [&str; 34] = [
            "\n",
            "\r\n ",
            " ",
            ":",
            "=",
            "-",
            ".",
            "_2.13",
            "1.0",
            "-1",
            "a",
            "é",
            "#",
            ";",
            ",",
            "${a}",
            "${",
            "}",
            "groupId",
            "artifactId=",
            "version",
            "Implementation-Title: ",
            "Bundle-SymbolicName: a.",
            "<project>",
            "</project>",
            "<a>",
            "</a>",
            "<version>",
            "</version>",
            "&a;",
            "<![CDATA[",
            "<!--",
            "\"lockFileVersion\"",
            "[{\"children\":",
        ];
        let piece = prop::sample::select(PIECES.to_vec());
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn hostile_files_and_names_do_not_panic(name in soup(), text in soup()) {
            let mut seen = Observations::default();
            for container in ["fn.zip!/", &format!("fn.zip!/{name}.jar!/")] {
                let container = Arc::from(container);
                let paths = FILES.map(|file| EntryPath::new(&container, file));
                let contents = Contents {
                    container: &container,
                    is_artifact: true,
                    paths: &paths.iter().collect::<Vec<_>>(),
                };
                for inspector in INSPECTORS {
                    inspector.list(&contents, &mut seen);
                    for path in &paths {
                        let bytes = text.as_bytes();
                        if inspector.wants(&Header { path, size: bytes.len() as u64, first_bytes: &[] }) {
                            // Whether the file is readable is no matter here.
                            let _ = inspector.inspect(&Entry { path, bytes }, &mut seen);
                        }
                    }
                }
            }
            resolve::resolve(seen.jars);
        }
    }
}

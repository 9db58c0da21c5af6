//! `META-INF/MANIFEST.MF`: who built a jar, and of what.
//!
//! <https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html#jar-manifest>; the headers of OSGi:
//! <https://docs.osgi.org/specification/osgi.core/8.0.0/framework.module.html#framework.module.bundlenamespace>. Only
//! the main section, up to the first empty line, is about the jar; the others are about entries.

/// Longer values are no names.
const MAX_VALUE: usize = 500;

/// The headers that tell something; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    pub title: String,
    pub version: String,
    pub vendor_id: String,
    pub bundle_name: String,
    pub bundle_version: String,
    pub main_class: String,
    pub class_path: String,
    pub created_by: String,
    /// Whether the loader of Spring Boot starts it.
    pub is_by_spring_boot: bool,
}

impl Manifest {
    pub fn parse(bytes: &[u8]) -> Manifest {
        let mut manifest = Manifest::default();
        let mut header: Vec<u8> = Vec::new();
        let lines = bytes.split(|&byte| byte == b'\n');
        for line in lines {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match line {
                [] => break,
                // A line holds 72 bytes, wherever a character ends: those that go on begin with a space.
                [b' ', rest @ ..] => header.extend_from_slice(rest),
                _ => {
                    manifest.take(&header);
                    header.clear();
                    header.extend_from_slice(line);
                }
            }
        }
        manifest.take(&header);
        manifest
    }

    fn take(&mut self, header: &[u8]) {
        let header = String::from_utf8_lossy(header);
        let Some((name, value)) = header.split_once(':') else {
            return;
        };
        let fields = [
            ("Implementation-Title", &mut self.title),
            ("Implementation-Version", &mut self.version),
            ("Implementation-Vendor-Id", &mut self.vendor_id),
            ("Bundle-SymbolicName", &mut self.bundle_name),
            ("Bundle-Version", &mut self.bundle_version),
            ("Class-Path", &mut self.class_path),
            ("Created-By", &mut self.created_by),
        ];
        let value = value.trim();
        if value.len() > MAX_VALUE {
            return;
        }
        for (known, field) in fields {
            if name.eq_ignore_ascii_case(known) {
                value.clone_into(field);
                return;
            }
        }
        // The class that Spring Boot starts is the application's, its main class the loader's.
        let is_start = name.eq_ignore_ascii_case("Start-Class");
        self.is_by_spring_boot |= is_start || name.starts_with("Spring-Boot-");
        if is_start || (name.eq_ignore_ascii_case("Main-Class") && self.main_class.is_empty()) {
            value.clone_into(&mut self.main_class);
        }
    }

    /// The symbolic name, without its directives.
    pub fn symbolic_name(&self) -> &str {
        let name = self.bundle_name.split(';').next().unwrap_or_default();
        name.trim()
    }

    pub fn is_by_maven(&self) -> bool {
        // `Apache Maven 3.9`, `Maven JAR Plugin 3.4`, `Maven Archiver 3.6`: by the version of the archiver.
        self.created_by.contains("Maven")
    }

    /// Whether it is a part of a Java runtime, which is no package.
    pub fn is_of_java(&self) -> bool {
        self.title == "Java Runtime Environment"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_go_on_over_lines_even_within_a_character() {
        let mut text =
            b"Manifest-Version: 1.0\r\nimplementation-title: caf\xC3\r\n \xA9-a\r\n".to_vec();
        text.extend(b"Bundle-SymbolicName: org.acme.\r\n a-b;singleton:=true\r\n\r\nName: x\r\nBundle-Version: 2\r\n");
        let manifest = Manifest::parse(&text);
        assert_eq!(manifest.title, "café-a");
        assert_eq!(manifest.symbolic_name(), "org.acme.a-b");
        assert_eq!(manifest.bundle_version, "", "that of another section");
    }

    #[test]
    fn the_class_that_is_started_is_the_applications() {
        for text in [
            "Main-Class: a.Loader\nStart-Class: b.App",
            "Start-Class: b.App\nMain-Class: a.Loader\n",
        ] {
            assert_eq!(Manifest::parse(text.as_bytes()).main_class, "b.App");
        }
    }

    #[test]
    fn what_is_no_manifest_says_nothing() {
        let long = format!("Implementation-Title: {}\n", "\n x".repeat(100_000));
        for text in ["", "\n\n", " x\n y", "no header", "\0\u{1}:", &long] {
            assert_eq!(
                Manifest::parse(text.as_bytes()),
                Manifest::default(),
                "{text:.20}"
            );
        }
    }
}

//! `Gemfile.lock`, or `gems.locked`: the gems that Bundler chose.
//!
//! Its form is that of Bundler's own reader: <https://github.com/rubygems/rubygems/blob/master/bundler/lib/bundler/lockfile_parser.rb>.
//! Sections have a heading at the start of a line. The gems of `GEM`, `GIT`, `PLUGIN SOURCE` and `PATH` follow `specs:`,
//! four spaces in, each with its own requirements six spaces in; those of `PATH` are folders of the project.

use std::collections::HashSet;

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;
use crate::supply_chain::origin::{Origin, is_plain, leads_outside};

pub struct GemfileLock;

/// What the lines of a section stand for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Section {
    /// From registries.
    Gems,
    /// From a repository, at one revision.
    Repository,
    /// Of the project.
    Folder,
    /// The version of Bundler, which is a gem too.
    Bundler,
    Checksums,
    #[default]
    Other,
}

/// Headings, without which a text is no lock file of Bundler.
const HEADINGS: &[(&str, Section)] = &[
    ("GEM", Section::Gems),
    ("GIT", Section::Repository),
    ("PLUGIN SOURCE", Section::Gems),
    ("BUNDLED WITH", Section::Bundler),
    ("PATH", Section::Folder),
    ("PLATFORMS", Section::Other),
    ("DEPENDENCIES", Section::Other),
    ("CHECKSUMS", Section::Checksums),
    ("RUBY VERSION", Section::Other),
];

/// Where the gems of a section come from.
#[derive(Clone, Copy, Default)]
struct Source<'a> {
    section: Section,
    /// Of several, the first that anyone on the way may change.
    remote: Option<&'a str>,
    revision: Option<&'a str>,
}

/// A gem of a section.
struct Row<'a> {
    name: &'a str,
    /// `version-platform`
    version: &'a str,
    line: u32,
    source: Source<'a>,
}

impl Inspector for GemfileLock {
    fn wants(&self, header: &Header) -> bool {
        let is_lock = header.path.is_named("Gemfile.lock") || header.path.is_named("gems.locked");
        is_lock && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut source = Source::default();
        let mut rows = Vec::new();
        let mut checksums = HashSet::new();
        let mut result = Ok(());
        for (line, text) in (1..).zip(entry.text()?.lines()) {
            let text = text.trim_end();
            if !text.starts_with(' ') && !text.is_empty() {
                let heading = HEADINGS.iter().find(|(heading, _)| *heading == text);
                source = Source {
                    section: heading.map_or(Section::Other, |(_, section)| *section),
                    ..Source::default()
                };
                // Bundler passes over headings to come, and stops at the marks of a merge.
                let is_merge = matches!(text.get(..7), Some("<<<<<<<" | "=======" | ">>>>>>>"));
                if is_merge && result.is_ok() {
                    let message = "holds both sides of an unfinished merge";
                    result = Err(Unreadable::at(line as usize, message));
                }
                continue;
            }
            let found = match source.section {
                Section::Gems | Section::Repository | Section::Folder => {
                    source.read(text);
                    gem(text)
                }
                Section::Bundler => Some(("bundler", text.trim())),
                Section::Checksums => {
                    checksums.extend(checksum(text));
                    None
                }
                Section::Other => None,
            };
            if let Some((name, version)) = found.filter(|(_, version)| !version.is_empty()) {
                rows.push(Row {
                    name,
                    version,
                    line,
                    source,
                });
            }
        }
        for row in rows {
            let location = Location::at_line(entry.path, row.line);
            let origin = row.origin(entry.path.parent(), &checksums);
            let (ecosystem, locked) = (Ecosystem::RubyGems, Evidence::Locked);
            seen.origin(ecosystem, row.name, locked, origin, location.clone());
            if row.source.section != Section::Folder {
                // Versions have no hyphen here.
                let version = row.version.split('-').next().unwrap_or_default();
                seen.stated(ecosystem, row.name, version, locked, location);
            }
        }
        result
    }
}

impl<'a> Source<'a> {
    /// Reads `  remote: address` and `  revision: commit`.
    fn read(&mut self, line: &'a str) {
        if let Some(remote) = line.strip_prefix("  remote: ") {
            let is_worse = !self.remote.is_some_and(is_plain);
            self.remote = if is_worse { Some(remote) } else { self.remote };
        } else if let Some(revision) = line.strip_prefix("  revision: ") {
            self.revision = Some(revision);
        }
    }
}

impl Row<'_> {
    fn origin(&self, folder: &str, checksums: &HashSet<(&str, &str)>) -> Option<Origin> {
        let remote = self.source.remote?;
        match self.source.section {
            Section::Repository => Origin::of_git(remote, self.source.revision),
            Section::Folder => leads_outside(folder, remote),
            _ => {
                let is_hashed = checksums.contains(&(self.name, self.version));
                let unhashed = || {
                    self.is_unhashed(is_hashed, checksums)
                        .then_some(Origin::Unhashed)
                };
                Origin::of_address(remote, is_hashed, true).or_else(unhashed)
            }
        }
    }

    /// Whether others have a checksum, and it has none. Gems for other platforms were never fetched.
    fn is_unhashed(&self, is_hashed: bool, checksums: &HashSet<(&str, &str)>) -> bool {
        !is_hashed && !checksums.is_empty() && !self.version.contains('-')
    }
}

/// Reads `  name (version-platform) sha256=…`.
fn checksum(line: &str) -> Option<(&str, &str)> {
    let (gem, checksum) = line.trim_start().split_once(") ")?;
    let (name, version) = gem.split_once(" (")?;
    checksum.contains('=').then_some((name, version))
}

/// Reads `    name (version-platform)`.
fn gem(line: &str) -> Option<(&str, &str)> {
    let row = line
        .strip_prefix("    ")
        .filter(|row| !row.starts_with(' '))?;
    row.strip_suffix(')')?.split_once(" (")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, origins, rows, wants};

    #[test]
    fn gems_of_every_source_but_the_projects_folders_are_locked() {
        let text = "\
GIT
  remote: https://git.example/g.git
  revision: 0123456789abcdef0123456789abcdef01234567
  specs:
    g (0.3.0)
      a (~> 1.0)

PATH
  remote: .
  specs:
    own (0.1.0)
      a

GEM
  remote: https://registry.example/
  specs:
    a (1.2.0.rc1)
      n (>= 1.0, < 3)
    n (1.15.0-x86_64-linux)
    n (1.15.0)
    java-only (2.0-java)

PLATFORMS
  ruby
  x86_64-linux

DEPENDENCIES
  a (= 1.2.0.rc1)
  g!
  own!

CHECKSUMS
  a (1.2.0.rc1) sha256=00

RUBY VERSION
   ruby 3.2.2p53

BUNDLED WITH
   2.4.10
";
        let expected = [
            "a 1.2.0.rc1 locked Gemfile.lock:17",
            "bundler 2.4.10 locked Gemfile.lock:39",
            "g 0.3.0 locked Gemfile.lock:5",
            "java-only 2.0 locked Gemfile.lock:21",
            "n 1.15.0 locked Gemfile.lock:19",
            "n 1.15.0 locked Gemfile.lock:20",
        ];
        let seen = inspect(&GemfileLock, "Gemfile.lock", text).unwrap();
        assert_eq!(rows(&seen), expected);
        let seen = inspect(&GemfileLock, "Gemfile.lock", text.replace('\n', "\r\n")).unwrap();
        assert_eq!(rows(&seen), expected);
    }

    #[test]
    fn where_gems_come_from_is_said_where_that_is_no_verified_registry() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let text = format!(
            "\
GIT
  remote: https://me:secret@git.example/g.git
  revision: {commit}
  branch: main
  specs:
    g (0.3.0)

GIT
  remote: git://git.example/h.git
  revision: {commit}
  specs:
    h (0.3.0)

PATH
  remote: ..
  specs:
    outside (0.1.0)

PATH
  remote: engines/own
  specs:
    own (0.1.0)

GEM
  remote: https://registry.example/
  remote: http://own.example/
  remote: https://more.example/
  specs:
    a (1.0)
    b (1.0)

GEM
  remote: https://registry.example/
  specs:
    c (1.0)
    d (1.0)
    e (1.0-java)

CHECKSUMS
  a (1.0) sha256=00
  b (1.0)
  c (1.0) sha256=00
  d (1.0)
  e (1.0-java)
  own (0.1.0)
"
        );
        let seen = inspect(&GemfileLock, "Gemfile.lock", &text).unwrap();
        let expected = [
            format!(
                "g locked Gemfile.lock:6 Repository {{ address: \"git+https://git.example/g.git#{commit}\", commit: true }}"
            ),
            format!(
                "h locked Gemfile.lock:12 Plain {{ address: \"git+git://git.example/h.git#{commit}\", held: true }}"
            ),
            "outside locked Gemfile.lock:17 Outside { path: \"..\" }".to_owned(),
            "a locked Gemfile.lock:29 Plain { address: \"http://own.example/\", held: true }"
                .to_owned(),
            "b locked Gemfile.lock:30 Plain { address: \"http://own.example/\", held: false }"
                .to_owned(),
            "d locked Gemfile.lock:36 Unhashed".to_owned(),
        ];
        assert_eq!(origins(&seen), expected);
        // Older files have no checksums at all.
        let (older, _) = text.split_once("CHECKSUMS").unwrap();
        let seen = inspect(&GemfileLock, "Gemfile.lock", older).unwrap();
        assert!(origins(&seen).iter().all(|row| !row.contains("Unhashed")));
    }

    #[test]
    fn an_unfinished_merge_is_said_so_and_the_rest_counts() {
        let path = crate::finding::EntryPath::new(&"fn.zip!/".into(), "gems.locked");
        let bytes = b"GEM\n  specs:\n    a (1.0)\n<<<<<<< HEAD\nGEM\n  specs:\n    b (1.0)\n";
        let mut seen = Observations::default();
        let error = GemfileLock.inspect(&Entry { path: &path, bytes }, &mut seen);
        assert_eq!(error.unwrap_err().line, Some(4));
        assert_eq!(
            rows(&seen),
            ["a 1.0 locked gems.locked:3", "b 1.0 locked gems.locked:7"]
        );
    }

    #[test]
    fn lock_files_of_installed_gems_are_not_wanted() {
        assert!(wants(&GemfileLock, "api/Gemfile.lock", b""));
        let inside = "vendor/bundle/ruby/3.2.0/gems/a-1.0/Gemfile.lock";
        assert!(!wants(&GemfileLock, inside, b""));
    }
}

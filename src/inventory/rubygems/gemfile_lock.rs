//! `Gemfile.lock`, or `gems.locked`: the gems that Bundler chose.
//!
//! Its form is that of Bundler's own reader: <https://github.com/rubygems/rubygems/blob/master/bundler/lib/bundler/lockfile_parser.rb>.
//! Sections have a heading at the start of a line. The gems of `GEM`, `GIT`, `PLUGIN SOURCE` and `PATH` follow `specs:`,
//! four spaces in, each with its own requirements six spaces in; those of `PATH` are folders of the project.

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;

pub struct GemfileLock;

/// What the lines of a section stand for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Gems,
    /// The version of Bundler, which is a gem too.
    Bundler,
    Other,
}

/// Headings, without which a text is no lock file of Bundler.
const HEADINGS: &[(&str, Section)] = &[
    ("GEM", Section::Gems),
    ("GIT", Section::Gems),
    ("PLUGIN SOURCE", Section::Gems),
    ("BUNDLED WITH", Section::Bundler),
    ("PATH", Section::Other),
    ("PLATFORMS", Section::Other),
    ("DEPENDENCIES", Section::Other),
    ("CHECKSUMS", Section::Other),
    ("RUBY VERSION", Section::Other),
];

impl Inspector for GemfileLock {
    fn wants(&self, header: &Header) -> bool {
        let is_lock = header.path.is_named("Gemfile.lock") || header.path.is_named("gems.locked");
        is_lock && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut section = Section::Other;
        let mut result = Ok(());
        for (line, text) in (1..).zip(entry.text()?.lines()) {
            let text = text.trim_end();
            if !text.starts_with(' ') && !text.is_empty() {
                let heading = HEADINGS.iter().find(|(heading, _)| *heading == text);
                section = heading.map_or(Section::Other, |(_, section)| *section);
                // Bundler passes over headings to come, and stops at the marks of a merge.
                let is_merge = matches!(text.get(..7), Some("<<<<<<<" | "=======" | ">>>>>>>"));
                if is_merge && result.is_ok() {
                    let message = "holds both sides of an unfinished merge";
                    result = Err(Unreadable::at(line as usize, message));
                }
                continue;
            }
            let found = match section {
                Section::Gems => gem(text),
                Section::Bundler => Some(("bundler", text.trim())),
                Section::Other => None,
            };
            if let Some((name, version)) = found.filter(|(_, version)| !version.is_empty()) {
                let location = Location::at_line(entry.path, line);
                seen.stated(
                    Ecosystem::RubyGems,
                    name,
                    version,
                    Evidence::Locked,
                    location,
                );
            }
        }
        result
    }
}

/// Reads `    name (version-platform)`.
fn gem(line: &str) -> Option<(&str, &str)> {
    let row = line
        .strip_prefix("    ")
        .filter(|row| !row.starts_with(' '))?;
    let (name, version) = row.strip_suffix(')')?.split_once(" (")?;
    // Versions have no hyphen here.
    Some((name, version.split('-').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

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

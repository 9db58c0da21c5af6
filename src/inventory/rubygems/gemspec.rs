//! `*.gemspec` of installed gems.
//!
//! RubyGems writes one for each gem it installs, `specifications/NAME-VERSION-PLATFORM.gemspec`, with a line at its
//! top that says the same: `# stub: NAME VERSION PLATFORM FOLDERS`
//! (<https://github.com/rubygems/rubygems/blob/master/lib/rubygems/stub_specification.rb>). Where these were slimmed
//! away, a gem's own specification is left in `gems/NAME-VERSION-PLATFORM/NAME.gemspec`. That of a gem from a Git
//! repository is in `bundler/gems/NAME-REVISION/`, and states its version if it is not computed.

use super::ruby;
use crate::component::{Ecosystem, Evidence};
use crate::finding::EntryPath;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner::is_fixture_folder;

pub struct Gemspec;

const SUFFIX: &str = ".gemspec";

/// How many lines are looked at for the stub, which is the second of the file.
const STUB_LINES: usize = 5;

/// Where the specification lies. The tests of a gem may bring some along that are of no gem.
enum Place<'a> {
    /// Among those that RubyGems writes, under this name.
    Specifications(&'a str),
    /// In the folder of the gem of the first name, which has the second.
    Gem(&'a str, &'a str),
    Repository(&'a str),
}

impl Inspector for Gemspec {
    fn wants(&self, header: &Header) -> bool {
        header.path.inner().ends_with(SUFFIX) && place(header.path).is_some()
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        // Words in other encodings are in descriptions alone.
        let text = String::from_utf8_lossy(entry.bytes);
        let found = match place(entry.path) {
            Some(Place::Specifications(file)) => stub(&text)
                .or_else(|| stated(&text))
                .or_else(|| named_by_file(file)),
            Some(Place::Gem(name, folder)) => version_of_folder(name, folder).map(|v| (name, v)),
            Some(Place::Repository(name)) => {
                let stated = stated(&text).filter(|(stated, _)| *stated == name);
                Some(stated.unwrap_or((name, "")))
            }
            None => None,
        };
        let (name, version) =
            found.ok_or_else(|| Unreadable::new("does not state a gem's name and version"))?;
        let location = entry.path.clone();
        seen.stated(
            Ecosystem::RubyGems,
            name,
            version,
            Evidence::Installed,
            location,
        );
        Ok(())
    }
}

fn place(path: &EntryPath) -> Option<Place<'_>> {
    let file = path.file_name().strip_suffix(SUFFIX)?;
    let mut outer = path.parent().split('/').skip_while(|part| *part != "gems");
    if outer.any(is_fixture_folder) {
        return None;
    }
    let mut folders = path.parent().rsplit('/');
    let (folder, above) = (folders.next()?, folders.next().unwrap_or_default());
    match (folder, above) {
        // The gems that Ruby brings along.
        ("specifications", _) | ("default", "specifications") => Some(Place::Specifications(file)),
        (_, "gems") if folders.next() == Some("bundler") => {
            let revision = folder.strip_prefix(file)?.strip_prefix('-')?;
            let is_revision = revision.bytes().all(|b| b.is_ascii_hexdigit());
            is_revision.then_some(Place::Repository(file))
        }
        (_, "gems") => version_of_folder(file, folder).map(|_| Place::Gem(file, folder)),
        _ => None,
    }
}

/// The version in `NAME-VERSION-PLATFORM`, where the name is known.
fn version_of_folder<'a>(name: &str, folder: &'a str) -> Option<&'a str> {
    let version = folder.strip_prefix(name)?.strip_prefix('-')?;
    let version = version.split('-').next()?;
    version
        .starts_with(|c: char| c.is_ascii_digit())
        .then_some(version)
}

/// Name and version of `NAME-VERSION-PLATFORM`: the first part that starts with a digit is the version.
fn named_by_file(file: &str) -> Option<(&str, &str)> {
    let mut hyphens = file.match_indices('-').map(|(at, _)| at);
    let at = hyphens.find(|at| {
        let next = file.as_bytes().get(at + 1);
        *at > 0 && next.is_some_and(u8::is_ascii_digit)
    })?;
    let name = file.get(..at)?;
    Some((name, version_of_folder(name, file)?))
}

fn stub(text: &str) -> Option<(&str, &str)> {
    let mut lines = text.lines().take(STUB_LINES);
    let stub = lines.find_map(|line| line.strip_prefix("# stub: "))?;
    let mut words = stub.split_whitespace();
    Some((words.next()?, words.next()?))
}

/// What `s.name = "…"` and `s.version = "…"` state.
fn stated(text: &str) -> Option<(&str, &str)> {
    let value = |field: &str| {
        text.lines().find_map(|line| {
            let (object, value) = line.split_once(field)?;
            let is_object = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let value = value.trim_start().strip_prefix('=')?.trim_start();
            let value = value.strip_prefix("Gem::Version.new").unwrap_or(value);
            let value = value.trim_start_matches(['(', ' ']);
            object
                .trim()
                .chars()
                .all(is_object)
                .then(|| ruby::literal(value))?
        })
    };
    Some((value(".name")?.0, value(".version")?.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    const SPEC: &str = "# -*- encoding: utf-8 -*-\n# stub: nokogiri 1.15.0 x86_64-linux lib\n\n\
        Gem::Specification.new do |s|\n  s.name = \"nokogiri\".freeze\n  s.version = \"1.15.0\"\n\
        \x20 s.required_rubygems_version = Gem::Requirement.new(\">= 0\".freeze)\n  s.platform = \"x86_64-linux\".freeze\nend\n";

    fn found(path: &str, text: impl AsRef<[u8]>) -> Vec<String> {
        let rows = rows(&inspect(&Gemspec, path, text).unwrap());
        let without_path = |row: String| row.replace(&format!(" installed {path}"), "");
        rows.into_iter().map(without_path).collect()
    }

    #[test]
    fn rubygems_writes_a_specification_of_each_gem() {
        for path in [
            "vendor/bundle/ruby/3.2.0/specifications/nokogiri-1.15.0-x86_64-linux.gemspec",
            "ruby/gems/3.2.0/specifications/nokogiri-1.15.0-x86_64-linux.gemspec",
            "usr/lib/ruby/gems/3.2.0/specifications/default/nokogiri-1.15.0.gemspec",
            "specifications/any.gemspec",
            "usr/share/rubygems-integration/all/specifications/nokogiri-1.15.0.gemspec",
            "home/me/.rvm/gems/ruby-3.2.0/specifications/nokogiri-1.15.0.gemspec",
        ] {
            assert_eq!(found(path, SPEC), ["nokogiri 1.15.0"], "{path}");
        }
    }

    #[test]
    fn without_its_stub_the_fields_or_the_name_of_the_file_tell() {
        let path = "specifications/a-b-1.0.pre.gemspec";
        let fields = "Gem::Specification.new do |spec|\n spec.name = 'c'\n spec.version = Gem::Version.new('2.0')\n";
        assert_eq!(found(path, fields), ["c 2.0"]);
        assert_eq!(found(path, "s.name = NAME\n"), ["a-b 1.0.pre"]);
        assert_eq!(found(path, b"\xff\xfe"), ["a-b 1.0.pre"]);
        let path = "specifications/a-1.0-x86-mingw32.gemspec";
        assert_eq!(found(path, ""), ["a 1.0"]);
    }

    #[test]
    fn a_gem_without_it_is_known_by_its_folder() {
        let computed = "s.name = 'a'\ns.version = A::VERSION\n";
        for (path, row) in [
            ("ruby/gems/3.2.0/gems/a-1.0/a.gemspec", "a 1.0"),
            ("gems/a-b-1.0.1-java/a-b.gemspec", "a-b 1.0.1"),
            ("bundler/gems/a-0123456789ab/a.gemspec", "a ~"),
        ] {
            assert_eq!(found(path, computed), [row]);
        }
        let path = "bundler/gems/a-0123456789ab/a.gemspec";
        assert_eq!(found(path, "s.name = 'a'\ns.version = '1.1'\n"), ["a 1.1"]);
        assert_eq!(found(path, "s.name = 'b'\ns.version = '1.1'\n"), ["a ~"]);
    }

    #[test]
    fn specifications_that_say_nothing_are_reported() {
        let path = "specifications/none.gemspec";
        assert!(inspect(&Gemspec, path, "puts 1").is_err());
    }

    #[test]
    fn the_projects_own_and_those_of_nested_gems_are_not_wanted() {
        for path in [
            "own.gemspec",
            "gems/engine/engine.gemspec",
            "ruby/gems/3.2.0/gems/a-1.0/b.gemspec",
            "ruby/gems/3.2.0/gems/a-1.0/spec/fixtures/a.gemspec",
            "bundler/gems/a-0123456789ab/b.gemspec",
            "gems/a-1.0/test/specifications/b-1.0.gemspec",
            "ruby/gems/3.2.0/gems/a-1.0/spec/gems/b-1.0/b.gemspec",
        ] {
            assert!(!wants(&Gemspec, path, b""), "{path}");
        }
    }
}

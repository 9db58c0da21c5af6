//! `Gemfile`, or `gems.rb`: the gems that a project asks for.
//!
//! Specification: <https://bundler.io/man/gemfile.5.html>. It is a program in Ruby, of which only lines are read that
//! say something as they stand: `gem "name", "requirement", …`. Gems of the groups that stay behind, and those from
//! folders of the project, are left out.

use super::ruby;
use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;
use crate::version::Version;

pub struct Gemfile;

/// Groups that are not installed where a function runs.
const GROUPS_LEFT_BEHIND: &[&str] = &[":development", ":test"];

impl Inspector for Gemfile {
    fn wants(&self, header: &Header) -> bool {
        let is_manifest = header.path.is_named("Gemfile") || header.path.is_named("gems.rb");
        is_manifest && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        // Whether the gems of each open block count.
        let mut blocks = Vec::new();
        for (line, text) in statements(entry.text()?) {
            let counts = blocks.last().copied().unwrap_or(true);
            if text == "end" {
                blocks.pop();
            } else if opens_block(&text) {
                blocks.push(counts && block_counts(&text));
            } else if counts && let Some((name, requirement)) = gem(&text) {
                declare(seen, name, requirement, Location::at_line(entry.path, line));
            }
        }
        Ok(())
    }
}

/// Each statement, with the line that it starts on. One goes on where a line ends with a comma.
fn statements(text: &str) -> Vec<(u32, String)> {
    let mut statements = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (line, text) in ruby::code_lines(text) {
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let (_, statement) = open.get_or_insert((line, String::new()));
        statement.push_str(text);
        if !text.ends_with(',') {
            statements.extend(open.take());
        }
    }
    statements.extend(open);
    statements
}

fn declare(seen: &mut Observations, name: &str, requirement: String, location: Location) {
    let ecosystem = Ecosystem::RubyGems;
    match exact(&requirement) {
        Some(version) => seen.component(ecosystem, name, version, Evidence::Declared, location),
        // Bundler's own word for any version.
        None if requirement.is_empty() => seen.declared(ecosystem, name, ">= 0", location),
        None => seen.declared(ecosystem, name, requirement, location),
    }
}

fn opens_block(text: &str) -> bool {
    let words = [
        "if ", "unless ", "case ", "begin", "def ", "while ", "until ", "for ",
    ];
    let is_do = text.ends_with(" do") || (text.ends_with('|') && text.contains(" do |"));
    let closes = text.ends_with(" end") || text.ends_with(";end");
    is_do || (!closes && words.iter().any(|word| text.starts_with(word)))
}

fn block_counts(text: &str) -> bool {
    let arguments = |verb| {
        text.strip_prefix(verb)
            .filter(|rest: &&str| rest.starts_with([' ', '(']))
    };
    let left_behind = arguments("group").is_some_and(is_left_behind);
    !left_behind && arguments("path").is_none()
}

/// Whether only such groups are named.
fn is_left_behind(text: &str) -> bool {
    let mut groups = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '_')))
        .filter(|word| word.starts_with(':'));
    let first = groups.next();
    first.is_some_and(|group| GROUPS_LEFT_BEHIND.contains(&group))
        && groups.all(|group| GROUPS_LEFT_BEHIND.contains(&group))
}

/// The name and the requirements of `gem "name", "requirement", "requirement", option: value`.
fn gem(text: &str) -> Option<(&str, String)> {
    let rest = text.strip_prefix("gem")?;
    let rest = rest
        .strip_prefix([' ', '('])?
        .trim_start_matches([' ', '(']);
    let (name, mut rest) = ruby::literal(rest)?;
    let mut requirements = Vec::new();
    while let Some(next) = rest.trim_start().strip_prefix(',') {
        let next = next.trim_start();
        match ruby::literal(next) {
            // Not the key of an option.
            Some((requirement, after)) if !after.trim_start().starts_with([':', '=']) => {
                requirements.push(requirement);
                rest = after;
            }
            _ => return counts(next).then(|| (name, requirements.join(", "))),
        }
    }
    Some((name, requirements.join(", ")))
}

/// Whether the options leave a gem that is installed, and is not the project's own.
fn counts(options: &str) -> bool {
    let value = |key: &str| {
        let after = |form: String| options.split_once(form.as_str()).map(|(_, value)| value);
        after(format!("{key}: ")).or_else(|| after(format!(":{key} =>")))
    };
    let group = value("group").or_else(|| value("groups"));
    let group = group.map(|groups| groups.trim_start());
    // A list ends at its bracket, another value at a comma.
    let group = group.map(|groups| match groups.strip_prefix('[') {
        Some(list) => list.split(']').next().unwrap_or_default(),
        None => groups.split(',').next().unwrap_or_default(),
    });
    value("path").is_none() && !group.is_some_and(is_left_behind)
}

/// The version that a requirement pins.
fn exact(requirement: &str) -> Option<&str> {
    let version = requirement.strip_prefix('=').unwrap_or(requirement).trim();
    Version::parse(Ecosystem::RubyGems, version).map(|_| version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn read(text: &str) -> Vec<String> {
        let rows = rows(&inspect(&Gemfile, "Gemfile", text).unwrap());
        let without_path = |row: String| row.replace(" declared Gemfile", "");
        rows.into_iter().map(without_path).collect()
    }

    #[test]
    fn plain_lines_are_read() {
        let text = "source 'https://registry.example'\nruby '3.2.2'\n# gem 'z'\n\
            gem 'a'\ngem \"b\", \"~> 1.0\", \">= 1.0.2\"\ngem('c', '1.2.3')\ngem 'd', '= 2.0', require: false\n\
            gem 'e', git: 'https://git.example/e.git'\ngem 'f', \"#{x}\"\ngem name\ngemspec\n\
            gem 'g', # why\n  '~> 1.0'\ngem 'h',\n  # because\n  '~> 2.0',\n  require: false\ngem 'i',\n  path: 'i'\n";
        assert_eq!(
            read(text),
            [
                "a ~>= 0:4",
                "b ~~> 1.0, >= 1.0.2:5",
                "c 1.2.3:6",
                "d 2.0:7",
                "e ~>= 0:8",
                "f ~>= 0:9",
                "g ~~> 1.0:12",
                "h ~~> 2.0:14",
            ]
        );
    }

    #[test]
    fn comments_say_nothing() {
        let text = "group :test do # dev, :production\n  gem 'a'\nend # test\ngem 'b', '1.0' # c,\ngem 'c', '2.0'\n\
            =begin\ngem 'd', '3.0'\n=end of it\n  # gem 'e',\ngem 'f', \"4.0\"#,\nend# nothing\n\
            gem 'g#h', '5.0'\nif x then gem 'i', '6.0' end\ngem 'j', '7.0'\n\
            group :development do\n  gem 'k', '8.0'\n  if y; z; end\nend\ngem 'l', '9.0'\n__END__\ngem 'm', '1.0'\n";
        let expected = [
            "b 1.0:4",
            "c 2.0:5",
            "f 4.0:10",
            "g#h 5.0:12",
            "j 7.0:14",
            "l 9.0:19",
        ];
        assert_eq!(read(text), expected);
    }

    #[test]
    fn what_stays_behind_or_is_the_projects_own_is_left_out() {
        let text = "group :development, :test do\n  gem 'a'\n  platforms :ruby do\n    gem 'b'\n  end\nend\n\
            group :production do\n  gem 'c'\nend\n\
            path 'engines' do\n  gem 'd'\nend\n\
            gem 'e', path: '.'\ngem 'f', group: :test\ngem 'g', groups: [:development, :test], require: false\n\
            gem 'h', :group => [:test, :production]\ngem 'i', :path => 'x'\n\
            if ENV['X']\n  gem 'j'\nend\ngroup :production, :test do |x|\n gem 'k'\nend\n";
        assert_eq!(
            read(text),
            ["c ~>= 0:8", "h ~>= 0:16", "j ~>= 0:19", "k ~>= 0:22"]
        );
    }

    #[test]
    fn manifests_of_installed_gems_are_not_wanted() {
        assert!(wants(&Gemfile, "Gemfile", b""));
        assert!(!wants(&Gemfile, "ruby/gems/3.2.0/gems/a-1.0/Gemfile", b""));
    }
}

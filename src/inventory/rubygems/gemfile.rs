//! `Gemfile`, or `gems.rb`: the gems that a project asks for.
//!
//! Specification: <https://bundler.io/man/gemfile.5.html>. It is a program in Ruby, of which only lines are read that
//! say something as they stand: `gem "name", "requirement", …`. Gems of the groups that stay behind, and those from
//! folders of the project, are left out. `source`, `git` and `path` say of what follows where it comes from.

use super::ruby;
use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::npm::specifier::without_credentials;
use crate::inventory::owner;
use crate::supply_chain::origin::{Origin, is_plain, leads_outside};
use crate::version::Version;

pub struct Gemfile;

/// Groups that are not installed where a function runs.
const GROUPS_LEFT_BEHIND: &[&str] = &[":development", ":test"];

/// What names a repository, as an option or as a block, and the short form of its address.
const REPOSITORIES: [(&str, &str); 5] = [
    ("git", ""),
    ("github", "github:"),
    ("gitlab", "gitlab:"),
    ("bitbucket", "bitbucket:"),
    ("gist", "gist:"),
];

impl Inspector for Gemfile {
    fn wants(&self, header: &Header) -> bool {
        let is_manifest = header.path.is_named("Gemfile") || header.path.is_named("gems.rb");
        is_manifest && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut blocks: Vec<Block> = Vec::new();
        for (line, text) in statements(entry.text()?) {
            let block = blocks.last().cloned().unwrap_or_default();
            let location = Location::at_line(entry.path, line);
            let folder = entry.path.parent();
            if !block.is_left_behind
                && let Some(origin) = index(&text)
            {
                let (ecosystem, declared) = (Ecosystem::RubyGems, Evidence::Declared);
                seen.origin(
                    ecosystem,
                    "source",
                    declared,
                    Some(origin),
                    location.clone(),
                );
            }
            if text == "end" {
                blocks.pop();
            } else if opens_block(&text) {
                blocks.push(block.with(&text, folder));
            } else if !block.is_left_behind
                && let Some(gem) = Gem::read(&text)
            {
                gem.declare(seen, &block, folder, location);
            }
        }
        Ok(())
    }
}

/// What the open blocks say of the gems in them.
#[derive(Clone, Default)]
struct Block {
    is_left_behind: bool,
    /// They are in a folder.
    is_local: bool,
    origin: Option<Origin>,
}

impl Block {
    /// What a block within this one says: `group :name do`, `path "folder" do`, `git "address" do`.
    fn with(mut self, text: &str, folder: &str) -> Self {
        self.is_left_behind |= verb(text, "group").is_some_and(is_left_behind);
        if verb(text, "path").is_some() {
            self.is_local = true;
            let path = argument(text, "path");
            self.origin = path.and_then(|(path, _)| leads_outside(folder, path));
        }
        let repository = REPOSITORIES.iter().find_map(|(verb, short)| {
            let (address, options) = argument(text, verb)?;
            of_repository(short, address, options)
        });
        if repository.is_some() {
            self.origin = repository;
        }
        self
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

/// What follows a method's name, if the statement calls it.
fn verb<'a>(text: &'a str, verb: &str) -> Option<&'a str> {
    text.strip_prefix(verb)?.strip_prefix([' ', '('])
}

/// The string that a method is called with, and what follows.
fn argument<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    ruby::literal(verb(text, name)?.trim_start_matches([' ', '(']))
}

/// What `source "address"` says.
fn index(text: &str) -> Option<Origin> {
    let (address, _) = argument(text, "source").filter(|(address, _)| is_plain(address))?;
    let setting = format!("source {}", without_credentials(address));
    Some(Origin::Insecure { setting })
}

/// The repository, at the revision that options name.
fn of_repository(short: &str, address: &str, options: &str) -> Option<Origin> {
    let mut keys = ["ref", "tag", "branch"].into_iter();
    let revision = keys.find_map(|key| option(options, key));
    match (short, revision) {
        ("", revision) => Origin::of_git(address, revision),
        (_, None) => Origin::of_address(&format!("{short}{address}"), false, false),
        (_, Some(revision)) => {
            Origin::of_address(&format!("{short}{address}#{revision}"), false, false)
        }
    }
}

/// `gem "name", "requirement", "requirement", option: value`.
struct Gem<'a> {
    name: &'a str,
    requirement: String,
    options: &'a str,
}

impl<'a> Gem<'a> {
    /// None of a gem that is not installed where a function runs.
    fn read(text: &'a str) -> Option<Self> {
        let (name, mut rest) = argument(text, "gem")?;
        let mut requirements = Vec::new();
        let mut options = "";
        while let Some(next) = rest.trim_start().strip_prefix(',') {
            let next = next.trim_start();
            match ruby::literal(next) {
                // Not the key of an option.
                Some((requirement, after)) if !after.trim_start().starts_with([':', '=']) => {
                    requirements.push(requirement);
                    rest = after;
                }
                _ => {
                    options = next;
                    break;
                }
            }
        }
        let gem = Gem {
            name,
            requirement: requirements.join(", "),
            options,
        };
        (!gem.is_left_behind()).then_some(gem)
    }

    fn is_left_behind(&self) -> bool {
        let group = value(self.options, "group").or_else(|| value(self.options, "groups"));
        let group = group.map(|groups| groups.trim_start());
        // A list ends at its bracket, another value at a comma.
        let group = group.map(|groups| match groups.strip_prefix('[') {
            Some(list) => list.split(']').next().unwrap_or_default(),
            None => groups.split(',').next().unwrap_or_default(),
        });
        group.is_some_and(is_left_behind)
    }

    fn declare(self, seen: &mut Observations, block: &Block, folder: &str, location: Location) {
        let (ecosystem, declared) = (Ecosystem::RubyGems, Evidence::Declared);
        let origin = self.origin(block, folder);
        seen.origin(ecosystem, self.name, declared, origin, location.clone());
        if block.is_local || value(self.options, "path").is_some() {
            return;
        }
        match exact(&self.requirement) {
            Some(version) => seen.component(ecosystem, self.name, version, declared, location),
            // Bundler's own word for any version.
            None if self.requirement.is_empty() => {
                seen.declared(ecosystem, self.name, ">= 0", location);
            }
            None => seen.declared(ecosystem, self.name, self.requirement, location),
        }
    }

    /// Its own options go before the block that it stands in.
    fn origin(&self, block: &Block, folder: &str) -> Option<Origin> {
        if value(self.options, "path").is_some() {
            return leads_outside(folder, option(self.options, "path")?);
        }
        let repository = REPOSITORIES.iter().find_map(|(key, short)| {
            let address = option(self.options, key)?;
            of_repository(short, address, self.options)
        });
        let source = || Origin::of_address(option(self.options, "source")?, false, true);
        let stated = repository.or_else(source).or_else(|| block.origin.clone());
        let is_open = !block.is_local && exact(&self.requirement).is_none();
        stated.or_else(|| is_open.then_some(Origin::Range))
    }
}

/// What follows the key of an option, in any of the forms that Ruby has: `key: value`, `:key => value`,
/// `"key" => value`, `"key": value`.
fn value<'a>(options: &'a str, key: &str) -> Option<&'a str> {
    options.match_indices(key).find_map(|(at, _)| {
        let before = options[..at].chars().next_back();
        let after = &options[at + key.len()..];
        let after = match before {
            Some(quote @ ('"' | '\'')) => after.strip_prefix(quote)?,
            Some(letter) if letter.is_alphanumeric() || letter == '_' => return None,
            _ => after,
        };
        let label = after.strip_prefix(':').filter(|_| before != Some(':'));
        label
            .filter(|value| !value.starts_with(':'))
            .or_else(|| after.trim_start().strip_prefix("=>"))
    })
}

/// The string that an option is.
fn option<'a>(options: &'a str, key: &str) -> Option<&'a str> {
    let (text, _) = ruby::literal(value(options, key)?.trim_start())?;
    Some(text)
}

fn opens_block(text: &str) -> bool {
    let words = [
        "if ", "unless ", "case ", "begin", "def ", "while ", "until ", "for ",
    ];
    let is_do = text.ends_with(" do") || (text.ends_with('|') && text.contains(" do |"));
    let closes = text.ends_with(" end") || text.ends_with(";end");
    is_do || (!closes && words.iter().any(|word| text.starts_with(word)))
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

/// The version that a requirement pins.
fn exact(requirement: &str) -> Option<&str> {
    let version = requirement.strip_prefix('=').unwrap_or(requirement).trim();
    Version::parse(Ecosystem::RubyGems, version).map(|_| version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, origins, rows, wants};

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
    fn what_comes_from_elsewhere_or_in_no_version_is_said() {
        let text = "source 'http://me:secret@registry.example'\n\
            gem 'a', git: 'https://git.example/a.git', branch: 'main'\n\
            gem 'b', github: 'me/b', ref: '0123456789abcdef0123456789abcdef01234567'\n\
            gem 'c', :git => 'git://git.example/c.git'\n\
            gem 'd', path: '../d'\ngem 'e', path: 'engines/e'\n\
            gem 'f', '1.0', source: 'http://own.example'\n\
            gem 'g', '1.0', source: 'https://own.example'\n\
            gem 'h', '~> 1.0'\ngem 'i'\ngem 'j', git: 'git://git.example/j', group: :test\n\
            git 'https://git.example/k.git' do\n  gem 'k', '1.0'\nend\n\
            path '../l' do\n  gem 'l'\nend\n\
            source 'https://more.example' do\n  gem 'm', '1.0'\nend\n\
            group :test do\n  source 'http://test.example' do\n    gem 'n'\n  end\nend\n\
            git_source(:own) { |name| \"https://git.example/#{name}\" }\n";
        let seen = inspect(&Gemfile, "Gemfile", text).unwrap();
        let expected = [
            "source declared Gemfile:1 Insecure { setting: \"source http://registry.example\" }",
            "a declared Gemfile:2 Repository { address: \"git+https://git.example/a.git#main\", commit: false }",
            "b declared Gemfile:3 Repository { address: \"github:me/b#0123456789abcdef0123456789abcdef01234567\", commit: true }",
            "c declared Gemfile:4 Plain { address: \"git+git://git.example/c.git\", held: false }",
            "d declared Gemfile:5 Outside { path: \"../d\" }",
            "f declared Gemfile:7 Plain { address: \"http://own.example\", held: false }",
            "h declared Gemfile:9 Range",
            "i declared Gemfile:10 Range",
            "k declared Gemfile:13 Repository { address: \"git+https://git.example/k.git\", commit: false }",
            "l declared Gemfile:16 Outside { path: \"../l\" }",
        ];
        assert_eq!(origins(&seen), expected);
    }

    #[test]
    fn options_are_read_in_any_form_of_their_keys() {
        let text = "gem 'a', git:'git://git.example/a'\ngem 'b', :git=>'git://git.example/b'\n\
            gem 'c', '1.0', \"git\" => 'git://git.example/c'\n\
            gem 'd', git: 'https://git.example/d', href: '0', branch: 'main'\n\
            gem 'e', '1.0', digit: 'git://git.example/e', git_x: 'git://git.example/e'\n\
            gem 'f', '1.0', require: Git::X\ngem 'g', :group=>:test\ngem 'h', path:'h'\n";
        let seen = inspect(&Gemfile, "Gemfile", text).unwrap();
        let plain = |name: &str, line| {
            format!(
                "{name} declared Gemfile:{line} Plain {{ address: \"git+git://git.example/{name}\", held: false }}"
            )
        };
        let d = "d declared Gemfile:4 Repository { address: \"git+https://git.example/d#main\", commit: false }";
        let expected = [plain("a", 1), plain("b", 2), plain("c", 3), d.to_owned()];
        assert_eq!(origins(&seen), expected);
    }

    #[test]
    fn gems_come_from_the_repository_of_the_block_that_they_stand_in() {
        let text = "git 'https://git.example/a.git', branch: 'main' do\n  gem 'a'\n  group :web do\n    gem 'b'\n  end\n\
            \x20 group :test do\n    gem 'c'\n  end\n  gem 'd', git: 'git://git.example/d'\nend\n\
            gem 'e', '1.0'\ngit 'https://git.example/f.git' do\nend\npath 'own' do\n  gem 'g'\nend\n";
        let seen = inspect(&Gemfile, "Gemfile", text).unwrap();
        let block = |name: &str, line| {
            format!(
                "{name} declared Gemfile:{line} Repository {{ address: \"git+https://git.example/a.git#main\", commit: false }}"
            )
        };
        let d = "d declared Gemfile:9 Plain { address: \"git+git://git.example/d\", held: false }";
        assert_eq!(origins(&seen), [block("a", 2), block("b", 4), d.to_owned()]);
    }

    #[test]
    fn manifests_of_installed_gems_are_not_wanted() {
        assert!(wants(&Gemfile, "Gemfile", b""));
        assert!(!wants(&Gemfile, "ruby/gems/3.2.0/gems/a-1.0/Gemfile", b""));
    }
}

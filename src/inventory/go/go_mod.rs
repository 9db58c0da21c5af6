//! `go.mod`: the modules that a project needs.
//!
//! Specification: <https://go.dev/ref/mod#go-mod-file>. The versions are those that are built, because Go takes the
//! lowest that all ask for and writes it down. From Go 1.17 on every module that gives a package to the build is
//! listed (<https://go.dev/ref/mod#graph-pruning>), as in a lock file; before that, only those that the project itself
//! asks for. The `go` and `toolchain` lines state the least release of Go, not the one that builds, so they tell nothing
//! of the standard library.

use std::collections::{HashMap, HashSet};

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;
use crate::supply_chain::origin::{Origin, leads_outside};
use crate::version::Version;

pub struct GoMod;

/// `go.work`, whose replacements go before those of the modules it uses: <https://go.dev/ref/mod#go-work-file-replace>.
pub struct GoWork;

/// More words than any directive has that matters here.
const MAX_WORDS: usize = 8;

/// The first release of Go 1 that lists every module of a build.
const COMPLETE_SINCE: u32 = 17;

#[derive(Default)]
struct GoModFile<'a> {
    /// What the `module` line says.
    module: Option<&'a str>,
    /// The file lists all modules of the build.
    is_complete: bool,
    required: Vec<Required<'a>>,
    /// What stands for a module, in one version or in all.
    replaced: HashMap<(&'a str, Option<&'a str>), (Replacement<'a>, u32)>,
    /// The first line that makes no sense.
    error: Option<Unreadable>,
}

struct Required<'a> {
    path: &'a str,
    version: &'a str,
    line: u32,
}

#[derive(Clone, Copy)]
pub(super) enum Replacement<'a> {
    Module {
        path: &'a str,
        version: &'a str,
    },
    /// A folder of the project, or beside it.
    Folder(&'a str),
}

impl Inspector for GoMod {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("go.mod") && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let file = GoModFile::parse(entry.text()?);
        let evidence = match file.is_complete {
            true => Evidence::Locked,
            false => Evidence::Declared,
        };
        for required in &file.required {
            if let Some((path, version)) = file.built(required) {
                let location = Location::at_line(entry.path, required.line);
                seen.go_sums.need(path, version, location.clone());
                seen.component(Ecosystem::Go, path, version, evidence, location);
            }
        }
        file.tell_origins(entry, evidence, seen);
        match file.module {
            Some(module) => seen.go_sums.add_own(module),
            None => return Err(Unreadable::new("is not a go.mod: it names no module")),
        }
        file.error.map_or(Ok(()), Err)
    }
}

impl Inspector for GoWork {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("go.work") && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut file = GoModFile::parse(entry.text()?);
        // What is built, the modules say.
        file.is_complete = false;
        file.tell_origins(entry, Evidence::Locked, seen);
        file.error.map_or(Ok(()), Err)
    }
}

impl<'a> GoModFile<'a> {
    fn parse(text: &'a str) -> Self {
        let mut file = GoModFile::default();
        let mut block = None;
        for (line, text) in (1..).zip(text.lines()) {
            let words = words(text);
            let (verb, arguments) = match (block, &words[..]) {
                (_, []) => continue,
                (Some(_), [")"]) => {
                    block = None;
                    continue;
                }
                (Some(verb), arguments) => (verb, arguments),
                (None, [verb, "("]) => {
                    block = Some(*verb);
                    continue;
                }
                (None, [verb, arguments @ ..]) => (*verb, arguments),
            };
            file.directive(verb, arguments, line);
        }
        file
    }

    fn directive(&mut self, verb: &str, arguments: &[&'a str], line: u32) {
        match (verb, arguments) {
            ("module", [module]) => self.module = Some(module),
            ("go", [version]) => self.is_complete = is_complete_since(version),
            ("require", [path, version]) if is_version(version) => self.required.push(Required {
                path,
                version,
                line,
            }),
            ("replace", arguments) => match replacement(arguments) {
                Some((path, version, by)) => {
                    self.replaced.insert((path, version), (by, line));
                }
                None => self.fail(
                    line,
                    "is not a replacement: expected `module => module version`",
                ),
            },
            ("require", _) => self.fail(line, "is not a requirement: expected `module version`"),
            // Directives to come do not matter here, as those do not that exclude or retract versions.
            _ => {}
        }
    }

    fn fail(&mut self, line: u32, message: &str) {
        self.error
            .get_or_insert_with(|| Unreadable::at(line as usize, message));
    }

    /// The module that stands for the required one; none where it is a folder of the project.
    fn built(&self, required: &Required<'a>) -> Option<(&'a str, &'a str)> {
        let Required { path, version, .. } = *required;
        match self.replacement(required) {
            Some((Replacement::Module { path, version }, _)) => Some((path, version)),
            Some((Replacement::Folder(_), _)) => None,
            None => Some((path, version)),
        }
    }

    /// What stands for it, and the line that says so.
    fn replacement(&self, required: &Required<'a>) -> Option<(Replacement<'a>, u32)> {
        let Required { path, version, .. } = *required;
        let replaced = self.replaced.get(&(path, Some(version)));
        replaced
            .or_else(|| self.replaced.get(&(path, None)))
            .copied()
    }

    fn tell_origins(&self, entry: &Entry, stated: Evidence, seen: &mut Observations) {
        for (name, by, line) in self.replacements() {
            let origin = replaced_origin(name, by, entry.path.parent());
            let location = Location::at_line(entry.path, line);
            seen.origin(Ecosystem::Go, name, stated, origin, location);
        }
    }

    /// Of the modules that are built, as far as that is known: those that a module asks for are listed since some release.
    fn replacements(&self) -> Vec<(&'a str, Replacement<'a>, u32)> {
        let required = self.required.iter().filter_map(|required| {
            let (by, line) = self.replacement(required)?;
            Some((required.path, by, line))
        });
        let mut found: Vec<_> = required.collect();
        if !self.is_complete {
            let required: HashSet<&str> = self.required.iter().map(|r| r.path).collect();
            let others = self.replaced.iter();
            let others = others.filter(|((path, _), _)| !required.contains(path));
            found.extend(others.map(|((path, _), (by, line))| (*path, *by, *line)));
            found.sort_by_key(|(_, _, line)| *line);
        }
        found
    }
}

/// Where a module comes from for which another stands, or a folder that is not in the artifact. Another module is held to its
/// version by Go's checksums, as by a commit.
fn replaced_origin(name: &str, by: Replacement, folder: &str) -> Option<Origin> {
    match by {
        Replacement::Folder(path) => leads_outside(folder, path),
        Replacement::Module { path, .. } if path == name => None,
        Replacement::Module { path, version } => Some(Origin::Repository {
            address: format!("{path}@{version}"),
            commit: true,
        }),
    }
}

fn is_complete_since(version: &str) -> bool {
    let mut numbers = version.split('.');
    let major = numbers.next().and_then(|text| text.parse::<u32>().ok());
    // `1.21rc1` is a release too.
    let minor = numbers.next().unwrap_or_default();
    let digits = minor.find(|c: char| !c.is_ascii_digit());
    let minor = minor.get(..digits.unwrap_or(minor.len()));
    let minor = minor.and_then(|text| text.parse::<u32>().ok());
    major.is_some_and(|major| major > 1)
        || (major == Some(1) && minor.is_some_and(|minor| minor >= COMPLETE_SINCE))
}

pub(super) fn is_version(text: &str) -> bool {
    text.starts_with('v') && Version::parse(Ecosystem::Go, text).is_some()
}

/// Reads `path [version] => path version` or `path [version] => folder`.
pub(super) fn replacement<'a>(
    words: &[&'a str],
) -> Option<(&'a str, Option<&'a str>, Replacement<'a>)> {
    let (path, version, by) = match words {
        [path, "=>", by @ ..] => (*path, None, by),
        [path, version, "=>", by @ ..] => (*path, Some(*version), by),
        _ => return None,
    };
    let by = match by {
        [path, version] if is_version(version) => Replacement::Module { path, version },
        [folder] => Replacement::Folder(folder),
        _ => return None,
    };
    Some((path, version, by))
}

/// The words of a line without its comment. A parenthesis is a word; one in quotes is not split.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") || words.len() == MAX_WORDS {
            break;
        }
        let quoted = matches!(first, '"' | '`');
        let end = match first {
            '(' | ')' => 1,
            '"' | '`' => rest
                .get(1..)
                .and_then(|rest| rest.find(first))
                .map_or(rest.len(), |end| end + 2),
            _ => rest
                .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')'))
                .unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(end);
        words.push(if quoted {
            word.trim_matches(first)
        } else {
            word
        });
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, origins, rows, wants};

    fn read(text: &str) -> Vec<String> {
        rows(&inspect(&GoMod, "go.mod", text).unwrap())
    }

    #[test]
    fn every_module_of_a_build_is_listed_since_go_1_17() {
        let text = "module own.example/fn\n\ngo 1.21.3\n\ntoolchain go1.22.1\n\n\
            require a.example/x v1.0.0 // indirect\n\
            require (\n\tb.example/y/v2 v2.1.0-rc.1\n\t\"c.example/z\" v3.0.0+incompatible // why\n\t// nothing\n)\n\
            exclude a.example/x v0.9.0\nretract v0.1.0\ntool b.example/y/v2/cmd\n";
        assert_eq!(
            read(text),
            [
                "a.example/x v1.0.0 locked go.mod:7",
                "b.example/y/v2 v2.1.0-rc.1 locked go.mod:9",
                "c.example/z v3.0.0+incompatible locked go.mod:10",
            ]
        );
        for (line, evidence) in [
            ("go 1.16", "declared"),
            ("", "declared"),
            ("go 1.17", "locked"),
            ("go 1.21rc1", "locked"),
            ("go 2.0", "locked"),
            ("go one", "declared"),
        ] {
            let text = format!("module m\n{line}\nrequire a v1.0.0\n");
            assert_eq!(read(&text), [format!("a v1.0.0 {evidence} go.mod:3")]);
        }
    }

    #[test]
    fn a_replaced_module_is_what_stands_for_it() {
        let text = "module own.example/fn\n\
            require (\n a.example/a v1.0.0\n a.example/b v1.0.0\n a.example/c v1.0.0\n a.example/d v1.0.0\n)\n\
            replace a.example/a => fork.example/a v1.0.1\n\
            replace a.example/b v1.0.0 => ../b\n\
            replace (\n a.example/c v0.9.0 => fork.example/c v9.0.0\n\
             a.example/d => ./d\n a.example/d v1.0.0 => fork.example/d v2.0.0\n)\n";
        assert_eq!(
            read(text),
            [
                "a.example/c v1.0.0 declared go.mod:5",
                "fork.example/a v1.0.1 declared go.mod:3",
                "fork.example/d v2.0.0 declared go.mod:6",
            ]
        );
    }

    #[test]
    fn what_stands_for_a_module_is_said_where_it_is_not_the_projects_own() {
        let text = "module own.example/fn\ngo 1.21\n\
            require (\n a.example/a v1.0.0\n a.example/b v1.0.0\n a.example/c v1.0.0\n a.example/d v1.0.0\n a.example/e v1.0.0\n)\n\
            replace a.example/a => fork.example/a v1.0.1\n\
            replace a.example/b => ../../b\n\
            replace a.example/c => ../c\n\
            replace a.example/d => a.example/d v0.9.0\n\
            replace a.example/e v0.9.0 => fork.example/e v1.0.0\n\
            replace a.example/f => fork.example/f v1.0.0\n";
        let seen = inspect(&GoMod, "api/go.mod", text).unwrap();
        let expected = [
            "a.example/a locked api/go.mod:10 Repository { address: \"fork.example/a@v1.0.1\", commit: true }",
            "a.example/b locked api/go.mod:11 Outside { path: \"../../b\" }",
        ];
        assert_eq!(origins(&seen), expected);
    }

    #[test]
    fn what_may_be_built_is_said_too_where_not_all_is_listed() {
        let text = "module own.example/fn\ngo 1.16\nrequire a.example/a v1.0.0\n\
            replace a.example/a v0.9.0 => fork.example/a v1.0.0\n\
            replace t.example/t => fork.example/t v1.0.0\nreplace t.example/u => ./u\n";
        let seen = inspect(&GoMod, "go.mod", text).unwrap();
        let address = "Repository { address: \"fork.example/t@v1.0.0\", commit: true }";
        assert_eq!(
            origins(&seen),
            [format!("t.example/t declared go.mod:5 {address}")]
        );
        let complete = inspect(&GoMod, "go.mod", text.replace("1.16", "1.17")).unwrap();
        assert!(complete.origins.is_empty(), "{:?}", complete.origins);

        let text = "go 1.21\nuse (\n ./api\n ../own\n)\nreplace t.example/t => fork.example/t v1.0.0\n\
            replace t.example/u => ./u\nreplace t.example/v => t.example/v v1.0.1\n";
        let seen = inspect(&GoWork, "go.work", text).unwrap();
        assert_eq!(
            origins(&seen),
            [format!("t.example/t locked go.work:6 {address}")]
        );
        assert!(seen.components.is_empty());
        assert!(inspect(&GoWork, "go.work", "go 1.21\nreplace a\n").is_err());
        assert!(wants(&GoWork, "go.work", b""));
        assert!(!wants(&GoWork, "vendor/a.example/x/go.work", b""));
    }

    #[test]
    fn what_makes_no_sense_is_said_so_and_the_rest_counts() {
        let path = crate::finding::EntryPath::new(&"fn.zip!/".into(), "go.mod");
        for (text, line, found) in [
            ("module m\nrequire a\nrequire b v1.0.0\n", Some(2), 1),
            ("module m\nreplace a\nrequire b v1.0.0\n", Some(2), 1),
            ("module m\nrequire (\n<<<<<<< HEAD\n", Some(3), 0),
            ("MODULE", None, 0),
        ] {
            let mut seen = Observations::default();
            let bytes = text.as_bytes();
            let error = GoMod.inspect(&Entry { path: &path, bytes }, &mut seen);
            assert_eq!(error.unwrap_err().line, line, "{text}");
            assert_eq!(seen.components.len(), found, "{text}");
        }
    }

    #[test]
    fn a_line_may_be_of_any_length() {
        for text in ["(", "a ", "\"", "//"] {
            assert!(words(&text.repeat(1 << 20)).len() <= MAX_WORDS);
        }
    }

    #[test]
    fn the_files_of_other_modules_are_not_wanted() {
        assert!(wants(&GoMod, "src/go.mod", b""));
        for path in [
            "vendor/a.example/x/go.mod",
            "go/pkg/mod/a.example/x@v1.0.0/go.mod",
            "ago.mod",
        ] {
            assert!(!wants(&GoMod, path, b""), "{path}");
        }
    }
}

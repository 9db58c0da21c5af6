//! pip's requirements files: <https://pip.pypa.io/en/stable/reference/requirements-file-format/>.
//!
//! A file of any name may be one, because another includes it, so any small text whose every line reads as a requirement
//! is kept until all files are known; [`resolve_includes`] then says which count.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem;

use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::{EntryPath, Location};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::npm::specifier::without_credentials;
use crate::inventory::owner;
use crate::supply_chain::origin::{ObservedOrigin, Origin, leads_outside};

use super::layout;
use super::pep508::{self, NotARequirement, Requirement};
use super::pip_conf;

pub struct Requirements;

/// A requirements file as read, before its includes are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequirementsFile {
    pub path: EntryPath,
    /// Whether the file counts by itself, by its name, or only when another includes it.
    pub stands_alone: bool,
    pub requirements: Vec<RequirementLine>,
    pub includes: Vec<Include>,
    /// What it says of where packages come from.
    pub origins: Vec<ObservedOrigin>,
}

/// A third-party package that a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequirementLine {
    pub requirement: Requirement,
    pub line: u32,
    /// Whether it is asked for at an address, and not by its version.
    pub is_link: bool,
    /// Whether the line holds it to a hash.
    pub is_hashed: bool,
}

/// `-r FILE` or `-c FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The file as the line names it.
    pub written: String,
    /// Where that is; none where it leads out of the archive.
    pub path: Option<EntryPath>,
    pub line: u32,
    pub constraint: bool,
}

/// The largest text, in bytes, that is taken for a requirements file though its name does not say so.
const MAX_CANDIDATE: u64 = 256 * 1024;

/// Rows of one file: more than a text that is only taken for a requirements file can have.
const MAX_ROWS: usize = 150_000;

impl Inspector for Requirements {
    fn wants(&self, header: &Header) -> bool {
        let name = header.path.file_name();
        (name.ends_with(".txt") || name.ends_with(".in"))
            && (header.size <= MAX_CANDIDATE || stands_alone(header.path))
            && !is_in_metadata_folder(header.path)
            && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut file = RequirementsFile {
            path: entry.path.clone(),
            stands_alone: stands_alone(entry.path),
            requirements: Vec::new(),
            includes: Vec::new(),
            origins: Vec::new(),
        };
        let mut first_bad_line = None;
        let text = decode(entry.bytes);
        for (text, line) in logical_lines(&text) {
            if file.rows() > MAX_ROWS {
                let message =
                    format!("asks for more than {MAX_ROWS} packages: the rest was not read");
                seen.requirements.push(file);
                return Err(Unreadable::at(line as usize, message));
            }
            if file.read_line(without_comment(&text).trim(), line).is_ok() {
                continue;
            }
            if !file.stands_alone {
                return Ok(());
            }
            first_bad_line.get_or_insert(line);
        }
        seen.requirements.push(file);
        match first_bad_line {
            // The line is not quoted, it may hold a password.
            Some(line) => Err(Unreadable::at(
                line as usize,
                "is not a requirement or an option of pip",
            )),
            None => Ok(()),
        }
    }
}

fn stands_alone(path: &EntryPath) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    let Some(stem) = name
        .strip_suffix(".txt")
        .or_else(|| name.strip_suffix(".in"))
    else {
        return false;
    };
    // macOS puts a `._name` of its own beside a file.
    let is_resource_fork = name.starts_with("._");
    let is_named_so = stem.starts_with("requirements")
        || stem.ends_with("requirements")
        || stem.contains("-requirements-");
    let folder = path.parent();
    let is_in_folder = folder == "requirements" || folder.ends_with("/requirements");
    !is_resource_fork && !stem.starts_with("constraints") && (is_named_so || is_in_folder)
}

fn is_in_metadata_folder(path: &EntryPath) -> bool {
    path.parent().split('/').any(|part| {
        part == "EGG-INFO" || part.ends_with(".dist-info") || part.ends_with(".egg-info")
    })
}

/// pip reads UTF-16 where a byte order mark says so. Other encodings occur in comments, where what they say is no matter.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|&pair| unit(pair)).collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    }
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes),
    }
}

/// Lines, each with its number; one that ends with a backslash goes on with the next, unless it is a comment.
fn logical_lines(text: &str) -> impl Iterator<Item = (Cow<'_, str>, u32)> {
    let is_comment = |line: &str| line.trim_start().starts_with('#');
    let mut lines = text.lines().zip(1..);
    std::iter::from_fn(move || {
        let (mut last, number) = lines.next()?;
        let mut joined = Cow::Borrowed(last);
        while last.ends_with('\\') && !is_comment(last) {
            let joined = joined.to_mut();
            joined.pop();
            let Some((next, _)) = lines.next() else { break };
            if is_comment(next) {
                joined.push(' ');
            }
            joined.push_str(next);
            last = next;
        }
        Some((joined, number))
    })
}

/// A `#` begins a comment at the start of a line and after a space; elsewhere it is part of a URL.
fn without_comment(line: &str) -> &str {
    let mut follows_space = true;
    for (at, c) in line.char_indices() {
        if c == '#' && follows_space {
            return &line[..at];
        }
        follows_space = c.is_whitespace();
    }
    line
}

impl RequirementsFile {
    /// How much was read: packages, files and settings.
    pub fn rows(&self) -> usize {
        self.requirements.len() + self.includes.len() + self.origins.len()
    }

    /// Keeps the first rows.
    pub fn truncate(&mut self, mut room: usize) {
        self.requirements.truncate(room);
        room -= self.requirements.len();
        self.includes.truncate(room);
        room -= self.includes.len();
        self.origins.truncate(room);
    }

    fn read_line(&mut self, text: &str, line: u32) -> Result<(), NotARequirement> {
        let (asked, options) = split_options(text);
        if !asked.is_empty() {
            let requirement = pep508::parse(asked)?;
            let is_hashed = options.contains("--hash");
            self.add(asked, requirement, line, is_hashed);
        }
        self.read_options(options, line)
    }

    fn add(&mut self, asked: &str, requirement: Option<Requirement>, line: u32, is_hashed: bool) {
        let link = pep508::link(asked);
        if let Some(link) = link {
            let name = requirement
                .as_ref()
                .map_or(link, |asked| asked.name.as_str());
            let origin = link_origin(self.path.parent(), link, is_hashed);
            self.say(&without_credentials(name), origin, line);
        }
        self.requirements
            .extend(requirement.map(|requirement| RequirementLine {
                requirement,
                line,
                is_link: link.is_some(),
                is_hashed,
            }));
    }

    fn say(&mut self, name: &str, origin: Option<Origin>, line: u32) {
        self.origins.extend(origin.map(|origin| ObservedOrigin {
            ecosystem: Ecosystem::PyPi,
            name: name.to_owned(),
            stated: Evidence::Declared,
            origin,
            location: Location::at_line(&self.path, line),
        }));
    }

    fn read_options(&mut self, options: &str, line: u32) -> Result<(), NotARequirement> {
        let mut words = shell_words(options).into_iter().peekable();
        while let Some(word) = words.next() {
            let next = words.peek().map(String::as_str);
            if let Some(setting) = pip_conf::setting(&word, next) {
                self.say(setting.name, setting.origin(), line);
            }
            let Some((flag, attached)) = split_flag(&word) else {
                if !is_option(&word) {
                    return Err(NotARequirement);
                }
                // Options that say nothing of packages have one value at most.
                words.next_if(|value| !value.starts_with('-'));
                continue;
            };
            let mut value = match attached {
                "" => words.next().ok_or(NotARequirement)?,
                attached => attached.to_owned(),
            };
            if let Flag::Editable = flag {
                // `-e name @ url` is three words.
                while let Some(more) = words.next_if(|word| !word.starts_with('-')) {
                    value.push(' ');
                    value.push_str(&more);
                }
            }
            match flag {
                Flag::Editable => {
                    let requirement = pep508::parse_editable(&value)?;
                    self.add(&value, requirement, line, false);
                }
                Flag::Requirement => self.include(&value, line, false),
                Flag::Constraint => self.include(&value, line, true),
            }
        }
        Ok(())
    }

    fn include(&mut self, written: &str, line: u32, constraint: bool) {
        // What is fetched when pip runs is not in the artifact.
        if written.contains("://") {
            return;
        }
        let inner = layout::resolve(self.path.parent(), written);
        self.includes.push(Include {
            written: written.to_owned(),
            path: inner.map(|inner| self.path.sibling(&inner)),
            line,
            constraint,
        });
    }
}

/// Where a link leads: to an address, or to a path from the file's folder.
pub(super) fn link_origin(folder: &str, link: &str, is_hashed: bool) -> Option<Origin> {
    let (address, fragment) = link.split_once('#').unwrap_or((link, ""));
    // pip takes a hash at the end of an address: `#sha256=…`.
    let names_hash = |part: &str| part.starts_with("sha");
    let is_hashed = is_hashed || fragment.split('&').any(names_hash);
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        None if link.starts_with("git@") => Origin::of_address(address, is_hashed, false),
        None => leads_outside(folder, link),
        Some(scheme) if scheme.eq_ignore_ascii_case("file") => {
            leads_outside(folder, &address["file:".len()..])
        }
        Some(_) => Origin::of_address(address, is_hashed, false),
    }
}

/// Splits before the first word that starts with `-`.
fn split_options(line: &str) -> (&str, &str) {
    let mut follows_space = true;
    for (at, c) in line.char_indices() {
        if c == '-' && follows_space {
            return line.split_at(at);
        }
        follows_space = c.is_whitespace();
    }
    (line, "")
}

#[derive(Clone, Copy)]
enum Flag {
    Requirement,
    Constraint,
    Editable,
}

/// The flag, and the value that may be attached to it: `-rmore.txt`, `--requirement=more.txt`.
fn split_flag(word: &str) -> Option<(Flag, &str)> {
    const FLAGS: [(Flag, &str, &str); 3] = [
        (Flag::Requirement, "-r", "--requirement"),
        (Flag::Constraint, "-c", "--constraint"),
        (Flag::Editable, "-e", "--editable"),
    ];
    FLAGS.iter().find_map(|&(flag, short, long)| {
        let value = match word.strip_prefix(long) {
            Some(rest) if rest.is_empty() => rest,
            Some(rest) => rest.strip_prefix('=')?,
            None => word.strip_prefix(short)?,
        };
        Some((flag, value))
    })
}

fn is_option(word: &str) -> bool {
    word.strip_prefix("--")
        .or_else(|| word.strip_prefix('-'))
        .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// Splits as a shell does, as far as quotes go.
fn shell_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(mem::take(&mut word));
                }
            }
            _ => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// How many constraints files one project may use; real ones have one or two.
const MAX_CONSTRAINTS: usize = 64;

/// Follows the includes of the files that count by themselves. Gives what they ask for in all, and the includes that lead
/// nowhere. Files that do not count by themselves and that none includes are dropped; each file counts once.
pub fn resolve_includes(
    mut files: Vec<RequirementsFile>,
) -> (Vec<ObservedComponent>, Vec<(Location, String)>) {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut includes = Includes::new(&files);
    let mut constraints = Constraints::new(&files);
    let mut components = Vec::new();
    for root in includes.roots() {
        let project = includes.follow(root);
        for file in project.requirements {
            for line in &file.requirements {
                let mut requirement = line.requirement.clone();
                constraints.apply(&project.constraints, &mut requirement);
                let location = Location::at_line(&file.path, line.line);
                components.push(requirement.into_component(Evidence::Declared, location));
            }
        }
    }
    (components, includes.errors.into_iter().collect())
}

/// All files, by their index, and how far their includes have been followed.
struct Includes<'a> {
    files: &'a [RequirementsFile],
    by_path: HashMap<&'a EntryPath, usize>,
    followed_as_requirements: Vec<bool>,
    followed_as_constraints: Vec<bool>,
    errors: BTreeSet<(Location, String)>,
}

/// What a file that counts by itself asks for with all that it includes.
#[derive(Default)]
struct Project<'a> {
    requirements: Vec<&'a RequirementsFile>,
    constraints: BTreeSet<usize>,
}

impl<'a> Includes<'a> {
    fn new(files: &'a [RequirementsFile]) -> Self {
        Includes {
            files,
            by_path: files.iter().map(|file| &file.path).zip(0..).collect(),
            followed_as_requirements: vec![false; files.len()],
            followed_as_constraints: vec![false; files.len()],
            errors: BTreeSet::new(),
        }
    }

    fn target(&self, include: &Include) -> Option<usize> {
        self.by_path.get(include.path.as_ref()?).copied()
    }

    /// Where to start: first the files that no other includes, so that the constraints of those that do are known for the
    /// included ones; then all, for files may include each other in a circle.
    fn roots(&self) -> Vec<usize> {
        let included: HashSet<usize> = self
            .files
            .iter()
            .flat_map(|file| &file.includes)
            .filter(|include| !include.constraint)
            .filter_map(|include| self.target(include))
            .collect();
        let alone = || (0..).zip(self.files).filter(|(_, file)| file.stands_alone);
        let first = alone().filter(|(index, _)| !included.contains(index));
        first.chain(alone()).map(|(index, _)| index).collect()
    }

    fn follow(&mut self, root: usize) -> Project<'a> {
        let mut project = Project::default();
        let mut waiting = vec![(root, false)];
        while let Some((index, is_constraint)) = waiting.pop() {
            let Some(file) = self.files.get(index) else {
                continue;
            };
            let followed = if is_constraint {
                &mut self.followed_as_constraints
            } else {
                &mut self.followed_as_requirements
            };
            if is_constraint && project.constraints.len() < MAX_CONSTRAINTS {
                project.constraints.insert(index);
            }
            let is_followed = followed
                .get_mut(index)
                .is_none_or(|followed| mem::replace(followed, true));
            if is_followed {
                continue;
            }
            if !is_constraint {
                project.requirements.push(file);
            }
            for include in &file.includes {
                match self.target(include) {
                    Some(target) => waiting.push((target, include.constraint)),
                    None => self.report_missing(file, include),
                }
            }
        }
        project
    }

    fn report_missing(&mut self, file: &RequirementsFile, include: &Include) {
        let message = format!(
            "includes {}, but the artifact holds no such requirements file",
            include.written
        );
        self.errors
            .insert((Location::at_line(&file.path, include.line), message));
    }
}

/// What each constraints file says of each package, read when first needed.
struct Constraints<'a> {
    files: &'a [RequirementsFile],
    read: HashMap<usize, HashMap<String, &'a Requirement>>,
}

impl<'a> Constraints<'a> {
    fn new(files: &'a [RequirementsFile]) -> Self {
        Constraints {
            files,
            read: HashMap::new(),
        }
    }

    /// Narrows a requirement that has no version of its own, by the first constraint that pins it or else by the first.
    fn apply(&mut self, which: &BTreeSet<usize>, requirement: &mut Requirement) {
        if requirement.version.is_some() || which.is_empty() {
            return;
        }
        let name = Ecosystem::PyPi.normalize_name(&requirement.name);
        let mut found: Option<&Requirement> = None;
        for &index in which {
            if let Some(&constraint) = self.of_file(index).get(&name) {
                found = Some(stronger(found, constraint));
            }
        }
        let Some(constraint) = found else { return };
        requirement.version.clone_from(&constraint.version);
        if requirement.range == "*" {
            requirement.range.clone_from(&constraint.range);
        } else if constraint.range != "*" {
            requirement.range = format!("{},{}", requirement.range, constraint.range);
        }
    }

    fn of_file(&mut self, index: usize) -> &HashMap<String, &'a Requirement> {
        let files = self.files;
        self.read.entry(index).or_insert_with(|| {
            let mut by_name: HashMap<String, &Requirement> = HashMap::new();
            let lines = files.get(index).map(|file| file.requirements.as_slice());
            for RequirementLine { requirement, .. } in lines.unwrap_or_default() {
                let name = Ecosystem::PyPi.normalize_name(&requirement.name);
                by_name
                    .entry(name)
                    .and_modify(|known| *known = stronger(Some(known), requirement))
                    .or_insert(requirement);
            }
            by_name
        })
    }
}

/// The first one, unless only the second pins a version.
fn stronger<'a>(first: Option<&'a Requirement>, second: &'a Requirement) -> &'a Requirement {
    match first {
        Some(first) if first.version.is_some() || second.version.is_none() => first,
        _ => second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn read(path: &str, bytes: impl AsRef<[u8]>) -> RequirementsFile {
        let mut seen = inspect(&Requirements, path, bytes).unwrap();
        seen.requirements.pop().expect("the file is kept")
    }

    /// Reads the files as one artifact: the rows of [`rows`], and errors as `path:line message`.
    fn resolve(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let files = files
            .iter()
            .flat_map(|(path, text)| inspect(&Requirements, path, text).unwrap().requirements)
            .collect();
        let (components, errors) = resolve_includes(files);
        let seen = Observations {
            components,
            ..Observations::default()
        };
        let error = |(at, message): (Location, String)| {
            let line = at.line.unwrap_or_default();
            format!("{}:{line} {message}", at.path.inner())
        };
        (rows(&seen), errors.into_iter().map(error).collect())
    }

    fn listed(text: &str) -> Vec<String> {
        resolve(&[("requirements.txt", text)]).0
    }

    #[test]
    fn reads_the_whole_syntax() {
        let text = "\
# a comment \\
--index-url https://user:secret@registry.example/simple
--extra-index-url=https://mirror.example/simple --pre
-i https://registry.example/simple
--no-binary :all:

alpha==1.0 \\
    --hash=sha256:00 \\
    --hash=sha256:01
beta[x,y] >= 1.0, <2 ; python_version < '3.9' --hash=sha256:00   # why
gamma  # no version
-e git+https://git.example/o/delta.git@v1#egg=delta
--editable=epsilon @ git+https://git.example/o/epsilon.git
-e .
-e ./lib[dev]
./vendor/zeta-1.0-py3-none-any.whl
https://host.example/eta-1.0-py3-none-any.whl#sha256=00
theta==\\
  # comments end a line that goes on
iota==1.0\\
";
        // pip refuses `theta==` too.
        assert!(inspect(&Requirements, "requirements.txt", text).is_err());
        let text = text.replace("theta==", "theta");
        assert_eq!(
            listed(&text),
            [
                "alpha 1.0 declared requirements.txt:7",
                "beta ~>=1.0,<2 declared requirements.txt:10",
                "delta ~v1 declared requirements.txt:12",
                "epsilon ~* declared requirements.txt:13",
                "eta 1.0 declared requirements.txt:17",
                "gamma ~* declared requirements.txt:11",
                "iota 1.0 declared requirements.txt:20",
                "theta ~* declared requirements.txt:18",
            ]
        );
    }

    #[test]
    fn no_file_has_rows_without_end() {
        let text = "a\n".repeat(MAX_ROWS + 10);
        let path = EntryPath::new(&"fn.zip!/".into(), "requirements.txt");
        let mut seen = Observations::default();
        let entry = Entry {
            path: &path,
            bytes: text.as_bytes(),
        };
        assert!(Requirements.inspect(&entry, &mut seen).is_err());
        assert_eq!(seen.requirements[0].rows(), MAX_ROWS + 1);
        assert!(MAX_CANDIDATE / 2 < MAX_ROWS as u64);
    }

    #[test]
    fn byte_order_marks_are_heeded() {
        let text = "alpha==1.0\r\n# ünï\r\nbeta==2.0\r\n";
        let little: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let big: Vec<u8> = little
            .chunks(2)
            .flat_map(|pair| [pair[1], pair[0]])
            .collect();
        let utf8 = format!("\u{feff}{text}").into_bytes();
        let expected = read("requirements.txt", text).requirements;
        assert_eq!(expected.len(), 2);
        for bytes in [little, big, utf8] {
            assert_eq!(read("requirements.txt", bytes).requirements, expected);
        }
        let latin1 = b"alpha==1.0\n# \xFCn\xEF\nbeta==2.0\n";
        assert_eq!(read("requirements.txt", latin1).requirements, expected);
    }

    #[test]
    fn a_bad_line_is_reported_and_the_others_count() {
        let path = EntryPath::new(&"fn.zip!/".into(), "requirements.txt");
        let mut seen = Observations::default();
        let entry = Entry {
            path: &path,
            bytes: b"alpha==1.0\nnumpy=1.0=py39\n<<<<<<<\nbeta==2.0\n",
        };
        let error = Requirements.inspect(&entry, &mut seen).unwrap_err();
        assert_eq!(error.line, Some(2));
        assert_eq!(seen.requirements[0].requirements.len(), 2);
    }

    #[test]
    fn names_say_which_files_count_by_themselves() {
        for path in [
            "requirements.txt",
            "app/Requirements-Dev.txt",
            "requirements.in",
            "test_requirements.txt",
            "py3-requirements-lambda.txt",
            "app/requirements/base.txt",
        ] {
            assert!(read(path, "alpha").stands_alone, "{path}");
        }
        for path in [
            "more.txt",
            "constraints.txt",
            "requirements/constraints-1.txt",
            "._requirements.txt",
        ] {
            assert!(!read(path, "alpha").stands_alone, "{path}");
        }
    }

    #[test]
    fn unlikely_files_are_not_wanted() {
        let large = vec![b'a'; MAX_CANDIDATE as usize + 1];
        assert!(!wants(&Requirements, "words.txt", &large));
        assert!(wants(&Requirements, "requirements.txt", &large));
        assert!(!wants(
            &Requirements,
            "alpha-1.0.dist-info/top_level.txt",
            b"alpha"
        ));
        assert!(!wants(
            &Requirements,
            "alpha.egg-info/requires.txt",
            b"beta"
        ));
        assert!(!wants(
            &Requirements,
            "site-packages/alpha/requirements.txt",
            b"beta"
        ));
        assert!(!wants(&Requirements, "requirements.md", b"alpha"));
    }

    #[test]
    fn prose_is_dropped_in_silence() {
        for text in [
            "Permission is hereby granted, free of charge, to any person\n",
            "alpha\nbeta gamma\n",
            "- item\n",
            "MIT - see below\n",
            "0.1 0.2\n",
            "\0\u{1}\n",
        ] {
            let seen = inspect(&Requirements, "LICENSE.txt", text).unwrap();
            assert!(seen.requirements.is_empty(), "{text}");
        }
    }

    #[test]
    fn includes_are_followed_and_other_candidates_dropped() {
        let (rows, errors) = resolve(&[
            (
                "app/requirements.txt",
                "-r ../shared/more.txt\n--requirement=\"with space.txt\"\nalpha==1.0\n",
            ),
            ("shared/more.txt", "-rdeep.txt\nbeta==1.0\n"),
            ("shared/deep.txt", "gamma==1.0\n"),
            ("app/with space.txt", "delta==1.0\n"),
            ("words.txt", "epsilon\n"),
        ]);
        assert_eq!(
            rows,
            [
                "alpha 1.0 declared app/requirements.txt:3",
                "beta 1.0 declared shared/more.txt:2",
                "delta 1.0 declared app/with space.txt:1",
                "gamma 1.0 declared shared/deep.txt:1",
            ]
        );
        assert!(errors.is_empty());
    }

    #[test]
    fn each_file_counts_once_even_in_a_circle() {
        let (rows, errors) = resolve(&[
            ("requirements.txt", "-r requirements-b.txt\nalpha==1.0\n"),
            (
                "requirements-b.txt",
                "-r requirements.txt\n-r requirements-b.txt\nbeta==1.0\n",
            ),
            ("requirements-c.txt", "-r requirements.txt\n"),
        ]);
        assert_eq!(
            rows,
            [
                "alpha 1.0 declared requirements.txt:2",
                "beta 1.0 declared requirements-b.txt:3",
            ]
        );
        assert!(errors.is_empty());
    }

    #[test]
    fn an_include_that_leads_nowhere_is_an_error() {
        let (rows, errors) = resolve(&[(
            "requirements.txt",
            "-r more.txt\n-c ../above.txt\n-r https://host.example/remote.txt\n",
        )]);
        assert!(rows.is_empty());
        assert_eq!(
            errors,
            [
                "requirements.txt:1 includes more.txt, but the artifact holds no such requirements file",
                "requirements.txt:2 includes ../above.txt, but the artifact holds no such requirements file",
            ]
        );
    }

    #[test]
    fn constraints_narrow_what_is_asked_for_and_add_nothing() {
        let (rows, _) = resolve(&[
            (
                "requirements.txt",
                "-c constraints.txt\n-r more.txt\nalpha\nbeta==2.0\ngamma>=1\ndelta\n",
            ),
            ("more.txt", "My.Lib\n"),
            (
                "constraints.txt",
                "Alpha<2\nalpha==1.0\nbeta==9.0\ngamma<3\nmy-lib==4.0\nunused==1.0\n",
            ),
        ]);
        assert_eq!(
            rows,
            [
                "My.Lib 4.0 declared more.txt:1",
                "alpha 1.0 declared requirements.txt:3",
                "beta 2.0 declared requirements.txt:4",
                "delta ~* declared requirements.txt:6",
                "gamma ~>=1,<3 declared requirements.txt:5",
            ]
        );
    }

    #[test]
    fn constraints_hold_for_the_files_that_use_them() {
        let (rows, _) = resolve(&[
            ("a/requirements.txt", "-c ../constraints.txt\nalpha\n"),
            ("b/requirements.txt", "-c ../constraints.txt\nalpha\n"),
            ("c/requirements.txt", "alpha\n"),
            ("constraints.txt", "alpha==1.0\n"),
        ]);
        assert_eq!(
            rows,
            [
                "alpha 1.0 declared a/requirements.txt:2",
                "alpha 1.0 declared b/requirements.txt:2",
                "alpha ~* declared c/requirements.txt:1",
            ]
        );
    }
}

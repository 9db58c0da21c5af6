//! Finds secrets: tokens, keys and passwords, in any file, as text and encoded.
//!
//! The rules are data, in `rules/`: see docs/secrets.md. A file goes through three steps, each over less than
//! the one before: [`prefilter`] says where a secret may be, `keywords` which rules to try there, and a
//! rule's regular expression and checks whether it is one. What is found is folded to one finding a secret.
//!
//! A value never leaves this module, but for callers that ask for it: findings hold its first characters
//! and a keyed hash. Buffers with values are overwritten when they are dropped.

mod allow;
mod assignment;
mod attempt;
mod back;
mod bits;
mod calls;
mod checks;
mod decode;
mod entropy;
mod fold;
mod generic;
mod keywords;
mod pairs;
mod parents;
mod placeholder;
pub mod prefilter;
mod progress;
#[cfg(test)]
mod recall;
mod redact;
mod rules;
mod scan;
mod sequence;
mod spec;
mod special;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod tests;
mod text;

use std::collections::HashSet;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use allow::Allow;
pub use allow::AllowSpec;
use fold::Folded;
use generic::Notation;
use keywords::Keywords;
use progress::{Found, Progress};
pub use rules::{Rule, RuleError, RuleRef};
pub use spec::RuleSpec;
use text::{Origin, Text};

use crate::finding::{Certainty, EntryPath, Location};

/// How much of a window the next one repeats. No secret is longer than half of it.
pub const OVERLAP: usize = 16 * 1024;

/// Of one file, what may be decoded.
const DECODED: usize = 8 << 20;

/// An id of a key that stands further away than this is of another.
const COMPANION_LINES: u32 = 10;
const COMPANION_BYTES: u64 = 1000;

/// What a user adds: `[secrets]` in `fnaudit.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserRules {
    #[serde(rename = "rule")]
    pub rules: Vec<RuleSpec>,
    pub allow: AllowSpec,
}

/// Looks for secrets. Made once, and used by all threads.
pub struct Scanner {
    rules: Vec<RuleRef>,
    /// Rules by what their tokens hold; an index of a rule, and one of its keywords.
    tokens: Keywords<(u16, u16)>,
    /// Rules by what the names of their values hold.
    names: Keywords<(u16, u16)>,
    allow: Allow,
    keep_values: bool,
    /// What hashes of values are keyed with.
    key: Vec<u8>,
}

impl Scanner {
    pub fn new(user: UserRules) -> Result<Scanner, RuleError> {
        let rules = rules::all(user.rules)?;
        Ok(Scanner {
            tokens: keywords(&rules, false),
            names: keywords(&rules, true),
            allow: Allow::new(user.allow, &rules)?,
            rules,
            keep_values: false,
            key: Vec::new(),
        })
    }

    /// Lets findings hold their values, for a person who asked to see them.
    pub fn keep_values(mut self) -> Scanner {
        self.keep_values = true;
        self
    }

    /// Keys the hashes of values with something that nobody else knows: what people choose as passwords could
    /// else be tried out against them.
    pub fn keyed(mut self, key: &[u8]) -> Scanner {
        self.key = key.to_owned();
        self
    }

    /// Whether the user silences the finding of that fingerprint.
    pub fn allows_fingerprint(&self, fingerprint: &str) -> bool {
        self.allow.fingerprint(fingerprint)
    }

    /// Begins a file of `size` bytes.
    pub fn file(&self, path: &EntryPath, size: u64) -> FileScan<'_> {
        let decoded = size.saturating_mul(2).max(OVERLAP as u64);
        FileScan {
            scanner: self,
            notation: notation(path.file_name()),
            silent: self.allow.path(path.inner()),
            path: path.clone(),
            progress: Progress::new(decoded.min(DECODED as u64) as usize),
            special: None,
            packed: false,
            binary: false,
            lines: Lines::default(),
            places: Vec::new(),
        }
    }
}

fn keywords(rules: &[RuleRef], assigned: bool) -> Keywords<(u16, u16)> {
    let of_kind = rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.assigned == assigned);
    Keywords::new(of_kind.flat_map(|(index, rule)| {
        let words = rule.keywords.iter().enumerate();
        let within = !rule.begins_with_keyword;
        words.map(move |(word, text)| (text.as_bytes(), within, (index as u16, word as u16)))
    }))
}

/// One file, from its beginning to its end.
pub struct FileScan<'s> {
    scanner: &'s Scanner,
    path: EntryPath,
    notation: Notation,
    /// The user wants to hear nothing of it.
    silent: bool,
    progress: Progress,
    special: Option<(&'static Rule, EntryPath)>,
    packed: bool,
    binary: bool,
    /// Lines up to the beginning of the next window.
    lines: Lines,
    /// Lines and columns of what was found, by offset.
    places: Vec<(u64, u32, u32)>,
}

impl FileScan<'_> {
    /// The bytes of the file from offset `at`. Of several windows, each begins [`OVERLAP`] before the end of
    /// the one before, and `last` is true of the one that ends with the file.
    pub fn window(&mut self, bytes: &[u8], at: u64, last: bool) {
        if self.silent {
            return;
        }
        if at == 0 {
            self.special = special::recognize(&self.path, bytes);
            self.packed = bytes.starts_with(b"SQLite format 3\0");
        }
        self.binary |= memchr::memchr(0, bytes).is_some();
        let before = self.progress.found.len();
        let text = Text {
            bytes,
            origin: Origin::At(at),
            decoded: None,
            depth: 0,
            cut: (at > 0, !last),
            notation: self.notation,
            binary: self.binary,
            packed: self.packed,
        };
        scan::scan(self.scanner, &text, &mut self.progress);
        if at == 0 && last && is_loose_object(self.path.inner()) {
            self.loose_object(bytes);
        }
        self.locate(bytes, at, before);
        if !last {
            self.lines
                .advance(&bytes[..bytes.len().saturating_sub(OVERLAP)]);
        }
    }

    /// Whether a limit kept some of the file from being looked at.
    pub fn is_incomplete(&self) -> bool {
        self.progress.incomplete
    }

    pub fn finish(self) -> Vec<ObservedSecret> {
        let FileScan {
            scanner,
            path,
            mut progress,
            special,
            places,
            ..
        } = self;
        progress.found.retain(|found| !is_allowed(scanner, found));
        let place = |at: u64| {
            let place = places.binary_search_by_key(&at, |(at, _, _)| *at).ok();
            place.map(|index| (places[index].1, places[index].2))
        };
        let near = |a: u64, b: u64| match (place(a), place(b)) {
            (Some((a, _)), Some((b, _))) => a.abs_diff(b) <= COMPANION_LINES,
            _ => a.abs_diff(b) <= COMPANION_BYTES,
        };
        let mut folded = fold::fold(std::mem::take(&mut progress.found), &scanner.rules);
        fold::join_companions(&mut folded, &scanner.rules, near);
        let location = |at: u64| Location {
            path: path.clone(),
            line: place(at).map(|(line, _)| line),
            column: place(at).map(|(_, column)| column),
            vendored_in: None,
        };
        let secrets = folded.into_iter().map(|f| scanner.observed(f, location));
        let special = special.filter(|(rule, _)| !scanner.allow.rule(&rule.id));
        let special = special.map(|(rule, at)| scanner.special_file(rule, at));
        let all = special.into_iter().chain(secrets);
        all.collect()
    }

    /// What a repository keeps by its hash is compressed:
    /// <https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>.
    fn loose_object(&mut self, bytes: &[u8]) {
        let (object, whole) = decode::inflated(bytes, DECODED);
        self.progress.incomplete |= !whole;
        let text = Text {
            bytes: &object,
            origin: Origin::Within(0, bytes.len() as u64),
            decoded: Some("zlib"),
            depth: 1,
            cut: (false, false),
            notation: Notation::Settings,
            // The header before the text ends with one.
            binary: object.iter().filter(|b| **b == 0).count() > 1,
            packed: false,
        };
        scan::scan(self.scanner, &text, &mut self.progress);
    }

    /// Gives what was found in this window its lines, and drops what the text itself allows.
    fn locate(&mut self, bytes: &[u8], at: u64, before: usize) {
        if self.binary || self.progress.found.len() == before {
            return;
        }
        let found = &self.progress.found[before..];
        let mut offsets: Vec<u64> = found.iter().map(|f| f.start).collect();
        offsets.sort_unstable();
        offsets.dedup();
        let mut marks = scan::allow_marks(bytes).peekable();
        let mut lines = self.lines.clone();
        let mut done = 0;
        let mut advance = |to: usize| {
            lines.advance(&bytes[done..to]);
            done = to;
            (lines.line, lines.column)
        };
        // Of lines with findings alone.
        let mut allowed = HashSet::new();
        let mut marked = None;
        for (index, offset) in offsets.iter().enumerate() {
            let place = ((offset - at) as usize).min(bytes.len());
            while let Some(mark) = marks.next_if(|mark| *mark <= place) {
                marked = Some(advance(mark).0);
            }
            let (line, column) = advance(place);
            self.places.push((*offset, line, column));
            if marked.is_some_and(|marked| marked == line || marked + 1 == line) {
                allowed.insert(line);
            }
            // A mark between this one and the next, or the end of the line.
            let next = offsets.get(index + 1).map(|next| (next - at) as usize);
            let rest = &bytes[place..next.unwrap_or(bytes.len()).min(bytes.len())];
            let line_end = place + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            if marks.peek().is_some_and(|mark| *mark < line_end) {
                allowed.insert(line);
            }
        }
        self.places.sort_unstable();
        self.places.dedup();
        let places = &self.places;
        self.progress.found.retain(|found| {
            let place = places.binary_search_by_key(&found.start, |(at, _, _)| *at);
            !place.is_ok_and(|index| allowed.contains(&places[index].1))
        });
    }
}

fn is_allowed(scanner: &Scanner, found: &Found) -> bool {
    let rule = &scanner.rules[usize::from(found.rule)];
    scanner.allow.rule(&rule.id) || scanner.allow.value(&found.value)
}

impl Scanner {
    fn observed(&self, folded: Folded, location: impl Fn(u64) -> Location) -> ObservedSecret {
        let Folded {
            found,
            again,
            companions,
        } = folded;
        let rule = self.rules[usize::from(found.rule)].clone();
        let others = companions.into_iter().chain(again);
        ObservedSecret {
            location: location(found.start),
            related: others.map(location).collect(),
            redacted: redact::redact(&found.value),
            digest: self.digest(&rule.id, &found.value),
            certainty: found.certainty,
            decoded: found.decoded,
            value: self.keep_values.then(|| {
                SecretValue(Zeroizing::new(
                    String::from_utf8_lossy(&found.value).into_owned(),
                ))
            }),
            rule,
        }
    }

    /// A file that is a finding as a whole.
    fn special_file(&self, rule: &'static Rule, at: EntryPath) -> ObservedSecret {
        let place = at.inner().to_owned();
        ObservedSecret {
            rule: RuleRef::BuiltIn(rule),
            location: at.into(),
            related: Vec::new(),
            redacted: String::new(),
            digest: self.digest(&rule.id, place.as_bytes()),
            certainty: Certainty::Certain,
            decoded: None,
            value: None,
        }
    }

    /// HMAC-SHA-256 of the value. The key is made of the rule's id, so that no table of hashes of common values fits,
    /// and of [`Scanner::keyed`]'s.
    fn digest(&self, rule: &str, value: &[u8]) -> [u8; 8] {
        let mut digest = [0; 8];
        // A key of any length will do.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) {
            mac.update(b"fnaudit secret ");
            mac.update(rule.as_bytes());
            mac.update(&[0]);
            mac.update(value);
            digest.copy_from_slice(&mac.finalize().into_bytes()[..8]);
        }
        digest
    }
}

/// A secret that was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedSecret {
    pub rule: RuleRef,
    /// Where it stands first, or where encoded text begins that it stands in.
    pub location: Location,
    /// The place of the id that belongs to it, and further places of the same value, 20 at most.
    pub related: Vec<Location>,
    /// As much as may be shown: `ghp_… (40 characters)`. Empty where a file is a finding as a whole.
    pub redacted: String,
    /// The same for the same value and rule, and tells nothing about the value to those who do not know it.
    pub digest: [u8; 8],
    /// [`Certainty::Possible`] if its form is right and its checksum or content is not.
    pub certainty: Certainty,
    /// How it was encoded.
    pub decoded: Option<&'static str>,
    /// See [`Scanner::keep_values`].
    pub value: Option<SecretValue>,
}

impl ObservedSecret {
    /// The digest in hexadecimal.
    pub fn fingerprint(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.digest)
    }
}

/// A value in full. It does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Zeroizing<String>);

impl SecretValue {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

/// Counts lines and columns from 1.
#[derive(Clone, Debug)]
struct Lines {
    line: u32,
    column: u32,
}

impl Default for Lines {
    fn default() -> Self {
        Lines { line: 1, column: 1 }
    }
}

impl Lines {
    fn advance(&mut self, bytes: &[u8]) {
        let last = memchr::memrchr(b'\n', bytes);
        if let Some(last) = last {
            let count = memchr::memchr_iter(b'\n', &bytes[..=last]).count();
            self.line = self
                .line
                .saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            self.column = 1;
        }
        let rest = &bytes[last.map_or(0, |at| at + 1)..];
        // A character of UTF-8 is counted where it begins.
        let characters = rest.iter().filter(|&&b| b & 0xc0 != 0x80).count();
        self.column = self
            .column
            .saturating_add(u32::try_from(characters).unwrap_or(u32::MAX));
    }
}

/// By the name of the file.
fn notation(name: &str) -> Notation {
    const CODE: &[&str] = &[
        "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte", "py", "pyi", "rb",
        "php", "java", "kt", "kts", "scala", "groovy", "go", "rs", "c", "h", "cc", "cpp", "hpp",
        "cs", "fs", "vb", "swift", "m", "dart", "lua", "pl", "pm", "r", "jl", "ex", "exs", "erl",
        "clj", "map", "html", "htm", "css", "scss",
    ];
    if matches!(name, ".pgpass" | "pgpass" | "pgpass.conf") {
        return Notation::PasswordLines;
    }
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    match extension {
        Some(extension) if CODE.contains(&extension.as_str()) => Notation::Code,
        _ => Notation::Settings,
    }
}

/// `.git/objects/ab/` and 38 hexadecimal digits.
fn is_loose_object(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (Some(name), Some(folder)) = (parts.next(), parts.next()) else {
        return false;
    };
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    name.len() >= 38
        && hex(name)
        && folder.len() == 2
        && hex(folder)
        && parts.next() == Some("objects")
        && parts.next() == Some(".git")
}

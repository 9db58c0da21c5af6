//! `mix.lock`, which Mix writes: a map in Elixir's syntax, an entry a line.
//!
//! <https://github.com/elixir-lang/elixir/blob/main/lib/mix/lib/mix/dep/lock.ex> writes it, and the start of a value is
//! <https://github.com/hexpm/hex/blob/main/lib/hex/utils.ex>'s: `{:hex, :NAME, "VERSION", …}`, where the name is the
//! package's and the key that of the application in it. `{:git, "ADDRESS", "REVISION", …}` states no version.

use super::Code;
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};

pub struct MixLock;

impl Inspector for MixLock {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("mix.lock") && super::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut result = Ok(());
        for (line, text) in (1..).zip(entry.text()?.lines()) {
            // Where all is on one line, the first entry follows the brace.
            let text = text.trim().trim_start_matches("%{").trim_start();
            if matches!(text, "" | "}") || text.starts_with('#') {
                continue;
            }
            match package(text) {
                Some((name, code)) => code.observe(name, Location::at_line(entry.path, line), seen),
                None if result.is_ok() => {
                    let message = "is not an entry of a mix.lock: expected `\"name\": {…}`";
                    result = Err(Unreadable::at(line as usize, message));
                }
                None => {}
            }
        }
        result
    }
}

/// The package that an entry names, and in which version; or the revision of one from a repository.
fn package(entry: &str) -> Option<(&str, Code<'_>)> {
    let (key, rest) = string(entry)?;
    let value = rest.strip_prefix(':')?.trim_start().strip_prefix('{')?;
    let (source, rest) = next(value, atom)?;
    if source == "hex" {
        let (name, rest) = next(rest, atom)?;
        return Some((name, Code::Version(next(rest, string)?.0)));
    }
    let (_address, rest) = next(rest, string)?;
    Some((key, Code::Revision(next(rest, string)?.0)))
}

/// An element of a tuple and what follows its comma.
fn next<'a>(
    text: &'a str,
    element: fn(&'a str) -> Option<(&'a str, &'a str)>,
) -> Option<(&'a str, &'a str)> {
    let (value, rest) = element(text.trim_start())?;
    let rest = rest.trim_start();
    Some((value, rest.strip_prefix(',').unwrap_or(rest)))
}

/// `:name` or `:"name"`.
fn atom(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix(':')?;
    if text.starts_with('"') {
        return string(text);
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '?' | '!');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// A string without escapes, which neither names nor versions have.
fn string(text: &str) -> Option<(&str, &str)> {
    let (value, rest) = text.strip_prefix('"')?.split_once('"')?;
    (!value.is_empty() && !value.contains('\\')).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows};

    #[test]
    fn packages_have_a_name_of_their_own_and_a_version() {
        let text = r#"%{
  "a": {:hex, :a, "1.2.0", "00", [:mix], [{:b, "~> 1.0", [hex: :b, repo: "hexpm", optional: false]}], "hexpm", "00"},
  "app": {:hex, :"package-name", "2.0.0-rc.1", "00", [:rebar3], [], "hexpm", "00"},
  "old": {:hex, :old, "0.1.0"},
  "repository": {:git, "https://git.example/x.git", "0123456789abcdef0123456789abcdef01234567", [branch: "main"]},
}
"#;
        assert_eq!(
            rows(&inspect(&MixLock, "mix.lock", text).unwrap()),
            [
                "a 1.2.0 locked mix.lock:2",
                "old 0.1.0 locked mix.lock:4",
                "package-name 2.0.0-rc.1 locked mix.lock:3",
                "repository ~0123456789abcdef0123456789abcdef01234567 locked mix.lock:5",
            ]
        );
    }

    #[test]
    fn the_first_entry_may_follow_the_brace() {
        let text = "%{\"a\": {:hex, :a, \"1.2.0\"},\n  \"b\": {:hex, :b, \"1.0.0\"}}\n";
        let seen = inspect(&MixLock, "mix.lock", text).unwrap();
        assert_eq!(
            rows(&seen),
            ["a 1.2.0 locked mix.lock:1", "b 1.0.0 locked mix.lock:2"]
        );
        assert!(rows(&inspect(&MixLock, "mix.lock", "%{\n}\n").unwrap()).is_empty());
        assert!(rows(&inspect(&MixLock, "mix.lock", "%{}\n").unwrap()).is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_said_so_and_the_rest_counts() {
        let path = crate::finding::EntryPath::new(&"fn.zip!/".into(), "mix.lock");
        let bytes =
            b"%{\n<<<<<<< HEAD\n  \"a\": {:hex, :a, \"1.0.0\"},\n  \"b\": {:hex, :b, oops},\n}";
        let mut seen = Observations::default();
        let error = MixLock.inspect(&Entry { path: &path, bytes }, &mut seen);
        assert_eq!(error.unwrap_err().line, Some(2));
        assert_eq!(rows(&seen), ["a 1.0.0 locked mix.lock:3"]);
    }
}

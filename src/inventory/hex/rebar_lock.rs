//! `rebar.lock`, which rebar3 writes: terms of Erlang.
//!
//! <https://rebar3.org/docs/configuration/dependencies/#lock-files>. An entry is
//! `{<<"APPLICATION">>,{pkg,<<"NAME">>,<<"VERSION">>},LEVEL}` for a package of Hex, and for one from a repository
//! `{<<"APPLICATION">>,{git,"ADDRESS",{ref,"REVISION"}},LEVEL}`, on as many lines as it takes.

use memchr::memmem;

use super::Code;
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};

pub struct RebarLock;

impl Inspector for RebarLock {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("rebar.lock") && super::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let text = entry.text()?;
        if !text.trim_start().starts_with(['[', '{', '%']) {
            return Err(Unreadable::new(
                "is not a rebar.lock: expected a term of Erlang",
            ));
        }
        let (mut line, mut counted) = (1_u32, 0);
        for at in memmem::find_iter(text.as_bytes(), "<<\"") {
            let Some((name, code)) = text.get(at..).and_then(package) else {
                continue;
            };
            let between = text.get(counted..at).unwrap_or_default();
            let lines = between.bytes().filter(|&byte| byte == b'\n').count();
            line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            counted = at;
            code.observe(name, Location::at_line(entry.path, line), seen);
        }
        Ok(())
    }
}

/// The package that an entry names, and in which version; or the revision of one from a repository.
fn package(entry: &str) -> Option<(&str, Code<'_>)> {
    let (application, rest) = binary(entry)?;
    let source = after(after(rest, ",")?, "{")?;
    if let Some(rest) = source.strip_prefix("pkg") {
        let (name, rest) = binary(after(rest, ",")?)?;
        return Some((name, Code::Version(binary(after(rest, ",")?)?.0)));
    }
    let repositories = ["git", "hg"].iter();
    let rest = repositories
        .filter_map(|kind| source.strip_prefix(kind))
        .next()?;
    let (_address, rest) = string(after(rest, ",")?)?;
    let rest = after(after(rest, ",")?, "{")?.strip_prefix("ref")?;
    Some((application, Code::Revision(string(after(rest, ",")?)?.0)))
}

/// What follows a mark, with the white space around it left out.
fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    Some(text.trim_start().strip_prefix(mark)?.trim_start())
}

/// `<<"text">>`.
fn binary(text: &str) -> Option<(&str, &str)> {
    let (value, rest) = string(text.strip_prefix("<<")?)?;
    Some((value, rest.strip_prefix(">>")?))
}

fn string(text: &str) -> Option<(&str, &str)> {
    let (value, rest) = text.strip_prefix('"')?.split_once('"')?;
    let is_plain = !value.is_empty() && !value.contains(['\\', '\n']);
    is_plain.then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows};

    #[test]
    fn packages_and_repositories_are_locked() {
        let text = r#"{"1.2.0",
[{<<"a">>,{pkg,<<"a">>,<<"2.5.1">>},0},
 {<<"app">>,{pkg,<<"package_name">>,<<"1.0.0-rc.1">>},1},
 {<<"repository">>,
  {git,"https://git.example/x.git",
       {ref,"0123456789abcdef0123456789abcdef01234567"}},
  0}]}.
[
{pkg_hash,[
 {<<"a">>, <<"00">>},
 {<<"app">>, <<"00">>}]}
].
"#;
        assert_eq!(
            rows(&inspect(&RebarLock, "rebar.lock", text).unwrap()),
            [
                "a 2.5.1 locked rebar.lock:2",
                "package_name 1.0.0-rc.1 locked rebar.lock:3",
                "repository ~0123456789abcdef0123456789abcdef01234567 locked rebar.lock:4",
            ]
        );
    }

    #[test]
    fn the_first_form_has_no_hashes() {
        let text = "[{<<\"a\">>,{pkg,<<\"a\">>,<<\"1.0.0\">>},0}].\n";
        let seen = inspect(&RebarLock, "rebar.lock", text).unwrap();
        assert_eq!(rows(&seen), ["a 1.0.0 locked rebar.lock:1"]);
        assert!(rows(&inspect(&RebarLock, "rebar.lock", "[].\n").unwrap()).is_empty());
        assert!(inspect(&RebarLock, "rebar.lock", "a: 1\n").is_err());
    }
}

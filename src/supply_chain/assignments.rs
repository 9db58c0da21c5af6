//! What a text sets a variable to: shell scripts, `.env` files, Dockerfiles, and YAML, JSON and Terraform with commands in
//! them. It is not parsed as a whole: around each place where the variable is named, the line says.
//!
//! - Shell: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>
//! - Dockerfiles: <https://docs.docker.com/reference/dockerfile/#env>
//! - YAML's blocks: <https://yaml.org/spec/1.2.2/#81-block-scalar-styles>

use std::borrow::Cow;

use memchr::{memchr, memmem, memrchr};

use super::command_words::{is_introduced, last_word};
use super::setting_text::{
    Behind, is_plain_text, quoted, read_quotes, shell_word, without_end, without_itself,
};

/// How a file sets variables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Shell,
    Dockerfile,
    Dotenv,
    /// YAML, JSON and Terraform.
    Data,
}

/// Places that are looked at. Nobody names a variable more often in a file.
pub const MAX_PLACES: usize = 1000;

/// Bytes on either side of a name that are looked at. Nobody sets a longer value by hand.
pub const NEAR: usize = 4 * 1024;

/// Lines in which a name's value is looked for.
const PAIR_LINES: usize = 3;

/// Those whose whole argument is one.
const WHOLE: [&str; 9] = [
    "-", "--env", "-e", "declare", "env", "export", "local", "readonly", "typeset",
];

/// Where the variable is named, as a word of its own; one more than are looked at.
pub fn places<'t>(text: &'t [u8], name: &'static str) -> impl Iterator<Item = usize> + 't {
    let is_in_word =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let found = memmem::find_iter(text, name).filter(move |&at| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        !is_in_word(before) && before != Some(&b'$') && !is_in_word(text.get(at + name.len()))
    });
    found.take(MAX_PLACES + 1)
}

/// What a variable is set to.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    pub value: String,
    /// It goes on behind what was looked at.
    pub is_cut: bool,
}

/// What is set there; none where the variable is only read, cleared or spoken of.
pub fn value(text: &[u8], at: usize, name: &str, form: Form) -> Option<Setting> {
    let around = Around::of(text, at, name.len(), form);
    let found = around.value()?;
    let value = without_itself(&found, name);
    let is_nothing =
        value.trim_matches([' ', '\t', '\n', ':']).is_empty() || matches!(&*value, "null" | "~");
    (!is_nothing || around.is_cut).then(|| Setting {
        value: value.into_owned(),
        is_cut: around.is_cut,
    })
}

/// A place where the variable is named.
struct Around<'t> {
    form: Form,
    /// What stands in its line, and in those that it goes on from and in.
    before: String,
    after: String,
    /// The lines above and below.
    above: &'t [u8],
    below: &'t [u8],
    /// The quote right before the name.
    quote: Option<char>,
    /// Where the text begins that the name is in, in quotes that were opened earlier in the line.
    quoted_from: Option<usize>,
    is_comment: bool,
    /// What stands behind the name goes on where no more is looked at.
    is_cut: bool,
}

impl<'t> Around<'t> {
    fn of(text: &'t [u8], at: usize, length: usize, form: Form) -> Self {
        let first = at.saturating_sub(NEAR);
        let last = text.len().min(at + length + NEAR);
        let goes_on = |line: &[u8]| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            form != Form::Data && line.ends_with(b"\\") && !ends_in_comment(line)
        };
        let mut start = at;
        loop {
            start = memrchr(b'\n', &text[first..start]).map_or(first, |end| first + end + 1);
            if start == first || !goes_on(&text[first..start]) {
                break;
            }
            start -= 1;
        }
        let mut end = at + length;
        loop {
            end += memchr(b'\n', &text[end..last]).unwrap_or(last - end);
            if end == last || !goes_on(&text[at..end]) {
                break;
            }
            end += 1;
        }
        let joined = |lines: &[u8]| {
            let lines = String::from_utf8_lossy(lines).replace('\r', "");
            lines.replace("\\\n", " ")
        };
        let before = joined(&text[start..at]);
        let is_cut = start > 0 && start == first && text[start - 1] != b'\n';
        let (quoted_from, is_comment) = if is_cut {
            (None, false)
        } else {
            read_quotes(&before, form)
        };
        let quote = before
            .chars()
            .next_back()
            .filter(|c| matches!(c, '"' | '\''));
        let behind = Behind::of(&text[at + length..last], quote);
        let is_cut = match behind.closes {
            Some(Some(close)) => {
                let close = at + length + close;
                if close > end {
                    end = close + memchr(b'\n', &text[close..last]).unwrap_or(last - close);
                }
                false
            }
            Some(None) => last < text.len(),
            None => {
                let value = &text[at + length..end][behind.value..];
                let takes_word = match form {
                    Form::Shell => true,
                    Form::Dockerfile => behind.is_assigned,
                    Form::Dotenv => false,
                    Form::Data => quoted_from.is_some() || is_in_flow(&before),
                };
                let ends = |byte: &u8| byte.is_ascii_whitespace() || b",}".contains(byte);
                let is_whole = takes_word && value.iter().any(ends);
                end == last && last < text.len() && !is_whole
            }
        };
        Around {
            form,
            is_cut,
            quoted_from: quoted_from.filter(|_| quote.is_none()),
            after: joined(&text[at + length..end])
                .trim_end_matches('\\')
                .to_owned(),
            above: &text[first..start],
            below: &text[end..last],
            before,
            quote,
            is_comment,
        }
    }

    fn value(&self) -> Option<String> {
        let form = self.form;
        if self.is_comment {
            return None;
        }
        let after = self.after.as_str();
        if self.before.ends_with("${") {
            let value = after
                .strip_prefix(":=")
                .or_else(|| after.strip_prefix('='))?;
            return Some(value.split('}').next()?.to_owned());
        }
        let lead = match self.quote {
            Some(quote) => self.before.strip_suffix(quote)?,
            None => &self.before[self.quoted_from.unwrap_or(0)..],
        };
        let assigned = after.strip_prefix("+=").or_else(|| after.strip_prefix('='));
        if let Some(value) = assigned {
            let is_meant = !value.starts_with(['=', '~'])
                && is_introduced(lead, form)
                && !self.is_printed(lead);
            return is_meant.then(|| self.assigned(lead, value));
        }
        if form == Form::Dockerfile {
            let is_instruction =
                lead.trim().eq_ignore_ascii_case("env") && after.starts_with([' ', '\t']);
            return is_instruction.then(|| after.trim().trim_matches(['"', '\'']).to_owned());
        }
        if form == Form::Shell || self.quoted_from.is_some() {
            return None;
        }
        let after = match self.quote {
            Some(quote) => after.strip_prefix(quote)?,
            None => after,
        };
        if form == Form::Data && is_name_key(lead) {
            return self.paired(lead, after);
        }
        let value = after.trim_start().strip_prefix([':', '='])?;
        let is_key = lead.trim().is_empty() || lead.trim_end().ends_with(['-', '{', ',', '(', '[']);
        let is_key = is_key && !value.starts_with(['=', '~']);
        is_key.then(|| self.scalar(value, is_in_flow(lead)))
    }

    /// Of `NAME=value`.
    fn assigned(&self, lead: &str, value: &str) -> String {
        let last = last_word(lead).to_ascii_lowercase();
        let is_listed = last.ends_with(['[', ',', '{']) || WHOLE.contains(&&*last);
        match (self.quote, self.form) {
            (Some(quote), _) if is_listed => {
                value.split(quote).next().unwrap_or_default().to_owned()
            }
            (None, Form::Dotenv) => self.scalar(value, false),
            (None, Form::Data) if lead.trim() == "-" => self.scalar(value, false),
            _ => {
                let opened = self
                    .quoted_from
                    .and_then(|from| self.before[..from].chars().next_back());
                shell_word(value, self.quote.or(opened))
            }
        }
    }

    /// Whether `echo` only prints it, and not into a file or to another command.
    fn is_printed(&self, lead: &str) -> bool {
        let prints = |text: &str| {
            let command = text
                .rsplit([';', '&', '|', '(', '`'])
                .next()
                .unwrap_or_default();
            matches!(command.split_whitespace().next(), Some("echo" | "printf"))
        };
        let around = self.quoted_from.map_or("", |from| &self.before[..from]);
        (prints(lead) || prints(around)) && !self.after.contains(['>', '|'])
    }

    /// `- name: NAME` with `value: …` beside it, above or below.
    fn paired(&self, lead: &str, after: &str) -> Option<String> {
        let is_whole = after.trim().is_empty() || after.trim_start().starts_with([',', '}', '#']);
        if !is_whole {
            return None;
        }
        let is_flow = is_in_flow(lead);
        let here = [after, lead].into_iter().find_map(value_of_pair);
        if let Some(value) = here {
            return Some(self.scalar(value, is_flow));
        }
        let begins = |line: &str| line.trim_start().starts_with(['-', '{']);
        let below = lines(self.below).skip(1).take(PAIR_LINES);
        let mut below = below.take_while(|line| !begins(line));
        if let Some(line) = below.find(|line| value_of_pair(line).is_some()) {
            return value_of_pair(&line).map(|value| self.scalar(value, false));
        }
        if begins(lead) {
            return None;
        }
        let above = String::from_utf8_lossy(self.above);
        let mut above = above.lines().rev().take(PAIR_LINES);
        let line = above.find(|line| begins(line) || value_of_pair(line).is_some())?;
        value_of_pair(line).map(|value| self.scalar(value, false))
    }

    /// The value behind a key.
    fn scalar(&self, rest: &str, is_flow: bool) -> String {
        let rest = rest.trim();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            return quoted(&rest[1..], quote);
        }
        let plain = rest.split(" #").next().unwrap_or_default().trim();
        let indent = indent(&self.before);
        let block = lines(self.below)
            .skip(1)
            .take_while(|line| line.trim().is_empty() || self::indent(line) > indent);
        let is_block = plain.strip_prefix(['>', '|']).is_some_and(|how| {
            how.bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-'))
        });
        if is_block {
            return block.collect::<Vec<_>>().join(" ").trim().to_owned();
        }
        let mut more = block.take_while(|line| is_plain_text(line.trim()));
        if plain.is_empty() || plain.starts_with('#') {
            let value = more.collect::<Vec<_>>().join(" ");
            return value.trim().trim_matches(['"', '\'']).to_owned();
        }
        // The plain text of YAML goes on in deeper lines.
        if self.form == Form::Data && !is_flow && plain == rest {
            let more: Vec<_> = more.by_ref().collect();
            let value = [&[Cow::Borrowed(plain)][..], &more].concat().join(" ");
            return without_end(&value);
        }
        let ends: &[char] = if is_flow { &[',', '}'] } else { &[] };
        without_end(plain.split(ends).next().unwrap_or_default())
    }
}

/// Whether the last line is a remark, which no `\` continues.
fn ends_in_comment(lines: &[u8]) -> bool {
    let start = memrchr(b'\n', lines).map_or(0, |end| end + 1);
    lines[start..].trim_ascii_start().starts_with(b"#")
}

fn is_in_flow(lead: &str) -> bool {
    lead.contains(['{', '['])
}

/// Whether `name:` or `key =` stands before.
fn is_name_key(lead: &str) -> bool {
    let key = lead.trim_end().strip_suffix([':', '=']);
    let key = key.map(|key| {
        key.trim_end()
            .trim_end_matches(['"', '\''])
            .to_ascii_lowercase()
    });
    key.is_some_and(|key| {
        let word = key
            .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
            .next();
        matches!(word, Some("name" | "key"))
    })
}

/// What stands behind `value:` or `value =` in a line.
fn value_of_pair(line: &str) -> Option<&str> {
    let lower = line.to_ascii_lowercase();
    lower.match_indices("value").find_map(|(at, key)| {
        let is_whole = !lower[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = line[at + key.len()..]
            .trim_start_matches(['"', '\''])
            .trim_start();
        rest.strip_prefix([':', '=']).filter(|_| is_whole)
    })
}

fn lines(text: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    text.split(|&byte| byte == b'\n')
        .map(String::from_utf8_lossy)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "LD_PRELOAD";

    fn first(text: &str, form: Form) -> Option<String> {
        let text = text.replace('@', NAME);
        let places = places(text.as_bytes(), NAME);
        let mut settings = places.filter_map(|at| value(text.as_bytes(), at, NAME, form));
        settings.next().map(|setting| setting.value)
    }

    fn assert_all(form: Form, cases: &[(&str, Option<&str>)]) {
        for (text, expected) in cases {
            assert_eq!(first(text, form).as_deref(), *expected, "{text}");
        }
    }

    #[test]
    fn shells_set_words() {
        let x = Some("/x.so");
        assert_all(
            Form::Shell,
            &[
                ("@=/x.so node app.js", x),
                ("export @=\"/x.so\"", x),
                ("export A=b @='/x'.so; run", x),
                ("export \"@=/x.so\"", x),
                ("export @+=/x.so", x),
                ("declare -x @=/x.so", x),
                ("exec env -i @=/x.so node", x),
                ("if true; then @=/x.so node; fi", x),
                ("(@=/x.so node)", x),
                ("export \\\n  A=b \\\n  @=/x.so", x),
                (": ${@:=/x.so}", x),
                (": \"${@=/x.so}\"", x),
                ("@=${@:-/x.so} node", x),
                ("@=$@:/x.so node", Some(":/x.so")),
                ("echo \" #\"; export @=/x.so", x),
                ("sh -c 'export @=/x.so; node'", x),
                ("sh -c \"@=\\\"/x.so\\\" node\"", x),
                ("echo 'export @=/x.so' >> ~/.profile", x),
                ("docker run -e @=/x.so image", x),
                ("docker run --env=@=/x.so image", x),
                ("it's=1; # don't\n@=/x.so node", x),
                ("@=\"\" exec x", None),
                ("@='' exec x", None),
                ("@= ls", None),
                ("export @=\"$@\"", None),
                ("export @=${@}", None),
                ("export @=${@:-}", None),
                ("export @=${@:+$@:}", None),
                ("export A=b \\\n\n# @=/x.so", None),
                (
                    "export @=$(find /lib -name x.so | head)/y",
                    Some("$(find /lib -name x.so | head)/y"),
                ),
                ("# note \\\nexport @=/x.so", x),
                ("a \\\n# note \\\nexport @=/x.so", x),
                ("if @=/x.so node; then :; fi", x),
                ("while true; do until @=/x.so node; do :; done; done", x),
                ("case $1 in\na) @=/x.so node ;;\nesac", x),
                ("sudo -E @=/x.so node", x),
                ("systemd-run -E @=/x.so node", x),
                ("docker build --build-arg @=/x.so .", x),
                ("deploy fn --set-env-vars @=/x.so", x),
                ("grep -E @=/x f", None),
                ("cat <<END\nUsage: @=/x.so program\nEND", None),
                ("echo; see it work if @=/x.so is set", None),
                ("f (see) @=/x.so", None),
                ("grep -v @=/x f", None),
                ("grep -e @=/x f", None),
                ("ls --sort=x @=/x.so", None),
                ("export @", None),
                ("unset @", None),
                ("env -u @ node", None),
                ("echo \"${@:-none}\"", None),
                ("echo \"use @=/x.so\"", None),
                ("echo 'use @=/x to trace'", None),
                ("echo @=/x.so", None),
                ("echo \"a; @=/x.so\"", None),
                ("if [ -n \"$@\" ]; then echo @: set; fi", None),
                ("[[ @ == /x ]] || [ \"$@\" = /x ]", None),
                ("# export @=/x.so", None),
                ("run # then @=/x.so", None),
                ("export MY_@=/x.so @_2=/x", None),
            ],
        );
    }

    #[test]
    fn dockerfiles_set_what_follows_the_instruction() {
        let x = Some("/x.so");
        assert_all(
            Form::Dockerfile,
            &[
                ("ENV @=/x.so", x),
                ("ENV @ /x.so", x),
                ("env @ /x.so", x),
                ("ENV\t@\t/x.so", x),
                ("ENV A=b \\\n    @=\"/x.so\" \\\n    C=d", x),
                ("ENV \\\n  @ /x.so", x),
                ("RUN export @=/x.so && make", x),
                ("# note \\\nENV @=/x.so", x),
                ("ENV A=b \\\n# note\n  @=/x.so", x),
                ("RUN if @=/x.so make; then :; fi", x),
                ("ENV A @ /x.so", None),
                ("LABEL a=\"set @ to trace\"", None),
                ("ENV @=\"\"", None),
                ("# ENV @=/x.so", None),
            ],
        );
    }

    #[test]
    fn data_sets_values_of_keys() {
        let x = Some("/x.so");
        assert_all(
            Form::Data,
            &[
                ("@: /x.so", x),
                ("  @: \"/x.so\" # why", x),
                ("@: >-\n  /x.so\nB: c", x),
                ("@: |\n  /x.so\n", x),
                ("@:\n  /x.so\nB: c", x),
                ("env: {A: b, @: /x.so, C: d}", x),
                ("env:\n  - name: @\n    value: /x.so\n", x),
                ("env:\n  - value: /x.so\n    name: @\n", x),
                ("env:\n  - {name: @, value: /x.so}\n", x),
                ("env:\n  - {value: /x.so, name: @}\n", x),
                ("[{\"Name\": \"@\",\n \"Value\": \"/x.so\"}]", x),
                ("environment {\n  name = \"@\"\n  value = \"/x.so\"\n}", x),
                ("{\"Variables\":{\"A\":\"b\",\"@\":\"/x.so\"}}", x),
                ("variables = {\n  @ = \"/x.so\"\n}", x),
                ("environment:\n  - @=/x.so\n", x),
                ("environment:\n  - \"@=/x.so\"\n", x),
                ("command: @=/x.so node app.js", x),
                ("run: |\n  export @=/x.so\n", x),
                ("env:\n  - name: @\n  - name: B\n    value: /x.so\n", None),
                ("env:\n  - value: /x.so\n  - name: @\n", None),
                ("env:\n  - name: @\n    valueFrom: {a: b}\n", None),
                ("description: \"set @: it traces\"", None),
                ("description: set @=/x to trace", None),
                ("description: it is quicker if @=/x is set", None),
                ("run: |\n  if @=/x.so node; then true; fi\n", x),
                ("properties:\n  @:\n    type: string\n", None),
                ("@: \"\"", None),
                ("@: null", None),
                ("@:\nB: c", None),
                ("# @: /x.so", None),
                ("a: b # @: /x.so", None),
                ("// @ = \"/x.so\"", None),
            ],
        );
        let cut = format!("{{\"a\":\"{}\",\"@\":\"/x.so\"}}", "b".repeat(2 * NEAR));
        assert_eq!(first(&cut, Form::Data).as_deref(), x);
    }

    #[test]
    fn options_of_a_command_are_not_the_variables() {
        for (text, form, expected) in [
            ("@=--a node -r b", Form::Shell, "--a"),
            ("command: \"@=--a node -r b\"", Form::Data, "--a"),
            ("command: @=--a node -r b", Form::Data, "--a"),
            ("@=-r b", Form::Dotenv, "-r b"),
            ("@ = '-r b' # c", Form::Dotenv, "-r b"),
            ("export @=\"-r b\"", Form::Dotenv, "-r b"),
            ("- @=-r b", Form::Data, "-r b"),
            ("- \"@=-r b\"", Form::Data, "-r b"),
            ("export \"@=-r b\"", Form::Shell, "-r b"),
        ] {
            assert_eq!(first(text, form).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn values_are_read_over_lines_to_their_end() {
        for (text, form, expected) in [
            ("export @=\"--a\n  --b\"\nx", Form::Shell, "--a\n  --b"),
            ("export \"@=--a\n--b\" C=d", Form::Shell, "--a\n--b"),
            ("@='--a\n--b'\nC=d", Form::Dotenv, "--a\n--b"),
            ("ENV @=\"--a \\\n  --b\"", Form::Dockerfile, "--a    --b"),
            ("run: |\n  @=\"--a\n  --b\" x\n", Form::Data, "--a\n  --b"),
            ("@: \"--a\n  --b\"\nC: d", Form::Data, "--a\n  --b"),
            (
                "e:\n  @: --a\n    --b\n    -r c\n  C: d",
                Form::Data,
                "--a     --b     -r c",
            ),
            (
                "e:\n  @:\n    --a\n    --b\n  C: d",
                Form::Data,
                "--a     --b",
            ),
            ("e:\n  - @=--a\n    --b\n  - C=d", Form::Data, "--a     --b"),
            ("e:\n  @: --a\n    C: d", Form::Data, "--a"),
            ("e:\n  @: --a # b\n    --c", Form::Data, "--a"),
            ("@=--a\n  --b", Form::Dotenv, "--a"),
            ("@=\"--a\nx", Form::Shell, "--a"),
        ] {
            assert_eq!(first(text, form).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_value_that_goes_on_behind_what_is_looked_at_is_cut() {
        let wide = " ".repeat(NEAR + 100);
        let is_cut = |text: String, form| {
            let text = text.replace('@', NAME).replace("WIDE", &wide);
            let at = memmem::find(text.as_bytes(), NAME.as_bytes()).unwrap();
            value(text.as_bytes(), at, NAME, form).map(|setting| setting.is_cut)
        };
        for (text, form) in [
            ("export @=\"WIDE/x.so\"", Form::Shell),
            ("export \"@=WIDE/x.so\"", Form::Shell),
            ("ENV @ WIDE/x.so", Form::Dockerfile),
            ("@=--a WIDE--b", Form::Dotenv),
            ("@:WIDE/x.so", Form::Data),
            ("\"@\": \"--aWIDE--b\"", Form::Data),
        ] {
            assert_eq!(is_cut(text.to_owned(), form), Some(true), "{text}");
        }
        for (text, form) in [
            ("export @=\"/x.so\" aWIDEb", Form::Shell),
            ("export @=/x.so aWIDEb", Form::Shell),
            ("ENV @=/x.so aWIDEb", Form::Dockerfile),
            ("@=--a\nWIDE", Form::Dotenv),
            ("{\"@\": \"/x.so\", \"b\": \"WIDE\"}", Form::Data),
            ("{@: /x.so, b: \"WIDE\"}", Form::Data),
        ] {
            assert_eq!(is_cut(text.to_owned(), form), Some(false), "{text}");
        }
        for text in ["echo @WIDEx", "# @=WIDEx", "echo \"use @=WIDEx"] {
            assert_eq!(is_cut(text.to_owned(), Form::Shell), None, "{text}");
        }
    }

    #[test]
    fn what_places_cost_is_bounded() {
        let text = format!(" {NAME}").repeat(1 << 20);
        assert_eq!(places(text.as_bytes(), NAME).count(), MAX_PLACES + 1);
        for at in places(text.as_bytes(), NAME) {
            assert_eq!(value(text.as_bytes(), at, NAME, Form::Shell), None);
        }
        let slashes = "\\\n".repeat(1 << 20) + NAME;
        let at = slashes.len() - NAME.len();
        assert_eq!(value(slashes.as_bytes(), at, NAME, Form::Shell), None);
    }
}

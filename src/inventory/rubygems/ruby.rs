//! The few pieces of Ruby that say something as they stand: string literals, and what is no comment.
//!
//! Specification: <https://docs.ruby-lang.org/en/master/syntax/comments_rdoc.html>.

/// The string literal that a text starts with, and what follows. A string that is put together from others when the
/// program runs is none.
pub fn literal(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let rest = text.get(1..)?;
    let (value, rest) = rest.split_once(quote)?;
    let is_plain = !value.contains(['\\', '\n']) && !value.contains("#{");
    is_plain.then_some((value, rest))
}

/// Each line and its number, without comments: those behind a `#`, from `=begin` to `=end`, and all behind `__END__`.
pub fn code_lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let mut in_comment = false;
    let lines = text.lines().take_while(|line| *line != "__END__");
    (1..).zip(lines).filter_map(move |(number, line)| {
        let is = |word| {
            let rest = line.strip_prefix(word);
            rest.is_some_and(|rest: &str| rest.is_empty() || rest.starts_with([' ', '\t']))
        };
        if in_comment {
            in_comment = !is("=end");
            return None;
        }
        in_comment = is("=begin");
        (!in_comment).then(|| (number, without_comment(line)))
    })
}

/// The line up to its comment. One that begins within a string is none.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => return &line[..at],
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_strings_are_read() {
        assert_eq!(literal("'a', 1"), Some(("a", ", 1")));
        assert_eq!(literal("\"a\".freeze"), Some(("a", ".freeze")));
        for text in ["", "a", "'a", "'a\"", "\"#{a}\"", "'a\\'b'", "A::VERSION"] {
            assert_eq!(literal(text), None, "{text}");
        }
    }

    #[test]
    fn comments_are_no_code() {
        let text = "a # b\n'#' \"\\\"#{x}\"#c\n=begin\nd\n =end\n=end e\n=beginning\n__END__\nf";
        let lines: Vec<_> = code_lines(text).collect();
        let expected = [(1, "a "), (2, "'#' \"\\\"#{x}\""), (7, "=beginning")];
        assert_eq!(lines, expected);
        assert_eq!(code_lines("=begin\n").count(), 0);
    }
}

//! The few pieces of Ruby that say something as they stand: string literals.

/// The string literal that a text starts with, and what follows. A string that is put together from others when the
/// program runs is none.
pub fn literal(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let rest = text.get(1..)?;
    let (value, rest) = rest.split_once(quote)?;
    let is_plain = !value.contains(['\\', '\n']) && !value.contains("#{");
    is_plain.then_some((value, rest))
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
}

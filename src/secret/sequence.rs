//! Expressions that are no more than texts and runs of characters one after the other, as those of most tokens are:
//! `ghp_[A-Za-z0-9]{36}`. They are matched as they are; making a regular expression of one takes longer than all
//! that a bundle gives it to read.
//!
//! The build script compiles this file too.

use std::borrow::Cow;

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// An expression with more alternatives, or longer ones, is left to a regular expression.
const ALTERNATIVES: usize = 16;
const STEPS: usize = 48;
/// The most that matching one may read, for each byte of the longest match: it stays linear.
const READ: usize = 16;

/// One alternative of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    pub steps: Cow<'static, [Step]>,
    /// The steps of the group `secret`: its first, and the one behind its last.
    pub secret: (usize, usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Text(Cow<'static, [u8]>),
    /// As many bytes of the set as there are, within these bounds.
    Run(Set, usize, usize),
}

/// A bit for each byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set(pub [u64; 4]);

impl Set {
    fn add(&mut self, b: u8) {
        self.0[usize::from(b >> 6)] |= 1 << (b & 63);
    }

    pub fn has(&self, b: u8) -> bool {
        self.0[usize::from(b >> 6)] >> (b & 63) & 1 == 1
    }

    fn shares(&self, other: &Set) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }
}

/// Where a match ends, and the bounds of its secret. It begins where the text does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    pub end: usize,
    pub secret: (usize, usize),
}

/// What a token does not end before.
pub fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

/// The match of the first of these that has one.
pub fn find(sequences: &[Sequence], text: &[u8]) -> Option<Match> {
    sequences.iter().find_map(|sequence| sequence.find(text))
}

impl Sequence {
    fn find(&self, text: &[u8]) -> Option<Match> {
        let mut places = [0; STEPS + 1];
        self.go_on(0, text, &mut places).then(|| Match {
            end: places[self.steps.len()],
            secret: (places[self.secret.0], places[self.secret.1]),
        })
    }

    /// Whether the steps from this one on match what is left of the text. Their number bounds the recursion.
    fn go_on(&self, step: usize, text: &[u8], places: &mut [usize; STEPS + 1]) -> bool {
        let at = places[step];
        let rest = &text[at..];
        match self.steps.get(step) {
            None => rest.first().is_none_or(|b| !is_token_byte(*b)),
            Some(Step::Text(literal)) => {
                places[step + 1] = at + literal.len();
                rest.starts_with(literal) && self.go_on(step + 1, text, places)
            }
            Some(Step::Run(set, least, most)) => {
                let longest = rest.iter().take(*most).take_while(|b| set.has(**b)).count();
                let mut lengths = (*least..=longest).rev();
                lengths.any(|length| {
                    places[step + 1] = at + length;
                    self.go_on(step + 1, text, places)
                })
            }
        }
    }
}

/// The alternatives of an expression, in the order in which they are tried; none if it is of another form, or if
/// trying one after the other might find another match.
pub fn of(expression: &Hir) -> Option<Vec<Sequence>> {
    let begun = vec![Begun::default()];
    let all = Begun::extended(begun, expression)?;
    if all
        .iter()
        .any(|begun| begun.read() > READ * begun.longest())
    {
        return None;
    }
    let finished = all.into_iter().map(|begun| Sequence {
        secret: begun.secret.unwrap_or((0, begun.steps.len())),
        steps: begun.steps.into(),
    });
    Some(finished.collect())
}

/// A sequence that is being made.
#[derive(Clone, Default)]
struct Begun {
    steps: Vec<Step>,
    secret: Option<(usize, usize)>,
    /// The secret begins or ends before the step of this number: a text behind it is one of its own.
    fence: usize,
    /// Before the step of this number there was a choice between alternatives. How long runs before it are must be
    /// certain: a regular expression tries all alternatives with one length before it tries another.
    choice: usize,
}

impl Begun {
    /// All of them, each with each alternative of the expression behind it.
    fn extended(all: Vec<Begun>, expression: &Hir) -> Option<Vec<Begun>> {
        let all = match expression.kind() {
            HirKind::Empty => all,
            HirKind::Literal(literal) => Begun::each(all, |begun| begun.text(&literal.0)),
            HirKind::Class(Class::Bytes(class)) => {
                let set = set_of(class);
                Begun::each(all, |begun| begun.steps.push(Step::Run(set, 1, 1)))
            }
            HirKind::Repetition(repeated) => Begun::repeated(all, repeated)?,
            HirKind::Capture(group) => {
                if group.name.as_deref() != Some("secret") {
                    return Begun::extended(all, &group.sub);
                }
                let all = Begun::each(all, |begun| {
                    begun.fence = begun.steps.len();
                    begun.secret = Some((begun.fence, begun.fence));
                });
                let all = Begun::extended(all, &group.sub)?;
                Begun::each(all, |begun| {
                    begun.fence = begun.steps.len();
                    begun.secret = begun.secret.map(|(start, _)| (start, begun.fence));
                })
            }
            HirKind::Concat(parts) => parts.iter().try_fold(all, Begun::extended)?,
            HirKind::Alternation(parts) => {
                let mut joined = Vec::new();
                for mut begun in all {
                    begun.choice = begun.steps.len();
                    for part in parts {
                        joined.extend(Begun::extended(vec![begun.clone()], part)?);
                    }
                }
                joined
            }
            HirKind::Class(Class::Unicode(_)) | HirKind::Look(_) => return None,
        };
        let fits = all.len() <= ALTERNATIVES && all.iter().all(|begun| begun.steps.len() <= STEPS);
        fits.then_some(all)
    }

    fn each(mut all: Vec<Begun>, change: impl Fn(&mut Begun)) -> Vec<Begun> {
        all.iter_mut().for_each(change);
        all
    }

    fn text(&mut self, text: &[u8]) {
        let joins = self.steps.len() > self.fence;
        match self.steps.last_mut() {
            Some(Step::Text(before)) if joins => before.to_mut().extend(text),
            _ => self.steps.push(Step::Text(text.to_vec().into())),
        }
    }

    fn repeated(all: Vec<Begun>, repeated: &Repetition) -> Option<Vec<Begun>> {
        let (least, most) = (repeated.min as usize, repeated.max? as usize);
        let set = match repeated.sub.kind() {
            HirKind::Class(Class::Bytes(class)) => Some(set_of(class)),
            HirKind::Literal(literal) if literal.0.len() == 1 => {
                let mut set = Set::default();
                set.add(literal.0[0]);
                Some(set)
            }
            _ => None,
        };
        if !repeated.greedy && least < most {
            return None;
        }
        if let Some(set) = set {
            let run = |begun: &mut Begun| begun.steps.push(Step::Run(set, least, most));
            return Some(Begun::each(all, run));
        }
        if most > STEPS {
            return None;
        }
        let mut joined = Vec::new();
        for mut begun in all {
            if least < most {
                begun.choice = begun.steps.len();
            }
            for count in (least..=most).rev() {
                let once = |all, _| Begun::extended(all, &repeated.sub);
                joined.extend((0..count).try_fold(vec![begun.clone()], once)?);
            }
        }
        Some(joined)
    }

    fn longest(&self) -> usize {
        let lengths = self.steps.iter().map(|step| match step {
            Step::Text(text) => text.len(),
            Step::Run(_, _, most) => *most,
        });
        lengths.sum()
    }

    /// How much of a text is read at most: what a run may be, and what is behind it for each length that it may have;
    /// that is one, if what may stand behind it is none of it. Too much, if it matters which is tried first.
    fn read(&self) -> usize {
        let mut boundary = Set::default();
        (0..=255)
            .filter(|b| !is_token_byte(*b))
            .for_each(|b| boundary.add(b));
        let mut behind = boundary;
        // Where the token ends.
        let mut read: usize = 1;
        for (index, step) in self.steps.iter().enumerate().rev() {
            match step {
                Step::Text(text) => {
                    read = read.saturating_add(text.len());
                    behind = Set::default();
                    text.first().into_iter().for_each(|b| behind.add(*b));
                }
                Step::Run(set, least, most) => {
                    if least < most && set.shares(&behind) {
                        let certain = index >= self.choice;
                        let lengths = if certain {
                            most - least + 1
                        } else {
                            usize::MAX
                        };
                        read = read.saturating_mul(lengths);
                    }
                    read = read.saturating_add(*most);
                    if *least > 0 {
                        behind = Set::default();
                    }
                    for (all, more) in behind.0.iter_mut().zip(set.0) {
                        *all |= more;
                    }
                }
            }
        }
        read
    }
}

fn set_of(class: &regex_syntax::hir::ClassBytes) -> Set {
    let mut set = Set::default();
    for range in class.iter() {
        (range.start()..=range.end()).for_each(|b| set.add(b));
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::rules::RULES;
    use crate::secret::spec::parsed;
    use crate::secret::templates::{Random, expand};
    use crate::secret::tests::specs;

    fn sequences(expression: &str) -> Option<Vec<Sequence>> {
        of(&parsed(expression).expect("an expression"))
    }

    fn end(expression: &str, text: &str) -> Option<usize> {
        let sequences = sequences(expression).expect("sequences");
        find(&sequences, text.as_bytes()).map(|found| found.end)
    }

    #[test]
    fn a_match_ends_where_a_token_may() {
        assert_eq!(end("ab_[0-9]{2,4}", "ab_1234"), Some(7));
        assert_eq!(end("ab_[0-9]{2,4}", "ab_123.4"), Some(6));
        assert_eq!(end("ab_[0-9]{2,4}", "ab_12345"), None);
        assert_eq!(end("ab_[0-9]{2,4}", "ab_1"), None);
        assert_eq!(end("[a-z+]{2,9}", "abc+d1"), Some(3));
        assert_eq!(end("[a-z]{2,9}(?:-x){0,2}={0,2}", "ab-x-x="), Some(7));
        assert_eq!(end("(?:abc|ab)[0-9]?", "ab1"), Some(3));
    }

    #[test]
    fn the_secret_of_a_match_has_bounds_of_its_own() {
        let sequences = sequences("k=(?P<secret>[a-z]{3}|x)&").expect("sequences");
        assert_eq!(sequences.len(), 2);
        for (text, secret) in [("k=abc&", (2, 5)), ("k=x&", (2, 3))] {
            let found = find(&sequences, text.as_bytes()).expect("a match");
            assert_eq!((found.end, found.secret), (text.len(), secret));
        }
    }

    #[test]
    fn what_may_be_divided_otherwise_is_left_to_a_regular_expression() {
        for expression in [
            "[a-z]{1,9}(?:a|b)",
            "[a-z]{2,200}?x",
            "[a-z.]{1,200}[a-z.]{1,200}",
            "^ab",
            "(?:a|b)(?:a|b)(?:a|b)(?:a|b)(?:a|b)",
            "(?:ab){0,100}",
            "(?s:.){1,99}x(?s:.){1,99}",
            "key_[a-z.]{1,7000}[a-z]{7000}",
        ] {
            assert_eq!(sequences(expression), None, "{expression}");
        }
    }

    /// Texts that begin with a token of the rule, whole, broken off and changed.
    fn texts(token: &str, random: &mut Random) -> Vec<Vec<u8>> {
        let mut texts = Vec::new();
        for behind in ["", "\"", "a", "_", "=", "==", "+/", ".x"] {
            texts.push(format!("{token}{behind}").into_bytes());
        }
        for _ in 0..8 {
            let at = random.below(token.len());
            texts.push(token.as_bytes()[..at].to_vec());
            let mut changed = token.as_bytes().to_vec();
            changed[at] = b"aZ0_-+/=. \"\n"[random.below(12)];
            texts.push(changed);
        }
        texts
    }

    #[test]
    fn sequences_match_what_the_regular_expressions_of_the_rules_match() {
        let mut random = Random::seeded(23);
        let mut simple = 0;
        for spec in specs() {
            let rule = RULES
                .iter()
                .find(|rule| rule.id == spec.id)
                .expect("a rule");
            if rule.sequences.is_empty() {
                continue;
            }
            simple += 1;
            let regex = rule.regex().expect("an expression");
            for template in spec.token.iter().chain(&spec.positive) {
                let token = expand(&spec.token[0], "", &mut random);
                let token = expand(template, &token, &mut random);
                for text in texts(&token, &mut random) {
                    let expected = regex.captures(&text).map(|captures| {
                        let whole = captures.name("whole").expect("a whole");
                        let secret = captures.name("secret").unwrap_or(whole);
                        Match {
                            end: whole.end(),
                            secret: (secret.start(), secret.end()),
                        }
                    });
                    let shown = String::from_utf8_lossy(&text);
                    assert_eq!(
                        find(&rule.sequences, &text),
                        expected,
                        "{}: {shown}",
                        rule.id
                    );
                }
            }
        }
        assert!(simple * 10 > RULES.len() * 7, "{simple}");
    }
}

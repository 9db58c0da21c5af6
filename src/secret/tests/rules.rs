//! Every rule's examples.

use super::*;
use crate::secret::recall::tells;
use crate::secret::rules;

#[test]
fn every_rule_finds_its_positive_examples() {
    let scanner = scanner();
    let mut random = Random::seeded(7);
    let mut missed = String::new();
    for rule in specs() {
        for token in &rule.token {
            for positive in &rule.positive {
                let token = expand(token, "", &mut random);
                let text = expand(positive, &token, &mut random);
                let found = scan(&scanner, "settings.conf", text.as_bytes());
                if !ids(&found).iter().any(|id| tells(&rule.id, id)) {
                    let _ = writeln!(missed, "{}: {:?} in {text}", rule.id, ids(&found));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{missed}");
}

#[test]
fn no_rule_finds_its_negative_examples() {
    let scanner = scanner();
    let mut random = Random::seeded(7);
    let mut wrong = String::new();
    for rule in specs() {
        for negative in &rule.negative {
            let token = expand(&rule.token[0], "", &mut random);
            let text = expand(negative, &token, &mut random);
            let found = scan(&scanner, "settings.conf", text.as_bytes());
            if ids(&found).contains(&&*rule.id) {
                let _ = writeln!(wrong, "{}: {text}", rule.id);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_rule_of_ours_has_examples_and_says_where_it_comes_from() {
    let rules = specs();
    assert!(rules.len() >= 300, "{}", rules.len());
    for rule in &rules {
        assert_eq!(rule.check_examples(), Ok(()), "{}", rule.id);
    }
    let lacking = |change: fn(&mut RuleSpec)| {
        let mut rule = rules[0].clone();
        change(&mut rule);
        rule.check_examples().err().unwrap_or_default()
    };
    assert!(lacking(|rule| rule.positive.truncate(1)).contains("2 positive"));
    assert!(lacking(|rule| rule.negative.truncate(1)).contains("2 negative"));
    assert!(lacking(|rule| rule.token.clear()).contains("1 templates"));
    assert!(lacking(|rule| rule.source.clear()).contains("source"));
}

#[test]
fn every_expression_compiles() {
    for rule in rules::RULES.iter() {
        assert!(rule.regex().is_some(), "{}", rule.id);
    }
}

#[test]
fn a_key_of_pgp_is_one_for_certain() {
    let mut random = Random::seeded(8);
    let rule = specs()
        .into_iter()
        .find(|rule| rule.id == "private-key-pgp");
    for token in rule.expect("a rule").token {
        let text = format!("{}\n=abcd\n", expand(&token, "", &mut random));
        let found = scan(&scanner(), "key.asc", text.as_bytes());
        assert_eq!(ids(&found), ["private-key-pgp"], "{text}");
        assert_eq!(found[0].certainty, Certainty::Certain, "{text}");
    }
}

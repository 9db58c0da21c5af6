//! What users allow and add.

use super::*;

#[test]
fn files_that_are_a_finding_can_be_allowed_and_no_error_quotes_a_value() {
    let allowing = with_user("[allow]\nrules = ['git-folder']\n").expect("an allow list");
    let head = scan(&allowing, ".git/HEAD", b"ref: refs/heads/main\n");
    assert_eq!(ids(&head), [""; 0]);
    let wrong = with_user("[allow]\nvalues = ['Hunter2Real', '(']\n");
    let message = wrong
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(message.contains("number 2"), "{message}");
    assert!(!message.contains("Hunter2Real"), "{message}");
}

#[test]
fn a_line_is_silenced_by_itself_or_by_the_one_before() {
    let (token, other) = (github(), stripe());
    let silent = format!("a = '{token}' # fnaudit:allow\n# fnaudit:allow\nb = '{other}'\n");
    assert_eq!(ids(&scan(&scanner(), "a.py", silent.as_bytes())), [""; 0]);
    let between = format!("a = '{token}'; b = '{other}' # fnaudit:allow");
    assert_eq!(ids(&scan(&scanner(), "a.py", between.as_bytes())), [""; 0]);
    let loud = format!("# fnaudit:allow\n\na = '{token}'\nb = '{other}'\n# fnaudit:allow");
    assert_eq!(
        lines(&scan(&scanner(), "a.py", loud.as_bytes())),
        [Some(3), Some(4)]
    );
}

#[test]
fn users_allow_by_path_rule_and_value() {
    let text = github();
    for allow in [
        "paths = ['tests/**']".to_owned(),
        "rules = ['github-pat']".to_owned(),
        format!("values = ['^{}']", &text[..8]),
    ] {
        let scanner = with_user(&format!("[allow]\n{allow}\n")).expect("an allow list");
        assert_eq!(
            ids(&scan(&scanner, "tests/a/b.js", text.as_bytes())),
            [""; 0],
            "{allow}"
        );
        let elsewhere = scan(&scanner, "src/a.js", stripe().as_bytes());
        assert_eq!(ids(&elsewhere), ["stripe-live-secret-key"], "{allow}");
    }
}

#[test]
fn users_add_rules_and_learn_what_is_wrong_with_them() {
    let rule = |id: &str, more: &str| {
        format!("[[rule]]\nid = '{id}'\nname = 'badge'\nseverity = 'low'\n{more}\n")
    };
    let good = rule(
        "acme-badge",
        "keywords = ['acme_']\npattern = 'acme_[a-z0-9]{20}'",
    );
    let scanner = with_user(&good).expect("a right rule");
    let token = expand("acme_{lan:20}", "", &mut Random::seeded(1));
    assert_eq!(ids(&scan(&scanner, "a", token.as_bytes())), ["acme-badge"]);
    for (toml, says) in [
        (
            rule("github-pat", "keywords = ['abc']\npattern = 'abc'"),
            "already",
        ),
        (
            rule("Bad Id", "keywords = ['abc']\npattern = 'abc'"),
            "lower-case words",
        ),
        (
            rule("x", "keywords = ['abc']\npattern = 'abc[0-9]+'"),
            "must have an end",
        ),
        (rule("x", "keywords = ['abc']\npattern = 'abc('"), "abc("),
        (
            rule("x", "keywords = ['ab']\npattern = 'abc'"),
            "shorter than 3",
        ),
        (
            rule("x", "keywords = []\npattern = 'abc'"),
            "at least one keyword",
        ),
        (
            rule("x", "keywords = ['abcd']"),
            "either `pattern` or `assigned`",
        ),
        (
            rule("x", "keywords = ['Abcd']\nassigned = 'abc'"),
            "lower-case letters",
        ),
        (
            rule("x", "keywords = ['abc']\npattern = 'abc'\nchecks = ['y']"),
            "no check",
        ),
        (
            "[allow]\nrules = ['nothing']".to_owned(),
            "no rule of that id",
        ),
        ("[allow]\npaths = ['a[']".to_owned(), "a["),
        ("[allow]\nvalues = ['(']".to_owned(), "number 1"),
    ] {
        let error = with_user(&toml)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(error.contains(says), "{toml}: {error}");
    }
}

//! Where in a command an assignment may stand: `NAME=value` in the middle of other words is only an argument.
//!
//! <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_09>

use super::assignments::Form;

/// Words behind which an assignment may stand in a command. Options may too, and other assignments.
const BEFORE_ASSIGNMENTS: [&str; 17] = [
    "arg",
    "command",
    "cross-env",
    "declare",
    "do",
    "else",
    "env",
    "exec",
    "export",
    "local",
    "nohup",
    "readonly",
    "run",
    "sudo",
    "then",
    "time",
    "typeset",
];
/// Words behind which a command's condition stands, whose first word is also one of many sentences.
const CONDITIONS: [&str; 4] = ["if", "elif", "while", "until"];
/// Words of long options whose argument is an assignment: `--build-arg`, `--set-env-vars`.
const IN_OPTIONS: [&str; 5] = ["arg", "env", "environment", "setenv", "settings"];
/// Programs that search for a text, which stands behind their options.
const SEARCHES: [&str; 8] = ["ag", "awk", "egrep", "fgrep", "grep", "rg", "sed", "zgrep"];

/// Whether an assignment may follow: at the start of a command or behind what takes one.
pub fn is_introduced(lead: &str, form: Form) -> bool {
    let last = last_word(lead);
    let is_attached = !lead.is_empty() && !lead.ends_with(char::is_whitespace);
    // A label of `case` ends with `)`, a key with `:`.
    let is_behind_sign = last.ends_with([';', '&', '|', '(', '{', ',', '[', '=', '`', '!'])
        || (last.ends_with(':') && form == Form::Data)
        || (last.ends_with(')') && form == Form::Shell && !lead.contains('('));
    let is_behind_word = match last.strip_prefix('-') {
        Some(_) => takes_assignment(lead, last),
        None => last.contains('=') || is_one_of(&BEFORE_ASSIGNMENTS, last),
    };
    let is_behind_condition = is_one_of(&CONDITIONS, last) && begins_command(lead, last);
    last.is_empty() || is_behind_sign || ((is_behind_word || is_behind_condition) && !is_attached)
}

fn is_one_of(words: &[&str], word: &str) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Whether an assignment may follow the option: the item of a list, `docker run -e`, `sh -c`, `sudo -E`, but not `grep -v`.
fn takes_assignment(lead: &str, option: &str) -> bool {
    let mut words = lead.split_whitespace().rev();
    let command = words.find(|word| !word.starts_with('-'));
    let is_of_command = command.is_some_and(|word| is_one_of(&BEFORE_ASSIGNMENTS, word));
    let searches = || {
        let mut words = lead.split_whitespace();
        words.any(|word| is_one_of(&SEARCHES, word))
    };
    let sets = match option.strip_prefix("--") {
        Some(long) => long.split('-').any(|word| is_one_of(&IN_OPTIONS, word)),
        None => option.ends_with(['c', 'e', 'E', 'x']),
    };
    option == "-" || is_of_command || (sets && !searches())
}

/// Whether the word at the end is the first of its command, and not of a sentence.
fn begins_command(lead: &str, word: &str) -> bool {
    let before = lead.trim_end().strip_suffix(word).unwrap_or_default();
    let last = last_word(before);
    last.is_empty()
        || last.ends_with([';', '&', '|', '(', '{', ':'])
        || matches!(last, "do" | "then" | "else" | "-" | "run" | "RUN")
}

pub fn last_word(lead: &str) -> &str {
    lead.split_whitespace().next_back().unwrap_or_default()
}
